"""Observability: structured logs, metrics and traces, one facade for each."""
