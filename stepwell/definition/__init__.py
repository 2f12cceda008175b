"""The language: a document in, a checked `Definition` out, and its expressions evaluated. Nothing is executed
here.
"""
