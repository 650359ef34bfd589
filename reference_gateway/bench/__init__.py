"""How fast the bundled gateway streams, measured side by side with a server that does nothing else."""
