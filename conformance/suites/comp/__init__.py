"""Judges completions."""
