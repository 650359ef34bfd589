"""What is rendered into files: by their suffix, all rendered before one is written, each whole or not at all."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from conformance import whole
from conformance.target import ConfigError

OUTPUT_HELP = "file to write, a page if it ends in .html, Markdown if in .md (repeatable)"
Renderers = Mapping[str, Callable[[Path], str]]
"""By suffix: what gives the text of a file, which may depend on where the file is."""


def write(paths: Sequence[Path], renderers: Renderers) -> list[Path]:
    """The paths, when they are written. Raises ConfigError for an unknown suffix and for what can't be written."""
    for path in paths:
        if path.suffix not in renderers:
            raise ConfigError(f"--output {path}: it must end in {' or '.join(renderers)}")
    texts = {path: renderers[path.suffix](path) for path in paths}
    for path, text in texts.items():
        try:
            whole.put(path, text.encode("utf-8", "replace"))
        except OSError as error:
            raise ConfigError(f"--output {path}: it can't be written ({error.strerror})") from None
    return list(texts)
