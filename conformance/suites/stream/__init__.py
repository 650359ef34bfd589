"""Judges streamed chats."""
