"""The page of the kill matrix, as Markdown: defects, what turned red of each, and what no defect breaks."""

from collections.abc import Iterable, Iterator
from typing import Any

from conformance.comparing.markdown import plain

HEAD = """# Kill matrix

Each named defect of the bundled gateway (`gateproof serve --defect NAME`), served over real sockets and judged by the
whole suite of its dialect; and harmless variations of the correct gateway, which have to leave all green.
`make kill-matrix` makes this folder anew; what was said of each defect is in [matrix.json](matrix.json).

| {defects} defects | {harmless_variations} harmless variations |
|---|---|
| {detected} detected | {false_alarms} false alarms |
| {exact} exact: what turned red is what its row says, {collateral} more and {missed} fewer | |
| {seen_in_the_wild} seen in the wild | |
"""


def page(document: dict[str, Any]) -> str:
    """The page for what kill_matrix.py found."""
    defects = document["defects"]
    groups = dict.fromkeys(row["area"] for row in defects)
    parts = [
        HEAD.format_map(document["figures"]),
        *_section("Not exact", ["defect", "missed", "too much"], _not_exact(defects)),
        *(part for group in groups for part in _group(group, [row for row in defects if row["area"] == group])),
        *_harmless(document["harmless"]),
        *_section("MUSTs that no defect breaks", ["MUST", ""], document["musts_without_a_defect"].items()),
        *_section("MUSTs that no defect can break", ["MUST", "why"], document["not_broken"].items()),
        *_section("Known not to be detected", ["what", "why"], document["not_detected"].items()),
        f"Catalogue {document['catalogue']}.\n",
    ]
    return "\n".join(parts)


def _section(title: str, head: list[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """A heading and a table; nothing where there are no rows."""
    lines = [f"| {' | '.join(map(plain, row))} |" for row in rows]
    if lines:
        yield "\n".join([f"## {title}", "", f"| {' | '.join(head)} |", "|---" * len(head) + "|", *lines, ""])


def _group(name: str, rows: list[dict[str, Any]]) -> Iterator[str]:
    title = f"{name}: {sum(row['exact'] for row in rows)} of {len(rows)} exact"
    cells = ([row["name"], " ".join(row["red"]) or "nothing", row["suffers"], row["seen"]] for row in rows)
    yield from _section(title, ["defect", "turned red", "what a client suffers", "seen"], cells)


def _not_exact(rows: list[dict[str, Any]]) -> Iterator[list[str]]:
    for row in rows:
        if not row["exact"]:
            more = "; ".join(f"{id} {row['red'][id]}" for id in row["collateral"])
            yield [row["name"], " ".join(row["missed"]), more]


def _harmless(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Each variation that was judged, with what went red of it, if anything did."""
    cells = []
    for row in rows:
        said = row["red"] | dict.fromkeys(row["untestable"], "untestable")
        red = [f"{id} {text}" for id, text in said.items() if id not in row["may"]]
        cells.append([row["name"], "; ".join(red) or "nothing"])
    yield from _section("Harmless variations", ["what a correct gateway may do in another way", "turned red"], cells)
