"""Environments as a whole: what there is, whether it works, how it is taken down."""
