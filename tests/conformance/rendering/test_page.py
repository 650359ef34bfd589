"""report.html as text: its order, its bounds, and that it renders what earlier versions wrote."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from conformance.rendering.page import render
from tests.conformance.rendering.pages import broken, kept, mixed
from tests.conftest import ROOT

PUBLISHED = sorted((ROOT / "reports").glob("*/report.json"))


class Words(HTMLParser):
    """The text outside of script and style, and the headings."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.headings: list[int] = []
        self.ids: list[str] = []
        self._in = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in = tag
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        self.ids += [value for name, value in attrs if name == "id" and value]

    def handle_data(self, data: str) -> None:
        if self._in not in ("script", "style"):
            self.text += f" {data}"


def words(document: dict[str, Any]) -> str:
    return " ".join(Words(render(document)).text.split())


def test_the_verdict_and_the_counts_come_before_all_else() -> None:
    text = words(mixed()).split("Conformance of", 1)[1]
    order = [
        *("NOT conformant: 5 of 11", "2 pass, 2 fail", "What was judged", "4.2 s", "Optional features", "By area"),
        *(
            "Broken",
            "usage does not add up",
            "Kept against expectation",
            "Could not be judged",
            "Warnings",
            "2 requirements are kept",
        ),
    ]
    places = [text.index(word) for word in order]
    assert places == sorted(places)


def test_a_failure_says_what_was_expected_what_was_seen_who_breaks_and_how_to_see_it_again() -> None:
    text = words(mixed())
    part = text[text.index("fail CHAT-018") : text.index("fail STREAM-001")]
    for said in ("usage does not add up: 3 + 4 is not 9", "Who breaks", "Source", "HTTP/1.1 200 after 100.0 ms"):
        assert said in part
    for said in ("client.chat.completions", "curl -sS -i -X POST", "gateproof check http://gateway.test/v1"):
        assert said in part
    assert "--only CHAT-018" in part


def test_a_conformant_run_says_so_and_names_no_section_that_is_empty() -> None:
    text = words(kept())
    assert "conformant: " in text.lower()
    assert "NOT conformant" not in text
    assert "Broken" not in text
    assert "Warnings" not in text


@pytest.mark.parametrize("document", [mixed, kept, broken], ids=["mixed", "kept", "broken"])
def test_headings_are_in_order_and_ids_are_unique(document: Any) -> None:
    found = Words(render(document()))
    assert found.headings[0] == 1
    assert found.headings.count(1) == 1
    steps = zip(found.headings, found.headings[1:], strict=False)
    assert all(after <= before + 1 for before, after in steps)
    assert len(set(found.ids)) == len(found.ids)


@pytest.mark.parametrize("text", ["all is broken ", "<script>\"&'</script>"], ids=["plain", "hostile"])
def test_a_page_is_bounded_and_says_what_it_leaves_out(text: str) -> None:
    html = render(broken(text))
    assert len(html.encode()) < 3_000_000
    assert "left out, to keep this page small" in html
    assert html.count('class="item"') > 400


def test_it_needs_nothing_but_itself() -> None:
    html = render(mixed())
    assert not re.findall(r'(?:src|href|action)=(?!"(?:#|data:,))', html)
    assert "url(" not in html and "@import" not in html


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.parent.name)
def test_published_reports_of_earlier_versions_are_rendered(path: Path) -> None:
    document = json.loads(path.read_text("utf-8"))
    html = render(document)
    assert all(f'id="{row["id"]}"' in html for row in document["requirements"])


def test_what_the_baseline_covers_is_told() -> None:
    document = mixed()
    entry = {"kind": "known", "id": "LIST-004", "test": "", "reason": "ticket 7", "owner": "ops", "link": ""}
    row = next(row for row in document["requirements"] if row["id"] == "LIST-004")
    row["baseline"] = [entry | {"expires": "2027-01-31", "expired": False}]
    assert "known until 2027-01-31: ticket 7 (ops)" in words(document)


def test_clients_that_would_break_are_named_with_the_requirements_that_break_them() -> None:
    html = render(broken())
    part = html[html.index("Which well-known clients") : html.index('id="requirements"')]
    assert '<span class="verdict fail">breaks</span>' in part
    assert '<a href="#SDK-001">SDK-001</a>' in part
    assert "breaks: " in part
    assert "breaks: " not in render(kept())
