"""Judges what a gateway does between its client and its provider, from both sides."""
