"""The supervisor: one thread that decides, workers that act, and what it remembers of each instance."""
