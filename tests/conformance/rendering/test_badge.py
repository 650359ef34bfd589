"""The badge: the counts in words, the verdict in its colour, a title for who can't see it, nothing fetched."""

from typing import Any
from xml.etree import ElementTree

import pytest

from conformance import rendering
from conformance.rendering.badge import AMBER, GREEN, GREY, RED, width
from conformance.reporting.report import Judgement
from conformance.verdict import Verdict
from tests.conformance.rendering.documents import built, failing, hostile, passing

SVG = "{http://www.w3.org/2000/svg}"


def only(verdict: Verdict, *others: Verdict) -> dict[str, Any]:
    ids = ("LIST-001", "LIST-002")
    return built([Judgement(id, each, "", (), "t") for id, each in zip(ids, (verdict, *others), strict=False)], "m")


@pytest.mark.parametrize(
    ("document", "value", "colour"),
    [
        (passing(), "10 of 10", GREEN),
        (hostile(), "1 of 8", RED),
        (failing(3, "no"), "0 of 3", RED),
        (only(Verdict.PASS, Verdict.WARN), "1 of 2", AMBER),
        (only(Verdict.INCONCLUSIVE), "not judged", GREY),
    ],
)
def test_it_says_how_many_are_kept_in_the_colour_of_the_verdict(
    document: dict[str, Any], value: str, colour: str
) -> None:
    svg = ElementTree.fromstring(rendering.render("badge", document))
    assert [text.text for text in svg.iter(f"{SVG}text")] == ["gateproof", value]
    assert [box.get("fill") for box in svg.iter(f"{SVG}rect")][-1] == colour


def test_its_title_tells_the_verdict_and_it_fetches_nothing() -> None:
    text = rendering.render("badge", hostile() | {"profile": '"><script>'})
    svg = ElementTree.fromstring(text)
    assert svg.get("role") == "img"
    title = svg.findtext(f"{SVG}title")
    assert title == svg.get("aria-label")
    assert title
    assert "NOT conformant: 5 of 10" in title
    assert {element.tag.removeprefix(SVG) for element in svg.iter()} == {
        *("svg", "title", "clipPath", "rect", "g", "text")
    }
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_every_text_fits_into_its_field() -> None:
    svg = ElementTree.fromstring(rendering.render("badge", failing(123, "no")))
    label, value = (float(text.get("textLength", 0)) for text in svg.iter(f"{SVG}text"))
    assert (label, value) == (width("gateproof"), width("0 of 123"))
    assert float(svg.get("width", 0)) == pytest.approx(label + value + 24)
    assert 50 < width("gateproof") < 60  # as Verdana's advance widths at 11 px add up
