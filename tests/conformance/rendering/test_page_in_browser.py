"""report.html in a real browser: what is shown, found and linked; that nothing a gateway says does anything."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.rendering.page import render
from reference_gateway.hostile import CASES
from reference_gateway.hostile.serving import serving
from tests.browser import needs_browser, opened, running
from tests.conformance.rendering.pages import broken, kept, mixed, poisoned
from tests.conftest import KEY, Command

pytestmark = needs_browser
TRAPS = (
    "</title></style></script><script>window.__pwned=1</script>",
    "\"'><img src=x onerror=window.__pwned=1><svg onload=window.__pwned=1>",
    "</pre></details><a href=javascript:window.__pwned=1 autofocus onfocus=window.__pwned=1>x</a>",
    "{{7*7}}{% raw %}<!--]]>&lt;script&gt;<base href=//evil.test/><meta http-equiv=refresh content=0;url=//evil.test>",
)
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1200, "height": 900}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with running() as found:
        yield found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The page of a run in which there is every verdict."""
    return written(tmp_path, mixed())


def written(folder: Path, document: dict[str, Any]) -> Path:
    path = folder / "report.html"
    path.write_text(render(document), "utf-8")
    return path


def shown(page: Any) -> list[str]:
    """The ids of the requirements that the filter leaves."""
    found: list[str] = page.eval_on_selector_all(".item:not([hidden])", "items => items.map(item => item.id)")
    return found


def chosen(page: Any) -> str:
    return str(page.evaluate("location.hash"))


def open_all(page: Any) -> None:
    page.eval_on_selector_all("details", "all => all.forEach(one => { one.open = true })")


def test_the_verdict_is_seen_first_and_the_page_is_silent(browser: Any, file: Path) -> None:
    with opened(browser, file, viewport=DESKTOP) as page:
        assert "NOT conformant: 5 of 11" in page.inner_text(".banner")
        assert page.locator(".banner").bounding_box()["y"] < 200
        open_all(page)
        assert page.trouble == []


def test_the_usual_verdicts_by_area_are_all_seen_beside_what_was_judged(browser: Any, tmp_path: Path) -> None:
    document = mixed()
    rare = ("error", "known", "stale")
    document["requirements"] = [row for row in document["requirements"] if row["verdict"] not in rare]
    with opened(browser, written(tmp_path, document), viewport=DESKTOP) as page:
        table = page.get_by_role("region", name="Verdicts by area")
        assert table.get_by_role("columnheader").all_inner_texts()[-1] == "not-applicable"
        assert table.evaluate("it => it.scrollWidth <= it.clientWidth")
        assert table.bounding_box()["y"] < 400


def test_the_filter_leaves_what_is_asked_for_and_its_link_opens_the_same_view(browser: Any, file: Path) -> None:
    with opened(browser, file) as page:
        assert len(shown(page)) == 11
        page.get_by_label("fail", exact=True).check()
        assert shown(page) == ["CHAT-018", "STREAM-001"]
        page.get_by_label("Area", exact=True).select_option("STREAM")
        assert shown(page) == ["STREAM-001"]
        assert chosen(page) == "#verdict=fail&area=STREAM"
        link = chosen(page)
        page.get_by_role("button", name="Show all").first.click()
        assert len(shown(page)) == 11
        assert chosen(page) == ""
    with opened(browser, file, link) as again:
        assert shown(again) == ["STREAM-001"]
        assert again.get_by_label("Area", exact=True).input_value() == "STREAM"
        assert again.get_by_label("fail", exact=True).is_checked()


def test_text_is_found_in_any_case_and_by_all_its_words(browser: Any, file: Path) -> None:
    with opened(browser, file) as page:
        page.get_by_label("Text", exact=True).fill("USAGE 9")
        assert shown(page) == ["CHAT-018"]
        assert "1 of 11" in page.inner_text("#shown")
        page.get_by_label("Text", exact=True).fill("a b&c=d%20#")
        assert shown(page) == []
        assert page.locator("#nothing").is_visible()
        link = chosen(page)
    with opened(browser, file, link) as again:
        assert again.get_by_label("Text", exact=True).input_value() == "a b&c=d%20#"


def test_a_level_and_what_was_kept_can_be_asked_for(browser: Any, file: Path) -> None:
    with opened(browser, file) as page:
        assert not page.locator("#LIST-001 summary").first.is_visible(), "what is kept is folded"
        page.get_by_label("pass", exact=True).check()
        assert page.locator("#LIST-001 summary").first.is_visible()
        page.get_by_role("button", name="Show all").first.click()
        page.get_by_label("Level", exact=True).select_option("SHOULD")
        levels = page.eval_on_selector_all(".item:not([hidden])", "items => items.map(item => item.dataset.level)")
        assert set(levels) == {"SHOULD"}


@pytest.mark.parametrize("id", ["STREAM-048", "LIST-001"], ids=["a warning", "what is folded"])
def test_an_anchor_opens_its_requirement(browser: Any, file: Path, id: str) -> None:
    with opened(browser, file, f"#{id}") as page:
        assert page.locator(f"#{id} dl").is_visible()
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.parentElement.id") == id
        assert page.evaluate(f"document.getElementById('{id}').getBoundingClientRect().top") < 740


def test_a_link_to_what_the_filter_hides_shows_it(browser: Any, file: Path) -> None:
    with opened(browser, file, "#verdict=warn") as page:
        assert shown(page) == ["STREAM-048"]
        page.evaluate("location.hash = '#CHAT-018'")
        page.wait_for_function("document.getElementById('CHAT-018').open")
        assert page.locator("#CHAT-018 dl").is_visible()


