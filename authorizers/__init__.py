"""Lambda authorizers: one for each API."""
