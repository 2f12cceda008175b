"""What the verbs on procedures are made of: names and revisions, commits, merges, files, checks."""
