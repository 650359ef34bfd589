"""JSON Schemas of every OpenAI-shaped object and of our own report, and their loader."""
