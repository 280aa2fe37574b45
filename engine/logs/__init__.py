"""Writing and reading logs. Imports nothing: the keeper passes through here without site-packages."""
