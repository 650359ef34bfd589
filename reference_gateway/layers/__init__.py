"""What every request passes on its way to a dialect, and every response on its way out."""
