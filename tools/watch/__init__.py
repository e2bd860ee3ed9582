"""Live events in the terminal."""
