"""The comparison and the matrix in a real Chromium: cells open, filters filter, hostile words do nothing."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.comparing.kinds import compared
from conformance.comparing.matrix import published
from conformance.comparing.pages import comparison_page, matrix_page
from tests.conformance.comparing.runs import altered, document, row
from tests.load.chromium import FOUND, needs_chromium

api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = needs_chromium
EVIL = '</script><img src=x onerror="window.trap=1"><script>window.trap=1</script>`${trap}`\'" onclick=trap {{ 7*7 }}'
SOME = ("LIST-001", "CHAT-018", "HDR-001", "STREAM-038")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=FOUND, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """matrix.html and comparison.html, with hostile words wherever a gateway, or a file, has a say."""
    folder = tmp_path_factory.mktemp("pages")
    good = document(*SOME)
    target = good["target"] | {"base_url": f"http://x/{EVIL}", "model": EVIL}
    bad = altered(good, row("CHAT-018", "fail", f"seen {EVIL}", statement=EVIL), target=target)
    for name, report in (("good", good), ("bad", bad)):
        (folder / name).mkdir()
        (folder / name / "report.json").write_text(json.dumps(report))
    (folder / "bad" / "README.md").write_text(f"# {EVIL}\n\n## Reproduce\n\n{EVIL}\n\n```console\n{EVIL}\n```\n")
    (folder / "matrix.html").write_text(matrix_page(published(folder)[0], ""))
    both = compared(folder / "good" / "report.json", folder / "bad" / "report.json")
    (folder / "comparison.html").write_text(comparison_page(both, EVIL, EVIL))
    return folder


def opened(browser: Any, path: Path, **how: Any) -> tuple[Any, list[str]]:
    page = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | how)).new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(path.as_uri())
    return page, said


@pytest.mark.parametrize("name", ["matrix.html", "comparison.html"])
def test_hostile_words_are_shown_and_do_nothing(browser: Any, pages: Path, name: str) -> None:
    page, said = opened(browser, pages / name)
    assert page.evaluate("window.trap === undefined && document.querySelectorAll('img').length === 0")
    assert "onerror=" in page.content() and "<img src=x" not in page.content()
    assert not said


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["matrix.html", "comparison.html"])
def test_a_phone_does_not_scroll_sideways(browser: Any, pages: Path, name: str, scheme: str) -> None:
    page, _ = opened(browser, pages / name, viewport={"width": 360, "height": 780}, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(found => found.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_cell_opens_its_requirements(browser: Any, pages: Path) -> None:
    page, _ = opened(browser, pages / "matrix.html")
    item = page.locator("#bad--CHAT")
    assert not item.evaluate("found => found.open")
    page.click("a[href='#bad--CHAT']")
    page.wait_for_function("document.getElementById('bad--CHAT').open")
    assert item.get_by_text("CHAT-018").is_visible()


def test_what_is_sought_is_found_and_the_rest_hidden(browser: Any, pages: Path) -> None:
    page, _ = opened(browser, pages / "matrix.html")
    page.fill("#words", "chat-018")
    assert page.locator("#count").inner_text() == "2 found"
    assert page.locator("#bad--CHAT").is_visible() and not page.locator("#bad--LIST").is_visible()
    page.fill("#words", "")
    assert page.locator("#bad--LIST").is_visible()


def test_without_javascript_everything_is_there(browser: Any, pages: Path) -> None:
    page, _ = opened(browser, pages / "matrix.html", java_script_enabled=False)
    assert not page.locator("#filter").is_visible()
    page.click("#good--CHAT > summary")
    assert page.locator("#good--CHAT").get_by_text("CHAT-018").is_visible()
