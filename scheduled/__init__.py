"""Functions that run by the clock, and those that serve operators."""
