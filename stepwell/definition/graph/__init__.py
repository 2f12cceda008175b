"""Task lists as graphs: what comes after what, which roles tasks have in it, in which order they are shown, and what
expressions name of it. Nothing here complains; `rules.graphs` does."""
