"""Workflows that are Python functions: the decorators, the loop their code runs on, and how it is made to go on.

`workflow` and `step` are what users write on their functions, `verbs` what they call in a workflow (public as
`stepwell.flow`). `execution` runs one run's code and turns what it asks for into calls; `codebase` finds the code of a
run.
"""
