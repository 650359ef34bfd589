"""Judges chat completions."""
