"""Health: what the platform stands on, looked at each minute, and what is said of it.

A check asks every part (``probes``), and the state of a part changes when several checks in a row
say so (``states``). The latest state is one row, which ``GET /health`` answers from (``answers``).
"""
