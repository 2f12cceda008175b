"""What does the work of steps: HTTP calls, shell commands, Python functions, runaway expressions."""
