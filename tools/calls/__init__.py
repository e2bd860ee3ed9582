"""Call records for trying things out: files as clients would send them."""
