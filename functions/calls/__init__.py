"""The HTTP API's functions: call records, one file for each."""
