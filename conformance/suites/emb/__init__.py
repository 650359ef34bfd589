"""Judges embeddings."""
