"""MiniStack, started with the patches that bring it to what AWS documents: one file for each."""
