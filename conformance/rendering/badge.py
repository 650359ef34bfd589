"""A badge for a README: how many of the judged requirements are kept, coloured by the verdict; one SVG without fonts,
links or scripts of its own."""

from html import escape
from typing import Any

from conformance.rendering.findings import headline, tally

LABEL = "gateproof"
GREEN, AMBER, RED, GREY = "#1a7f37", "#9a6700", "#cf222e", "#6e7781"
LABEL_COLOUR = "#555"
"""White text has a contrast of 4.5 or more on each."""
SIZE = 11
PAD = 6
HEIGHT = 20
_WIDTHS = {
    "ijl": 278,
    " ,.": 318,
    "f": 352,
    "-": 361,
    "t": 392,
    "r": 411,
    "s": 521,
    "z": 525,
    "c": 550,
    "k": 579,
    "vxy": 592,
    "o": 612,
    "a": 613,
    "e": 615,
    "hnu": 634,
    "bdgpq": 635,
    "0123456789": 636,
    "w": 818,
    "m": 974,
}
"""Advance widths of DejaVu Sans, which is as wide as Verdana, in thousandths of the size. Viewers are told the length
of each text, so that it fits in any font."""


def render(document: dict[str, Any]) -> str:
    """The badge of the run."""
    counts = tally(document)
    value = f"{counts.kept} of {counts.judged}" if counts.judged else "not judged"
    if not counts.judged:
        colour = GREY
    elif not document["conformant"]:
        colour = RED
    else:
        colour = GREEN if counts.kept == counts.judged else AMBER
    return badge(LABEL, value, colour, f"gateproof, profile {document['profile']}: {headline(document)}")


def badge(label: str, value: str, colour: str, title: str) -> str:
    """An SVG of two fields, with `title` for those who can't see it or point at it."""
    left, right = width(label) + 2 * PAD, width(value) + 2 * PAD
    said = escape(title)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{left + right:g}" height="{HEIGHT}" role="img" \
aria-label="{said}">
<title>{said}</title>
<clipPath id="r"><rect width="{left + right:g}" height="{HEIGHT}" rx="3"/></clipPath>
<g clip-path="url(#r)">
<rect width="{left:g}" height="{HEIGHT}" fill="{LABEL_COLOUR}"/>
<rect x="{left:g}" width="{right:g}" height="{HEIGHT}" fill="{colour}"/>
</g>
<g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="{SIZE}">
<text x="{PAD}" y="14" textLength="{width(label):g}">{escape(label)}</text>
<text x="{left + PAD:g}" y="14" textLength="{width(value):g}">{escape(value)}</text>
</g>
</svg>
"""


def width(text: str) -> float:
    """The length of a text in the badge's font, in pixels."""
    each = {letter: wide for letters, wide in _WIDTHS.items() for letter in letters}
    return round(sum(each[letter] for letter in text) * SIZE / 1000, 1)
