"""Colour themes and style sheets."""
