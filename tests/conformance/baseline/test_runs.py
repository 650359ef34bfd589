"""What a baseline does to a run, by the command and by pytest: known, flaky, stale, expired, of one test or of all."""

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas import violations
from tests.conformance.suites.judged import gateway_app
from tests.conftest import ROOT, Command

from .recorded import BROKEN, ITS_OTHER_TEST, ONLY, TEST, WARNED, broken_app, entry, recorded

Judge = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("runs")
    return {
        "broken": recorded(broken_app(), folder / "broken.json"),
        "good": recorded(gateway_app(), folder / "good.json"),
        "unserved": recorded(gateway_app(), folder / "unserved.json", model="no-such-model"),
    }


@pytest.fixture
def judge(run: Command, runs: dict[str, Path], tmp_path: Path) -> Judge:
    """Judges a kept run by a baseline that lies in the folder: exit code, report and what was printed."""

    def judge(name: str, baseline: str, *words: str, only: str = ONLY) -> tuple[int, dict[str, Any], str]:
        (tmp_path / "gateproof.baseline.toml").write_text(baseline)
        done = run("gateproof", "check", "--replay", str(runs[name]), "--only", only, "--output", "out", *words)
        report = json.loads((tmp_path / "out" / "report.json").read_text()) if done.returncode != 4 else {}
        assert violations("report", report) == [] or done.returncode == 4
        return done.returncode, report, done.stdout + done.stderr

    return judge


def verdicts(report: dict[str, Any]) -> dict[str, str]:
    return {row["id"]: row["verdict"] for row in report["requirements"]}


def row(report: dict[str, Any], id: str = BROKEN) -> dict[str, Any]:
    return next(row for row in report["requirements"] if row["id"] == id)


def test_without_a_baseline_it_is_broken(judge: Judge) -> None:
    code, report, _ = judge("broken", "")
    assert (code, verdicts(report)) == (1, {"CHAT-001": "pass", WARNED: "warn", BROKEN: "fail"})
    assert report["baseline"]["entries"] == []


def test_what_is_known_fails_as_expected_and_the_report_says_why(judge: Judge) -> None:
    code, report, said = judge("broken", entry())
    assert (code, verdicts(report)[BROKEN], report["conformant"]) == (0, "known", True)
    assert row(report)["message"].startswith("the provider ignores n (known, ann, until 2099-12-31): ")
    assert sorted(row(report)["tests"].values()) == ["known", "pass", "pass"]
    assert row(report)["baseline"][0]["owner"] == "ann"
    assert (report["baseline"]["known"], report["baseline"]["entries"][0]["verdict"]) == (1, "known")
    assert "baseline gateproof.baseline.toml: 1 known" in said


def test_what_is_known_and_no_longer_fails_is_stale(judge: Judge) -> None:
    code, report, _ = judge("good", entry())
    assert (code, verdicts(report)[BROKEN], report["conformant"]) == (1, "stale", False)
    assert "though the baseline says: the provider ignores n" in row(report)["message"]
    assert report["baseline"]["stale"] == 1


@pytest.mark.parametrize(("name", "verdict", "failed"), [("broken", "known", 1), ("good", "pass", 0)])
def test_what_is_flaky_may_fail_and_may_pass(judge: Judge, name: str, verdict: str, failed: int) -> None:
    code, report, _ = judge(name, entry("flaky"))
    assert (code, verdicts(report)[BROKEN]) == (0, verdict)
    assert (report["baseline"]["flaky"], report["baseline"]["flaky_failed"]) == (1, failed)


@pytest.mark.parametrize("kind", ["known", "flaky"])
@pytest.mark.parametrize(("name", "verdict"), [("broken", "fail"), ("good", "stale")])
def test_past_its_day_an_entry_is_red_either_way(judge: Judge, kind: str, name: str, verdict: str) -> None:
    code, report, _ = judge(name, entry(kind, expires="2026-01-01"))
    assert (code, verdicts(report)[BROKEN]) == (1, verdict)
    assert "the baseline covered this until 2026-01-01, and has expired" in row(report)["message"]
    assert (report["baseline"]["expired"], report["baseline"]["known"], report["baseline"]["flaky"]) == (1, 0, 0)


