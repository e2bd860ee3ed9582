"""Reports: what happened in a tenant's week, from tables of their own in MySQL."""
