"""`itemstream secrets`: rotate the secrets of an environment, and see when they were rotated."""
