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


def rendered(document: dict[str, Any], names: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """What these renderers say, by their names; and a sentence for each that crashed, which is a fault of ours and
    takes nothing away from the others."""
    said: dict[str, str] = {}
    faults: list[str] = []
    for name in names:
        try:
            said[name] = render(name, document)
        except Exception as error:  # noqa: BLE001 - a crash over odd words of a gateway costs this file alone
            what = RENDERERS[name] or name
            faults.append(f"there is no {what}, a fault of gateproof's own ({type(error).__name__}: {error})")
    return said, faults


def written() -> dict[str, str]:
    """The renderers that write a file, with its name."""
    return {name: file for name, file in RENDERERS.items() if file}
