"""How long a check takes, measured side by side with what it could take at best."""
