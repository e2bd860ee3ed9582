"""Real time: clients are told of events over a WebSocket, in order, and miss none."""
