"""Durable memory: what turns are written to, and the bytes they are written as. Decides nothing."""
