"""Releases: how functions come to their newest version, step by step, and how they go back."""
