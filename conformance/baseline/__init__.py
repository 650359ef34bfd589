"""The baseline: what one gateway is known not to keep, until when, and who sees to it."""
