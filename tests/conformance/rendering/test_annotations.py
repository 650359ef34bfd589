"""GitHub's annotations: what matters most first, ten of a kind, and no way out of a command."""

import re

from conformance import rendering
from conformance.rendering.annotations import command
from conformance.verdict import Verdict
from tests.conformance.rendering.documents import failing, hostile, passing

COMMAND = re.compile(r"::(error|warning) title=([^:,\r\n]+)::([^\r\n]+)")
"""As GitHub's runner takes a command apart."""


def parsed(text: str) -> list[tuple[str, str, str]]:
    found = []
    for line in text.splitlines():
        taken = COMMAND.fullmatch(line)
        assert taken, line
        kind, title, message = (part.replace("%0A", "\n").replace("%0D", "\r") for part in taken.groups())
        title = title.replace("%3A", ":").replace("%2C", ",")
        found.append((kind, title.replace("%25", "%"), message.replace("%25", "%")))
    return found


def test_a_command_says_what_it_was_given() -> None:
    title, message = "a: 100%, b", "50%0A: one,\r\ntwo::error::"
    assert parsed(command("error", title, message)) == [("error", title, message)]


def test_red_is_an_error_and_warn_a_warning_the_gateways_own_failures_first() -> None:
    found = parsed(rendering.render("annotations", hostile()))
    assert [(kind, title) for kind, title, _ in found] == [
        ("error", "LIST-001 fail (MUST)"),
        ("error", "STREAM-001 error (MUST)"),
        ("error", "HDR-001 stale (SHOULD)"),
        ("error", "2 requirements untestable"),
        ("warning", "CHAT-004 warn (SHOULD)"),
    ]
    assert "CHAT-001, CHAT-018" in found[3][2]
    assert "not the gateway: gateproof itself" in found[1][2]


def test_a_run_without_anything_red_says_nothing() -> None:
    assert rendering.render("annotations", passing()) == ""


def test_the_tenth_stands_for_all_that_follow() -> None:
    assert len(parsed(rendering.render("annotations", failing(10, "no")))) == 10
    found = parsed(rendering.render("annotations", failing(35, "no", Verdict.WARN)))
    assert len(found) == 10
    kind, title, message = found[-1]
    assert (kind, title) == ("warning", "26 more")
    assert message.startswith("Also warnings: LIST-010, LIST-011")
    assert "LIST-035" in message
