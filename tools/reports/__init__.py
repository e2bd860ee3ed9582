"""What operators do with the tables of reports."""
