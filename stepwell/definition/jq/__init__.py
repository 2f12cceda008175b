"""jq as the language of expressions: read, judged, and run without I/O and without changing a value."""