def test_an_expired_entry_of_a_should_is_red_too(judge: Judge) -> None:
    code, report, _ = judge("broken", entry(expires="2026-01-01", id=WARNED) + entry())
    assert (code, verdicts(report)) == (1, {"CHAT-001": "pass", WARNED: "stale", BROKEN: "known"})


def test_an_entry_of_one_test_covers_that_test_alone(judge: Judge) -> None:
    code, report, _ = judge("broken", entry(id="", test=TEST))
    assert (code, verdicts(report)[BROKEN]) == (0, "known")
    code, report, _ = judge("broken", entry(id="", test=f"suites/chat/{ITS_OTHER_TEST}"))
    assert (code, verdicts(report)[BROKEN]) == (1, "fail")
    assert sorted(row(report)["tests"].values()) == ["fail", "pass", "stale"]
    assert report["baseline"]["entries"][0]["verdict"] == "stale"


def test_an_entry_may_say_what_is_expected_and_covers_no_more(judge: Judge) -> None:
    assert judge("broken", entry(expect="^n=2 gives 1 choices$"))[0] == 0
    code, report, _ = judge("broken", entry(expect="gives 3 choices"))
    assert (code, verdicts(report)[BROKEN]) == (1, "fail")


def test_what_could_not_be_judged_is_no_proof_and_not_covered(judge: Judge) -> None:
    code, report, _ = judge("unserved", entry())
    assert (code, verdicts(report)[BROKEN]) == (1, "untestable")
    assert report["baseline"]["entries"][0]["verdict"] == "untestable"


def test_what_is_not_selected_is_not_stale(judge: Judge) -> None:
    code, report, said = judge("good", entry(), only="CHAT-001")
    assert (code, report["baseline"]["not_run"], report["baseline"]["stale"]) == (0, 1, 0)
    assert "1 not run" in said


def test_a_known_warning_is_green_where_a_run_is_strict(judge: Judge) -> None:
    assert judge("broken", entry(), "--strict")[0] == 1
    code, report, _ = judge("broken", entry() + entry(id=WARNED), "--strict")
    assert (code, verdicts(report)[WARNED]) == (0, "known")


def test_dev_null_is_a_baseline_that_covers_nothing(judge: Judge) -> None:
    assert judge("broken", entry(), "--baseline", "/dev/null")[0] == 1


def test_an_unreviewed_entry_is_refused(judge: Judge) -> None:
    code, _, said = judge("broken", entry(reason="TODO: why?"))
    assert code == 4
    assert said.splitlines() == [
        "gateproof: baseline gateproof.baseline.toml: CHAT-023: not reviewed yet; put a reason, and an owner or a "
        "link, where it says TODO"
    ]


@pytest.mark.parametrize(
    ("name", "code", "outcomes"), [("broken", 0, ["passed", "skipped"]), ("good", 1, ["failed", "passed"])]
)
@pytest.mark.parametrize("processes", ["0", "2"])
def test_pytest_gives_the_same_verdicts_in_one_process_and_in_several(
    judge: Judge, run: Command, runs: dict[str, Path], tmp_path: Path, name: str, code: int, outcomes: list[str],
    processes: str,
) -> None:  # fmt: skip
    expected, report, _ = judge(name, entry())
    words = ["--gateproof-only", ONLY, "--gateproof-output", str(tmp_path / "by-pytest"), "-n", processes]
    done = run(
        "pytest", str(ROOT / "conformance"), "--gateproof-replay", str(runs[name]),
        "--gateproof-baseline", "gateproof.baseline.toml", *words,
    )  # fmt: skip
    assert (done.returncode, expected) == (code, code), done.stdout + done.stderr
    by_pytest = json.loads((tmp_path / "by-pytest" / "report.json").read_text())
    assert verdicts(by_pytest) == verdicts(report)
    assert by_pytest["baseline"] == report["baseline"]
    cases = ElementTree.parse(tmp_path / "by-pytest" / "junit.xml").getroot().iter("testcase")
    told = {
        _outcome(case) for case in cases if "n_gives" in case.get("name", "") or "whole_cap" in case.get("name", "")
    }
    assert sorted(told) == (outcomes if name == "broken" else ["failed"])


def _outcome(case: ElementTree.Element) -> str:
    found = [tag for tag in ("failure", "skipped", "error") if case.find(tag) is not None]
    return {"failure": "failed"}.get(found[0], found[0]) if found else "passed"
