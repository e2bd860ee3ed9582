"""MySQL, where reports are made: how to reach it, and its schema."""
