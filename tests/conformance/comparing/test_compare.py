"""What is a regression between two reports, and what is not; by real runs, and by the command."""

import json
from pathlib import Path
from typing import Any

import pytest

from conformance.comparing.clients import known_clients
from conformance.comparing.comparison import Comparison
from conformance.comparing.reports import compared
from conformance.verdict import Exit
from tests.conformance.comparing.runs import Document, altered, document, row, without
from tests.conftest import Command

SOME = ("STREAM-037", "STREAM-038", "CHAT-018", "HDR-001", "SDK-001")
DEFECT = "tool-call-without-id-in-streams"


def found(comparison: Comparison) -> dict[str, list[str]]:
    """The ids or names in every section, by its title."""
    return {section.title: [row.name.split(" ")[0] for row in section.rows] for section in comparison.sections}


def after(verdict: str, id: str = "CHAT-018", *, was: str = "pass", strict: bool = False, **more: Any) -> Comparison:
    """The comparison of two runs in which this requirement was one thing and became another."""
    report = document(*SOME)
    before = altered(report, row(id, was, "" if was == "pass" else "seen before"))
    return compared(before, altered(report, row(id, verdict, "seen now", **more)), strict=strict)


def test_a_run_beside_itself_differs_in_nothing() -> None:
    comparison = compared(document(*SOME), document(*SOME))
    assert (comparison.code, found(comparison), list(comparison.remarks)) == (Exit.CONFORMANT, {}, [])
    assert comparison.verdict == "no regression; 5 requirements judged in both runs"


def test_a_defect_is_a_regression_and_its_end_is_not() -> None:
    good, bad = document(*SOME), document(*SOME, defect=DEFECT)
    comparison = compared(good, bad)
    assert (comparison.code, found(comparison)["Broken now"]) == (Exit.BROKEN, ["STREAM-038"])
    assert found(comparison)["Features lost"] == ["tools"]
    assert comparison.sections[0].rows[0].said == ("", 'the first fragment of a call has the id ""')
    mended = compared(bad, good)
    assert (mended.code, found(mended)["Mended"]) == (Exit.CONFORMANT, ["STREAM-038"])
    assert found(compared(bad, bad)) == {"Still not kept": ["STREAM-038"]}


@pytest.mark.parametrize(
    ("was", "verdict", "title", "code", "strict_code"),
    [
        ("pass", "fail", "Broken now", 1, 1),
        ("stale", "fail", "Broken now", 1, 1),
        ("warn", "fail", "Broken now", 1, 1),
        ("pass", "untestable", "Can't be judged any more", 1, 1),
        ("pass", "error", "Can't be judged any more", 1, 1),
        ("pass", "not-applicable", "Not offered any more", 1, 1),
        ("pass", "warn", "Worse, as a warning", 0, 1),
        ("pass", "inconclusive", "Not judged any more", 0, 1),
        ("pass", "known", "Broken now, and listed as known", 0, 0),
        ("pass", "stale", "Kept, though listed as broken", 0, 0),
        ("inconclusive", "fail", "New, and red", 0, 0),
        ("not-applicable", "untestable", "New, and red", 0, 0),
        ("inconclusive", "pass", "New, and not red", 0, 0),
        ("fail", "pass", "Mended", 0, 0),
        ("known", "stale", "Mended", 0, 0),
        ("untestable", "pass", "Mended", 0, 0),
        ("fail", "warn", "Mended", 0, 0),
        ("fail", "known", "Still not kept", 0, 0),
        ("known", "fail", "Still not kept", 0, 0),
        ("untestable", "fail", "Still not kept", 0, 0),
    ],
)
def test_what_becomes_of_a_must(was: str, verdict: str, title: str, code: int, strict_code: int) -> None:
    comparison = after(verdict, was=was)
    assert (found(comparison).get(title), comparison.code) == (["CHAT-018"], code)
    assert after(verdict, was=was, strict=True).code == strict_code


@pytest.mark.parametrize(
    ("was", "verdict", "title", "code"),
    [
        ("warn", "pass", "Mended", 0),
        ("warn", "known", "Still not kept", 0),
        ("warn", "warn", "Still not kept", 0),
        ("known", "warn", "Still not kept", 0),
        ("warn", "fail", "Broken now", 1),
    ],
)
def test_a_should_with_a_warning_was_not_kept(was: str, verdict: str, title: str, code: int) -> None:
    comparison = after(verdict, "HDR-001", was=was)
    assert (found(comparison), comparison.code) == ({title: ["HDR-001"]}, code)


def test_a_suite_that_asks_for_more_is_no_regression() -> None:
    report = document(*SOME)
    before = without(report, "STREAM") | {"gateproof": {"version": "0.0.9", "catalogue_hash": "0" * 16}}
    now = altered(report, row("STREAM-038", "fail", "broken"))
    comparison = compared(before, now)
    assert (comparison.code, found(comparison)["New, and red"]) == (Exit.CONFORMANT, ["STREAM-038"])
    assert "the catalogues differ" in comparison.remarks[0]


def test_a_new_test_of_an_old_requirement_is_told_apart() -> None:
    report = document(*SOME)
    tests = {"suites::CHAT-018": "pass", "suites::new": "fail"}
    comparison = compared(report, altered(report, row("CHAT-018", "fail", "the new one", tests=tests)))
    assert (comparison.code, found(comparison)) == (Exit.CONFORMANT, {"New, and red": ["CHAT-018"]})
    both = {"suites::CHAT-018": "fail", "suites::new": "fail"}
    assert compared(report, altered(report, row("CHAT-018", "fail", "both", tests=both))).code is Exit.BROKEN


