"""Durable execution for code, services and people, on one SQLite file."""
