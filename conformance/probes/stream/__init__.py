"""Probes of streamed chats."""
