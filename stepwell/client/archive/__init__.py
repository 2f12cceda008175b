"""Archiving: plans (`plan`), the file (`file`), carrying a plan out and restoring (`carry`), policies (`policies`)."""
