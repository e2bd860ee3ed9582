"""Lambda functions, a folder for each family: what shares one image or archive."""
