"""load.html: what it says first, that it needs no network, and that nothing a gateway says becomes part of it."""

import base64
import hashlib
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from load import gate
from load.metrics import Metrics
from load.reporting import charts
from load.reporting.files import json_text
from load.reporting.page import page
from tests.browser import needs_browser, opened, running
from tests.load.documents import made_up, swept

HOSTILE = (
    "</title></script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">{{7*7}}'\""
)


class Parsed(HTMLParser):
    """The elements, their attributes, and the text outside of script and style."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text: list[str] = []
        self.scripts: list[str] = []
        self._in = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self._in = tag

    def handle_endtag(self, tag: str) -> None:
        self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in == "script":
            self.scripts.append(data)
        elif self._in != "style" and data.strip():
            self.text.append(data.strip())

    @property
    def words(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.text))


def test_the_verdict_and_the_objectives_come_before_every_figure() -> None:
    words = Parsed(page(made_up())).words
    order = [
        words.index(text) for text in ("Failed", "Objectives", "% missed", "The client kept up", "Goodput", "Times")
    ]
    assert order == sorted(order)
    assert "ttft_p95 < 300ms" in words and "error_rate < 0.1%" in words


def test_the_banner_of_a_good_run_says_what_was_looked_at() -> None:
    good = made_up() | {"violations": [], "errors": {}, "failed": 0}
    held = good["slo"] | {"held": True, "checks": [check | {"held": True} for check in good["slo"]["checks"]]}
    for slo, said in ((held, "2 objectives held"), (held | {"checks": []}, "no objective was set")):
        assert f"Passed: nothing failed, no rule was broken, {said}" in Parsed(page(good | {"slo": slo})).words


def test_a_client_that_was_the_bottleneck_is_said_with_its_reasons() -> None:
    words = Parsed(page(made_up(cpu=0.99, lag_s=0.08))).words
    assert "The client was the bottleneck" in words
    assert "99% of its core" in words and "80 ms late" in words


def test_violations_and_failures_come_with_their_evidence() -> None:
    words = Parsed(page(made_up())).words
    assert 'no finish_reason before "[DONE]"' in words
    assert "http 503" in words and "the upstream is asleep" in words


def test_what_the_gateway_adds_is_told_in_sentences_and_in_figures() -> None:
    words = Parsed(page(made_up())).words
    assert "What the gateway adds" in words and "added at the median" in words


def test_a_sweep_is_told_with_its_knee_and_every_load() -> None:
    document = swept(made_up())
    found = Parsed(page(document))
    knee = f"{document['sweep']['knee']:g}"
    assert f"Failed: Held up to {knee} requests/s The figures below are of that load" in found.words
    assert re.search(r"\d+ violations in all of its steps", found.words)
    assert all(f"{step['rate']:g}" in found.text for step in document["sweep"]["steps"])
    assert "32 requests/s did not hold: ttft_p95 < 300ms: 640 ms" in found.words
    assert json.loads(found.scripts[0])["curves"][1][0]["title"] == "Goodput over requests/s"


@pytest.mark.parametrize(
    ("stopped", "knee", "word"), [("", 9, "Passed"), ("", None, "Failed"), ("x", 9, "Not to be trus")]
)
def test_the_banner_of_a_sweep_says_what_its_exit_code_says(stopped: str, knee: int | None, word: str) -> None:
    document = swept(made_up())
    search = document["sweep"] | {"stopped": stopped, "knee": knee}
    search["steps"] = [step | {"violations": 0} for step in search["steps"]]
    words = Parsed(page(document | {"sweep": search})).words
    assert word in words.split("The figures below")[0]


def test_the_earlier_run_is_shown_beside_this_one_or_why_not() -> None:
    document, slower = made_up(), made_up()
    slower["ttft_s"] = {**slower["ttft_s"], "p50": document["ttft_s"]["p50"] / 2}
    document["slo"] = gate.judge(document, gate.parse([]), slower)
    assert re.search(r"ttft_p50 [\d.]+ ms [\d.]+ ms \+100.0% worse", Parsed(page(document)).words)
    document["slo"] = gate.judge(document, gate.parse([]), slower | {"model": "another"})
    assert "model was another and is" in Parsed(page(document)).words


def test_nothing_a_gateway_says_becomes_markup() -> None:
    html = page(made_up(hostile=HOSTILE))
    found, plain = Parsed(html), Parsed(page(made_up()))
    assert found.tags == plain.tags
    assert HOSTILE in found.words
    assert found.scripts[1:] == plain.scripts[1:]


def test_the_page_asks_for_nothing_and_runs_only_the_scripts_that_its_policy_names() -> None:
    found = Parsed(page(made_up()))
    assert [value for _, name, value in found.attributes if name in ("src", "href")] == ["data:,"]
    assert not [name for _, name, _ in found.attributes if name.startswith("on") or name == "style"]
    policy = next(value for tag, name, value in found.attributes if tag == "meta" and "default-src" in value)
    ours = base64.b64encode(hashlib.sha256(found.scripts[-1].encode()).digest()).decode()
    assert policy.startswith("default-src 'none'") and f"script-src 'sha256-{ours}'" in policy
    assert "unsafe" not in policy


def test_the_data_of_the_charts_is_the_series() -> None:
    document = made_up(seconds=20)
    data = json.loads(Parsed(page(document)).scripts[0])
    assert data["columns"]["t_s"] == list(range(20))
    assert data["columns"]["ttft_p95_s"] == [pytest.approx(row["ttft_p95_s"], rel=1e-5) for row in document["series"]]


def test_a_long_run_is_thinned_by_what_each_line_means() -> None:
    rows: list[dict[str, Any]] = [
        {"t_s": at, "ttft_p95_s": at / 10, "failed": 1, "events_per_s": at} for at in range(10)
    ]
    rows[3]["ttft_p95_s"] = None
    columns, step = charts.thinned(rows, most=4)
    assert step == 3
    assert columns["t_s"] == [0, 3, 6, 9]
    assert columns["ttft_p95_s"] == [0.2, 0.5, 0.8, 0.9]
    assert columns["failed"] == [3, 3, 3, 1]
    assert columns["events_per_s"] == [1, 4, 7, 9]
    assert columns["itl_p50_s"] == [None] * 4


def test_every_line_of_a_chart_is_a_member_of_the_series() -> None:
    assert set(charts.KEYS) <= set(made_up(seconds=1)["series"][0])


def test_a_run_that_measured_nothing_has_a_page() -> None:
    distribution = Metrics().total.distribution()
    document = made_up() | Metrics().summary() | {"distribution": distribution} | {"series": [], "overhead": None}
    document["slo"] = gate.judge(document, gate.parse(["ttft_p95 < 300ms"]), None)
    words = Parsed(page(document)).words
    assert "Nothing was measured" in words and "not measured missed" in words


def test_the_curves_of_the_times_are_drawn_from_none_to_all() -> None:
    document = made_up()
    found = Parsed(page(document))
    curves = json.loads(found.scripts[0])["curves"][0]
    assert [curve["title"] for curve in curves] == ["TTFT, ms", "ITL, ms", "end to end, ms"]
    for curve, name in zip(curves, ("ttft_s", "itl_s", "e2e_s"), strict=True):
        (line,) = curve["lines"]
        shares = {share: ms for ms, share in line["points"]}
        assert min(shares) == 0 and max(shares) == 100
        assert shares[95] == pytest.approx(document[name]["p95"] * 1000) and curve["log"]


def test_a_stored_run_gets_its_page_again_and_anything_else_one_line(tmp_path: Path) -> None:
    def said(path: Path) -> tuple[int, str]:
        done = subprocess.run([sys.executable, "-m", "load.reporting", path], capture_output=True, text=True)
        return done.returncode, done.stderr

    run, other = tmp_path / "load.json", tmp_path / "other.json"
    run.write_text(json_text(made_up()), "utf-8")
    other.write_text("[]", "utf-8")
    assert said(run) == (0, "") and (tmp_path / "load.html").read_text("utf-8") == page(made_up())
    for path in (other, tmp_path / "missing.json"):
        code, line = said(path)
        assert code == 4 and line.count("\n") == 1 and "no load.json" in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["load.html", "load.json", "other.json"]


@needs_browser
def test_a_browser_draws_the_charts_and_is_not_owned(tmp_path: Path) -> None:
    file = tmp_path / "load.html"
    file.write_text(page(swept(made_up(hostile=HOSTILE))), encoding="utf-8")
    with running() as browser, opened(browser, file) as shown:
        assert shown.title().startswith("Load of https://gateway.test/v1")
        assert shown.locator("canvas").count() == len(charts.CHARTS) + 3 + 2
        assert "p50 from " in shown.content()
        assert not shown.trouble
