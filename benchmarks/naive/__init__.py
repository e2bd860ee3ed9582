"""The same functions as many samples write them: every convenience, imported at the top."""
