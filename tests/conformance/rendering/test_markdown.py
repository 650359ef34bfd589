"""The Markdown of a report: the verdict first, everything that is red, and nothing in it that GitHub would obey."""

import re
from typing import Any

from conformance import rendering
from conformance.exchange import Blame
from conformance.rendering import markdown
from conformance.reporting.report import Judgement
from conformance.verdict import Verdict
from tests.conformance.rendering.documents import VERDICTS, built, failing, hostile, passing

FENCE = re.compile(r"^(`{3,})(?:text|sh)\n.*?\n\1$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
OURS = {"details", "summary", "b", "p", "br", "code", "ul", "li"}


def outside_code(text: str) -> str:
    """What GitHub reads as markup: all that is in no fence and no span of code."""
    return SPAN.sub("", FENCE.sub("", text))


def test_the_verdict_and_the_counts_come_first() -> None:
    lines = rendering.render("markdown", hostile()).splitlines()
    assert lines[1] == "## ❌ NOT conformant: 5 of 10 requirements are broken or can't be judged"
    assert lines[3].startswith("1 pass, 1 fail, 1 warn, 1 inconclusive, 1 not-applicable, 2 untestable, 1 error")
    good = rendering.render("markdown", passing()).splitlines()
    assert good[1] == "## ✅ conformant: 10 of 10 judged requirements are kept"
    assert "<details>" not in "".join(good)


def test_a_failure_says_what_was_expected_and_seen_who_breaks_and_how_to_send_it() -> None:
    text = rendering.render("markdown", failing(1, "it was 500"))
    assert "<b>FAIL</b> LIST-001 (MUST) The list call answers 200" in text
    assert "```text\nit was 500\n```" in text
    assert "<b>Who breaks:</b> A bare array makes openai-python raise AttributeError" in text
    assert "<b>Source:</b> OpenAPI ListModelsResponse" in text
    assert "```sh\ncurl -sS -i -X POST" in text


def test_it_tells_which_clients_break() -> None:
    broken = built([Judgement("SDK-001", Verdict.FAIL, "it raises", (), "t", Blame.GATEWAY)], "m")
    text = rendering.render("markdown", broken)
    told = re.search(
        r"<summary>Well-known clients: 0 of \d+ work, \d+ will break</summary>.*?</details>", text, re.DOTALL
    )
    assert told
    assert re.search(r"<li>openai SDK for Python: <b>breaks</b> .*SDK-001", told[0])
    assert told.start() < text.index("<b>FAIL</b>")
    assert "Well-known clients" not in rendering.render("markdown", failing(1, "no", Verdict.INCONCLUSIVE))


def test_what_is_not_simply_kept_is_all_there() -> None:
    text = rendering.render("markdown", hostile())
    _, of_clients, findings = text.partition("</details>\n")  # the first fold
    assert of_clients
    odd = {id for id, verdict in VERDICTS.items() if verdict not in ("pass", "not-applicable")}
    assert {id for id in VERDICTS if id in findings} == odd


def test_nothing_that_a_gateway_says_is_markup_mention_or_link() -> None:
    text = outside_code(rendering.render("markdown", hostile()))
    assert set(re.findall(r"</?([a-z]+)", text)) <= OURS
    assert not re.search(r"@\w|#\d|\w://\w|www\.|GH-\d", text)
    assert "\n# heading" not in text
    assert "evil.example" in text.replace("\u200b", "")  # it is told, only not obeyed
    assert text.count("<details>") == text.count("</details>") == 8


def test_a_fence_is_longer_than_any_in_it() -> None:
    text = rendering.render("markdown", failing(1, "`" * 20 + "\n</details>\n"))
    assert "`" * 21 + "text\n" in text
    assert outside_code(text).count("</details>") == 1


def test_it_fits_into_a_comment_and_names_what_has_no_room() -> None:
    text = rendering.render("markdown", failing(300, "🙂 `<@|" * 400))
    assert 40_000 < utf16(text) <= markdown.COMMENT
    told = text.count("<b>FAIL</b>")
    left = re.search(r"\*\*(\d+) more have no room here", text)
    assert left
    assert told > 10
    assert told + int(left[1]) == 300
    assert f"LIST-{told + 1:03}" in text.splitlines()[-1] or f"LIST-{told + 1:03}" in text
    assert text.startswith(markdown.MARK)


def test_a_limit_of_any_size_is_kept() -> None:
    document: dict[str, Any] = failing(300, "x" * 2000)
    for limit in (5_000, 20_000, 200_000):
        assert utf16(markdown.render(document, limit)) <= limit


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
