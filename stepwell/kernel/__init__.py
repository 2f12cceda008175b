"""The rules: what follows from what. Pure: no I/O, no clock, no chance, no logging, no awaiting.

`decide(definition, state, command, …)` gives the events that a command causes and the effects that must follow;
`evolve(draft, event, …)` gives what an event means. The same command in the same state always gives the same answer.
"""
