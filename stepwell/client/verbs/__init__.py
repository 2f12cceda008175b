"""What a client can ask for, one module for each family of verbs; `client.Client` is all of them together."""
