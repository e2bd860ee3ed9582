"""Functions that nobody waits for: they work on events, one file for each."""
