"""The nouns: frozen records and their names. No behaviour, no I/O, no clocks.

`Instant` is used everywhere for a point in time: an integer number of microseconds since 1970-01-01 UTC.
`Json` is any value that JSON can hold, plus integers of any size and NaN/Infinity, which survive unchanged.
"""
