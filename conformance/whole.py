"""Files that are there whole or not at all: whoever reads one sees all of it, and what was there before outlives a
disk that is full."""

import os
from pathlib import Path


def put(path: Path, data: bytes) -> None:
    """Writes a file, in the place of one that is there. Raises OSError."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(data)
    os.replace(partial, path)
