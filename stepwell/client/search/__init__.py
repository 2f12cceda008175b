"""Searches as people and programs write them: a tree as data, or the same as text."""
