"""HTTP in and out: requests, answers, problem documents, entity tags and cursors."""
