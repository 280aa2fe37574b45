"""Keepers and the servers they own. Imports nothing: the keeper passes through here without site-packages."""
