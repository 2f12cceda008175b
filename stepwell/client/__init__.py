"""The one counter: the verbs that the command line, the Python door and the tests all speak."""
