"""The WebSocket API's functions, and those that send to its clients, one file for each."""
