"""The imperative shell: the only room that has both rules and doors. Order and atomicity live here.

A command comes in, `turn` decides it, the store makes it durable, and only then are its effects carried out.
"""
