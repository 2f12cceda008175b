"""Forms: fields that people fill in.

What a field may be (a module per family of kinds; `reading` makes them), what may stand in it and what comes out of it
(`values`), and the same as a JSON Schema (`schema`). Pure, and nothing here takes longer than the values are long.
"""
