"""What a gateway must do, and how that is judged."""
