"""--update-baseline: what it adds and takes out, and that all else stays as it was, to the byte."""

import stat
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from conformance.baseline.entries import read
from conformance.baseline.updating import update, updated
from conformance.judging.in_process import requirement_by_test
from conformance.target import ConfigError
from tests.conformance.suites.judged import gateway_app
from tests.conftest import Command

from .recorded import BROKEN, ITS_OTHER_TEST, ONLY, TEST, WARNED, broken_app, entry, recorded

TODAY = date(2030, 1, 1)
KEPT = """\
# Ours, in the order of their age.

# -- what the provider does --

# n: see the tracker
[[known]]
id = "CHAT-001"   # first seen in May
reason = \"\"\"two
lines\"\"\"
link = "https://bugs/1"
expires = 2099-12-31

# -- what comes and goes --

[[flaky]]
expires = 2099-12-31
id = "CHAT-018"
owner = "ann"
reason = 'slow'
"""
GONE = """\
# about this one
# in two lines
[[known]]
id = "CHAT-022"
reason = "x"
owner = "bob"
expires = 2099-12-31

"""


def row(id: str, verdict: str, tests: dict[str, str] | None = None, message: str = "seen", **more: Any) -> Any:
    return {"id": id, "level": "MUST", "verdict": verdict, "statement": "It holds.", "message": message,
            "tests": tests or {"suites/test_x.py::test_x": verdict}, **more}  # fmt: skip


def listed(kind: str, id: str, verdict: str, test: str = "", expired: bool = False) -> dict[str, Any]:
    return {"kind": kind, "id": id, "test": test, "verdict": verdict, "expired": expired}


def document(*rows: Any, entries: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"requirements": list(rows), "baseline": {"entries": entries or []}}


OURS = [listed("known", "CHAT-001", "known"), listed("known", "CHAT-022", "stale"), listed("flaky", "CHAT-018", "pass")]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_is_stale_goes_with_its_comment_and_nothing_else(end: str) -> None:
    top, bottom = KEPT.split("# -- what comes")
    text = (top + GONE + "# -- what comes" + bottom).replace("\n", end)
    new, change = updated(text, document(entries=OURS), TODAY, strict=False)
    assert new == KEPT.replace("\n", end)
    assert (change.added, change.removed) == ((), ("CHAT-022",))


def test_the_last_entry_can_go_and_the_only_one() -> None:
    assert updated(KEPT + "\n" + GONE, document(entries=OURS), TODAY, strict=False)[0] == KEPT + "\n"
    alone = [listed("known", "CHAT-022", "stale")]
    assert updated(GONE, document(entries=alone), TODAY, strict=False)[0] == ""


def test_what_fails_is_added_behind_the_rest_for_review(tmp_path: Path) -> None:
    found = document(row("CHAT-023", "fail", message="n=2 gives\n[[known]] 1"), row("CHAT-024", "pass"))
    new, change = updated(KEPT.rstrip("\n"), found, TODAY, strict=False)
    assert new.startswith(KEPT)
    assert change.added == ("CHAT-023",)
    assert "# seen: n=2 gives [[known]] 1\n[[known]]\n" in new
    assert "expires = 2030-01-31\n" in new
    (tmp_path / "b.toml").write_text(new)
    with pytest.raises(ConfigError, match="CHAT-023: not reviewed yet"):
        read(tmp_path / "b.toml", requirement_by_test)


def test_a_warning_is_added_only_where_a_run_is_strict_and_what_is_untestable_never() -> None:
    found = document(row("CHAT-001", "warn"), row("CHAT-002", "untestable"), row("CHAT-003", "error"))
    assert updated("", found, TODAY, strict=False)[1].added == ()
    assert updated("", found, TODAY, strict=True)[1].added == ("CHAT-001",)


