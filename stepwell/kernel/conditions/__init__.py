"""The rules of completion conditions: what a tree of them does when it begins, when the world answers, as time passes.

`tree` moves trees, one small module per kind of leaf says what a leaf does, `table` lists them. Nothing here knows of
steps: whoever holds the tree gives the data (`Ground`), writes the changes down, and does what is wanted (`Ask`,
`Wake`).

A step that is submitted puts its tree on record, all leaves at once. `all` fails as soon as one part fails, and cancels
the others; `any` is satisfied by the first, and cancels the others; `not` is satisfied when its part fails, a time-out
included, and fails when it is satisfied. A fault (`model.conditions.FAULTS`) is no answer and fails a `not` too.
"""
