"""JSON Schemas of every OpenAI-shaped object and of our own report, and their loader."""

from schemas.loader import names, recognise, validator, violations

__all__ = ["names", "recognise", "validator", "violations"]
