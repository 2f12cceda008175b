"""The structure of the language as tables, and what goes through a document with them."""
