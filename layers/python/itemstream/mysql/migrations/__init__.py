"""The schema: numbered SQL files, each of which may run again from its beginning."""
