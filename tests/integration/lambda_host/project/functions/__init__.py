"""Functions that show what a Lambda host must bear."""
