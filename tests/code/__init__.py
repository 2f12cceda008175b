"""Workflows that are Python functions, proved from outside."""
