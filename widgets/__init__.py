"""Textual widgets that draw engine snapshots and post what the operator asks for."""
