"""The comparison and the matrix in a real Chromium: cells open, filters filter, hostile words do nothing."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.comparing.kinds import compared
from conformance.comparing.matrix import published
from conformance.comparing.pages import comparison_page, matrix_page
from tests.browser import needs_browser, opened, running
from tests.conformance.comparing.runs import altered, document, row

pytestmark = needs_browser
EVIL = '</script><img src=x onerror="window.trap=1"><script>window.trap=1</script>`${trap}`\'" onclick=trap {{ 7*7 }}'
SOME = ("LIST-001", "CHAT-018", "HDR-001", "STREAM-038")


DESKTOP = {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with running() as found:
        yield found


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


@pytest.mark.parametrize("name", ["matrix.html", "comparison.html"])
def test_hostile_words_are_shown_and_do_nothing(browser: Any, pages: Path, name: str) -> None:
    with opened(browser, pages / name, viewport=DESKTOP) as page:
        assert page.evaluate("window.trap === undefined && document.querySelectorAll('img').length === 0")
        assert "onerror=" in page.content() and "<img src=x" not in page.content()
        assert not page.trouble


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["matrix.html", "comparison.html"])
def test_a_phone_does_not_scroll_sideways(browser: Any, pages: Path, name: str, scheme: str) -> None:
    with opened(browser, pages / name, viewport={"width": 360, "height": 780}, color_scheme=scheme) as page:
        page.evaluate("document.querySelectorAll('details').forEach(found => found.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["matrix.html", "comparison.html"])
def test_axe_finds_nothing(browser: Any, pages: Path, name: str, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    with opened(browser, pages / name, viewport=DESKTOP, color_scheme=scheme) as page:
        page.evaluate("document.querySelectorAll('details').forEach(found => found.open = true)")
        found = Axe().run(page).response["violations"]
        assert not [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]


def test_a_cell_opens_its_requirements(browser: Any, pages: Path) -> None:
    with opened(browser, pages / "matrix.html", viewport=DESKTOP) as page:
        item = page.locator("#bad--CHAT")
        assert not item.evaluate("found => found.open")
        page.click("a[href='#bad--CHAT']")
        page.wait_for_function("document.getElementById('bad--CHAT').open")
        assert item.get_by_text("CHAT-018").is_visible()


def test_what_is_sought_is_found_and_the_rest_hidden(browser: Any, pages: Path) -> None:
    with opened(browser, pages / "matrix.html", viewport=DESKTOP) as page:
        page.fill("#words", "chat-018")
        assert page.locator("#count").inner_text() == "2 found"
        assert page.locator("#bad--CHAT").is_visible() and not page.locator("#bad--LIST").is_visible()
        page.fill("#words", "")
        assert page.locator("#bad--LIST").is_visible()


def test_without_javascript_everything_is_there(browser: Any, pages: Path) -> None:
    with opened(browser, pages / "matrix.html", viewport=DESKTOP, java_script_enabled=False) as page:
        assert not page.locator("#filter").is_visible()
        page.click("#good--CHAT > summary")
        assert page.locator("#good--CHAT").get_by_text("CHAT-018").is_visible()