def test_an_entry_of_one_test_is_joined_by_one_of_the_other() -> None:
    ours = listed("known", BROKEN, "known", TEST)
    tests = {f"suites/chat/{TEST}": "known", f"suites/chat/{ITS_OTHER_TEST}": "fail"}
    found = document(row(BROKEN, "fail", tests, baseline=[ours]), entries=[ours])
    assert updated(entry(id="", test=TEST), found, TODAY, strict=False)[1].added == (ITS_OTHER_TEST,)


def test_what_has_expired_or_covers_too_little_is_left_to_a_person() -> None:
    ours = [listed("known", BROKEN, "fail", expired=True), listed("known", "CHAT-001", "fail")]
    found = document(row(BROKEN, "fail", baseline=ours[:1]), row("CHAT-001", "fail", baseline=ours[1:]), entries=ours)
    text = entry(expires="2026-01-01") + entry(id="CHAT-001", expect="x")
    new, change = updated(text, found, TODAY, strict=False)
    assert (new, change.left) == (text, (BROKEN, "CHAT-001"))
    assert "2 left to you" in change.sentence("b.toml")


def test_a_layout_that_it_does_not_understand_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "b.toml"
    path.write_text('known = [{id = "CHAT-022", reason = "x", owner = "b", expires = 2099-12-31}]\n')
    baseline = read(path, requirement_by_test)
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="layout is not understood"):
        update(document(entries=[listed("known", "CHAT-022", "stale")]), baseline, requirement_by_test, strict=False)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["b.toml"]


def test_the_files_mode_and_link_stay(tmp_path: Path) -> None:
    real, link = tmp_path / "real.toml", tmp_path / "link.toml"
    real.write_text(KEPT)
    real.chmod(0o640)
    link.symlink_to(real)
    said = update(document(row("CHAT-023", "fail")), read(link, requirement_by_test), requirement_by_test, strict=False)
    assert "1 added (CHAT-023): replace what says TODO" in said
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert real.read_text().startswith(KEPT)


def test_from_the_first_run_to_a_reviewed_baseline_and_back(run: Command, tmp_path: Path) -> None:
    broken, good = recorded(broken_app(), tmp_path / "broken.json"), recorded(gateway_app(), tmp_path / "good.json")
    path = tmp_path / "gateproof.baseline.toml"

    def check(name: Path, *words: str) -> Any:
        return run("gateproof", "check", "--replay", str(name), "--only", ONLY, *words)

    first = check(broken, "--update-baseline")
    assert (first.returncode, first.stdout.splitlines()[-1]) == (
        1, f"baseline {path.name}: 1 added ({BROKEN}): replace what says TODO before it counts",
    )  # fmt: skip
    assert check(broken).returncode == 4
    again = check(broken, "--update-baseline")
    assert (again.returncode, again.stdout.splitlines()[-1]) == (0, f"baseline {path.name}: nothing to change")
    path.write_text(path.read_text().replace("TODO: why", "W").replace("TODO: who", "Ann"))
    assert check(broken).returncode == 0
    assert check(good).returncode == 1
    words = ["--gateproof-only", ONLY, "--gateproof-replay", str(good), "--gateproof-update-baseline", "-n", "2"]
    by_pytest = run("pytest", "--pyargs", "conformance", *words)
    assert f"baseline {path.name}: 1 taken out ({BROKEN})" in by_pytest.stdout
    assert check(good).returncode == 0
    assert check(broken, "--strict", "--update-baseline").returncode == 1
    assert {found.name for found in read(path, requirement_by_test, draft=True).entries} == {BROKEN, WARNED}


def test_a_folder_that_cant_be_written_is_said(run: Command, tmp_path: Path) -> None:
    broken = recorded(broken_app(), tmp_path / "broken.json")
    words = ["--replay", str(broken), "--only", ONLY, "--update-baseline", "--baseline", "/proc/none/b.toml"]
    done = run("gateproof", "check", *words)
    assert done.returncode == 4
    assert "--update-baseline /proc/none/b.toml: it can't be written" in done.stderr.splitlines()[-1]
