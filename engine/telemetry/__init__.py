"""Numbers about the machine and the servers."""
