"""What a report document is shown as: one renderer a file, each a module here with `render(document) -> str`.

A renderer reads the document alone (schemas/report.json), and the catalogue for what the document does not repeat. What
stands in it may come from a hostile gateway: each renderer makes it harmless where its own reader would obey it.
"""

from collections.abc import Iterable
from importlib import import_module
from typing import Any

RENDERERS = {
    "text": "",
    "annotations": "",
    "page": "report.html",
    "markdown": "report.md",
    "sarif": "report.sarif",
    "codequality": "codequality.json",
    "badge": "badge.svg",
}
"""Every renderer with the file that it writes into the output folder; "" for what is only printed."""


def render(name: str, document: dict[str, Any]) -> str:
    """The document as this renderer shows it; its module is imported only now."""
    return str(import_module(f"conformance.rendering.{name}").render(document))


def rendered(document: dict[str, Any], names: Iterable[str] = RENDERERS) -> tuple[dict[str, str], list[str]]:
    """What the renderers that write a file say, by its name; and a sentence for each renderer that crashed, which is a
    fault of ours and takes nothing away from the others."""
    files: dict[str, str] = {}
    faults: list[str] = []
    for name in names:
        if file := RENDERERS[name]:
            try:
                files[file] = render(name, document)
            except Exception as error:  # noqa: BLE001 - whatever is wrong with one of them, the others are written
                faults.append(f"{file} was not written, a fault of gateproof's own ({type(error).__name__}: {error})")
    return files, faults
