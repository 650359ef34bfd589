"""A baseline that can't be used is said in one sentence, with the nearest known name."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from starlette.types import ASGIApp

from conformance.baseline.entries import read
from conformance.judging.in_process import judge_recording, requirement_by_test
from conformance.sending.archive import opened
from conformance.target import ConfigError
from conformance.verdict import Verdict
from tests.conformance.suites.judged import gateway_app

from .recorded import BROKEN, ITS_OTHER_TEST, TEST, broken_app, entry, recorded


def written(folder: Path, text: str) -> Path:
    path = folder / "base.toml"
    path.write_text(text)
    return path


def test_entries_are_read_in_their_order(tmp_path: Path) -> None:
    text = entry("flaky", id="CHAT-001", owner="", link="https://bugs/1") + entry(id="chat-018", expires='"2099-01-02"')
    known, flaky = read(written(tmp_path, text), requirement_by_test).entries
    assert (known.kind, known.requirement, known.owner, known.expires) == (
        "known", "CHAT-018", "ann", date(2099, 1, 2),
    )  # fmt: skip
    assert (flaky.kind, flaky.link, flaky.test) == ("flaky", "https://bugs/1", "")


def test_two_tests_of_one_requirement_may_have_an_entry_each(tmp_path: Path) -> None:
    text = entry(id="", test=TEST) + entry("flaky", id="", test=f"conformance/suites/chat/{ITS_OTHER_TEST}")
    found = read(written(tmp_path, text), requirement_by_test)
    assert {each.requirement for each in found.entries} == {BROKEN}
    assert [found.entry(BROKEN, f"suites/{name}") for name in (TEST, ITS_OTHER_TEST)] == list(found.entries)
    assert found.entry(BROKEN, "suites/test_chat.py::test_another") is None


@pytest.mark.parametrize(("app", "verdict"), [(broken_app, Verdict.KNOWN), (gateway_app, Verdict.PASS)])
def test_a_client_beside_the_main_one_need_not_break_what_is_known(
    tmp_path: Path, app: Callable[[], ASGIApp], verdict: Verdict
) -> None:
    target, recording = opened(recorded(app(), tmp_path / "run.json"))
    baseline = read(written(tmp_path, entry()), requirement_by_test)
    assert judge_recording(recording, target, BROKEN, baseline=baseline)[BROKEN].verdict is verdict
    past = read(written(tmp_path, entry(expires="2026-01-01")), requirement_by_test)
    assert judge_recording(recording, target, BROKEN, baseline=past) == judge_recording(recording, target, BROKEN)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[knwon]]", "unknown key 'knwon', did you mean 'known'"),
        ("known = 3", r"write each entry as a table \[\[known\]\]"),
        ("known", "can't be read"),
        (entry(id="CHAT-23"), r"\[\[known\]\] number 1: there is no requirement 'CHAT-23'; the nearest are CHAT-023"),
        (entry(id="", test=TEST[:-1]), f"there is no test '{TEST[:-1]}', did you mean '{TEST}'"),
        (entry(test=TEST), r"name either a requirement \(id\) or one test"),
        (entry(id=""), r"name either a requirement \(id\) or one test"),
        (entry(reason=""), "CHAT-023: the reason is missing"),
        (entry(reason=" "), "CHAT-023: the reason is missing"),
        (entry(owner=""), "an owner or a link is missing"),
        (entry(expires=""), "expires is missing"),
        (entry(expires='"soon"'), "expires is no date: soon"),
        (entry(expires="2026-01-01T00:00:00Z"), "expires is no date"),
        (entry(expires="20260101"), "expires is no date"),
        (entry(expect="("), "expect is no regular expression"),
        (entry(expire="x"), "unknown key 'expire', did you mean 'expires'"),
        (entry().replace('"ann"', "1"), "owner must be a text"),
        (entry() + entry("flaky"), "CHAT-023 is listed already"),
        (entry() + entry("flaky", id="", test=TEST), f"{TEST}: CHAT-023 is listed already"),
        (entry(id="", test=TEST) + entry("flaky"), f"CHAT-023: {TEST} is listed already"),
        (entry(reason="TODO: why?") + entry(id="CHAT-001", owner="TODO"), "CHAT-023 and 1 more: not reviewed yet"),
    ],
)
def test_a_mistake_is_said_in_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence) as raised:
        read(written(tmp_path, text), requirement_by_test)
    assert "\n" not in str(raised.value)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="it can't be read"):
        read(tmp_path / "none.toml", requirement_by_test)


def test_a_draft_may_hold_words_to_be_replaced(tmp_path: Path) -> None:
    assert len(read(written(tmp_path, entry(reason="TODO: why?")), requirement_by_test, draft=True).entries) == 1