def test_another_level_is_neither_mended_nor_broken() -> None:
    assert found(after("fail", "HDR-001", was="warn", level="MUST")) == {"Still not kept": ["HDR-001"]}
    assert found(after("warn", was="fail", level="SHOULD")) == {"Still not kept": ["CHAT-018"]}


def test_a_must_that_is_gone_is_told() -> None:
    comparison = compared(document(*SOME), without(document(*SOME), "CHAT-018"))
    assert comparison.code is Exit.CONFORMANT
    assert found(comparison) == {"Not in the later run": ["CHAT-018"]}
    assert list(comparison.remarks) == ["1 MUST that was kept are not in the later run at all"]


def test_what_the_user_left_out_is_no_regression() -> None:
    before, now = document("EMB-001", "CHAT-018"), document("EMB-001", "CHAT-018", without="embeddings")
    comparison = compared(before, now)
    assert (comparison.code, found(comparison)["Left out by options"]) == (Exit.CONFORMANT, ["EMB-001"])


def test_nothing_in_common_is_nothing_judged() -> None:
    assert compared(document("CHAT-018"), document("LIST-001")).code is Exit.NOTHING_JUDGED
    open_now = altered(document("CHAT-018"), row("CHAT-018", "inconclusive", "said nothing"))
    assert compared(document("CHAT-018"), open_now).code is Exit.NOTHING_JUDGED


def test_two_gateways_of_two_profiles_side_by_side() -> None:
    comparison = compared(document("LIST-001"), document("LIST-001", profile="watsonx"))
    assert comparison.code is Exit.CONFORMANT
    assert comparison.remarks[0].startswith("the profiles differ: openai and watsonx")


def test_a_client_that_fares_worse_is_told() -> None:
    needs = [
        id for client in known_clients() if client.name == "codex-like" for need in client.needs for id in need.ids
    ]
    comparison = compared(document(*needs), document(*needs, defect=DEFECT))
    section = next(section for section in comparison.sections if section.title == "Clients that fare worse")
    told = {row.name: (row.before, row.now, row.said[1]) for row in section.rows}
    assert told["Codex-like agents (streaming tool calls)"] == ("works", "breaks", "tool calls: STREAM-038")


# The command


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, report in (("a", document(*SOME)), ("b", document(*SOME, defect=DEFECT))):
        (tmp_path / f"{name}.json").write_text(json.dumps(report))
    return tmp_path


def test_the_command_tells_writes_and_ends_with_1(run: Command, files: Path) -> None:
    done = run("gateproof", "compare", "a.json", "b.json", "--output", "c.html", "--output", "c.md")
    assert done.returncode == 1, done.stderr
    assert "Broken now: 1. It was kept, and is not any more.\n  STREAM-038 (MUST)    pass → fail" in done.stdout
    assert done.stdout.splitlines()[-3].startswith("1 regression; ")
    page, text = (files / "c.html").read_text(), (files / "c.md").read_text()
    assert "<h2>Broken now: 1</h2>" in page and "STREAM-038 (MUST)" in page
    assert "## ❌ 1 regression" in text and "- **STREAM-038 (MUST)** pass → **fail**" in text
    assert run("gateproof", "compare", "b.json", "a.json").returncode == 0


def test_the_whole_comparison_of_many_differences_fits_a_comment(run: Command, files: Path) -> None:
    many: Document = json.loads((files / "a.json").read_text())
    rows = [many["requirements"][0] | {"id": f"CHAT-{number:03}", "statement": "x" * 500} for number in range(900)]
    for name, verdict in (("a", "pass"), ("b", "fail")):
        changed = [row | {"verdict": verdict, "message": "y" * 500, "tests": {}} for row in rows]
        (files / f"{name}.json").write_text(json.dumps(many | {"requirements": changed}))
    assert run("gateproof", "compare", "a.json", "b.json", "--output", "c.md").returncode == 1
    text = (files / "c.md").read_text()
    assert len(text) <= 65_536 and "more differences have no room here" in text


@pytest.mark.parametrize("content", ["{", "[]", '{"requirements": [], "gateproof": {}}', '{"a": 1}', "[" * 200_000])
def test_what_is_no_report_is_one_line(run: Command, files: Path, content: str) -> None:
    (files / "x.json").write_text(content)
    for words in (("a.json", "x.json"), ("x.json", "a.json"), ("missing.json", "a.json")):
        done = run("gateproof", "compare", *words)
        assert done.returncode == 4
        assert done.stderr.startswith("gateproof: ") and done.stderr.count("\n") == 1


def test_a_report_of_a_verdict_that_we_do_not_know_is_one_line(run: Command, files: Path) -> None:
    report = altered(document(*SOME), row("CHAT-018", "splendid"))
    (files / "x.json").write_text(json.dumps(report))
    done = run("gateproof", "compare", "a.json", "x.json")
    assert done.returncode == 4
    assert "'splendid' is not a valid Verdict" in done.stderr


def test_an_output_of_another_kind_is_refused(run: Command, files: Path) -> None:
    done = run("gateproof", "compare", "a.json", "b.json", "--output", "c.pdf")
    assert (done.returncode, done.stderr) == (4, "gateproof: --output c.pdf: it must end in .html or .md\n")
