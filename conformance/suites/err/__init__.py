"""Judges errors."""