def test_an_odd_fragment_changes_nothing(browser: Any, file: Path) -> None:
    for fragment in ("#nothing-of-the-kind", "#%E0%A4%A", "#area=NONE&verdict=none&level=__proto__", "#=&&="):
        with opened(browser, file, fragment) as page:
            assert len(shown(page)) == 11, fragment
            assert page.trouble == [], fragment


def test_request_response_and_events_are_side_by_side(browser: Any, file: Path) -> None:
    with opened(browser, file, "#STREAM-048", viewport=DESKTOP) as page:
        request, response = page.locator("#STREAM-048 .message").all()
        left, right = request.bounding_box(), response.bounding_box()
        assert left["x"] + left["width"] <= right["x"] and left["y"] == right["y"]
        assert "40 events: the first after 100.0 ms, the last after 1.48 s" in response.inner_text()
        assert "20 events left out" in response.inner_text()
        ticks = page.locator("#STREAM-048 .tick").get_attribute("d")
        assert ticks.count("M") == 20


def test_everything_is_there_without_script(browser: Any, file: Path) -> None:
    with opened(browser, file, java_script_enabled=False) as page:
        assert page.locator(".item").count() == 11
        assert not page.locator(".filter").is_visible(), "what can't work is not offered"
        page.locator("#CHAT-018 > summary").click()
        assert page.get_by_text("usage does not add up").last.is_visible()
        page.locator(".kept > summary").click()
        assert page.locator("#LIST-001").is_visible()


@pytest.mark.parametrize("document", [mixed, kept, broken], ids=["mixed", "kept", "broken"])
def test_a_phone_does_not_scroll_sideways(browser: Any, tmp_path: Path, document: Any) -> None:
    with opened(browser, written(tmp_path, document()), viewport=PHONE) as page:
        open_all(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_that_keeps_people_out(browser: Any, file: Path, scheme: str, size: Any) -> None:
    from axe_playwright_python.sync_playwright import Axe

    with opened(browser, file, viewport=size, color_scheme=scheme) as page:
        open_all(page)
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (paper == "rgb(255, 255, 255)") is (scheme == "light")
        found = Axe().run(page).response["violations"]
        assert [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in found] == []


def test_the_keyboard_is_enough(browser: Any, file: Path) -> None:
    with opened(browser, file) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.locator("#CHAT-018 > summary").focus()
        page.keyboard.press("Enter")
        assert page.locator("#CHAT-018 dl").is_visible()
        style = "getComputedStyle(document.activeElement)"
        assert page.evaluate(f"{style}.outlineStyle") != "none"
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('.item')?.id") == "CHAT-018"


def test_what_is_broken_is_printed_though_it_was_folded(browser: Any, file: Path) -> None:
    with opened(browser, file) as page:
        page.emulate_media(media="print")
        assert page.locator("#CHAT-018 dl").is_visible()
        assert not page.locator(".filter").is_visible()


@pytest.mark.parametrize("trap", TRAPS, ids=["script", "handlers", "links", "others"])
def test_hostile_text_in_every_field_does_nothing(browser: Any, tmp_path: Path, trap: str) -> None:
    clean, dirty = mixed(), poisoned(mixed(), trap)
    assert json.dumps(dirty).count("evil" if "evil" in trap else "__pwned") > 200
    with opened(browser, written(tmp_path, clean)) as page:
        before = page.evaluate(
            "[...new Set([...document.querySelectorAll('*')].map(one => one.tagName))].sort().join()"
        )
    with opened(browser, written(tmp_path, dirty)) as page:
        open_all(page)
        page.get_by_label("Text", exact=True).fill("pwned")
        for link in page.locator("a").all():
            assert link.get_attribute("href").startswith("#")
        after = page.evaluate("[...new Set([...document.querySelectorAll('*')].map(one => one.tagName))].sort().join()")
        assert after == before
        assert page.evaluate("window.__pwned") is None
        assert page.trouble == []


def test_the_policy_stops_a_script_that_is_not_ours(browser: Any, tmp_path: Path) -> None:
    path = written(tmp_path, mixed())
    marked = "<script>window.__pwned=1</script><img src=x onerror='window.__pwned=1'>"
    path.write_text(path.read_text("utf-8").replace("</main>", marked + "</main>"), "utf-8")
    with opened(browser, path) as page:
        assert page.evaluate("window.__pwned") is None
        assert len(shown(page)) == 11, "our own script ran"
        assert any("Content Security Policy" in line for line in page.trouble)


@pytest.mark.parametrize("hostile", ["html", "raw-escapes", "terminal-escapes"])
def test_the_report_of_a_hostile_gateway_is_harmless(browser: Any, run: Command, tmp_path: Path, hostile: str) -> None:
    with serving(CASES[hostile], KEY) as served:
        words = ["--only", "LIST,ERR,SEC", "--output", "out", "--timeout", "5"]
        run("gateproof", "check", f"{served.url}/v1", *words, env={"GATEPROOF_API_KEY": KEY})
    document = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert {row["verdict"] for row in document["requirements"]} & {"fail", "warn"}
    with opened(browser, written(tmp_path, document)) as page:
        open_all(page)
        assert "<" in page.inner_text(".exchange") or hostile == "terminal-escapes"
        assert page.trouble == []
        assert page.locator("main script, main img, main iframe, main a:not([href^='#'])").count() == 0
