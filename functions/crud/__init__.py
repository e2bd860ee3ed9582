"""The REST API's functions, one file for each."""
