"""What survives every process: the SQLite store."""
