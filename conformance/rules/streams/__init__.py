"""What must hold of an event stream: its bytes, its chunks, its text and its times."""
