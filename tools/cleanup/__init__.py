"""`itemstream cleanup`: a run of the cleanup for who does not want to wait for its hour."""
