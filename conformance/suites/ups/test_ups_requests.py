"""UPS: whether what a client sends reaches the provider as it was sent."""

from collections.abc import Iterator
from typing import Any

from conformance.exchange import Exchange
from conformance.probes import upstream as scripts
from conformance.probes.ups.requests import PARAMETERS
from conformance.reading.upstream import Received, as_scripted, chat_of, is_kept, sent_on, taken, text_of, unlike
from conformance.sending.upstream import Told
from conformance.shape import show
from conformance.suites import requirement
from conformance.verdict import Inconclusive, Violation, expect, hold, tolerate

TEXT = "".join(scripts.PIECES)
INSTRUCTING = ("system", "developer")
"""Roles of messages that an operator may put in front of the client's."""
LEFT_OUT = ("n", "user")
"""Cases that may be left out without a word: their defaults say as much, or they are the gateway's own."""
DECISIVE = ("temperature", "top_p", "stop", "n", "tools", "tool_choice", "response_format")
"""Parameters without which another answer comes, and no client can tell. Providers have them all."""
CAPS = ("max_completion_tokens", "max_tokens")


@requirement("UPS-013")
def test_messages_are_passed_on_unchanged(scripted_reply: Told, scripted_messages: dict[str, Told]) -> None:
    as_scripted(scripted_reply, TEXT)
    cases = {case: (chat_of(told), sent_on(told)) for case, told in taken(scripted_messages).items()}
    found = [
        (Violation(asked, f"{case}: {seen}"), is_the_same)
        for case, (asked, sent) in cases.items()
        for seen, is_the_same in _changed(asked.sent["messages"], sent.json.get("messages"))
    ]
    hold(violation for violation, is_the_same in found if not is_the_same)
    tolerate(violation for violation, _ in found)


@requirement("UPS-014")
def test_integers_keep_their_digits(scripted_reply: Told, scripted_parameters: dict[str, Told]) -> None:
    as_scripted(scripted_reply, TEXT)
    told = scripted_parameters["seed"]
    asked = told["asked"]
    if asked.status in (400, 422):
        raise Inconclusive("a seed is refused", blame=None)
    sent = sent_on(told).json.get("seed")
    if sent is None:
        raise Inconclusive("a seed is not passed on, of which UPS-023 tells", blame=None)
    expect(sent == scripts.SEED, asked, f"the seed {scripts.SEED} goes to the provider as {show(sent)}")


@requirement("UPS-023")
def test_parameters_are_passed_on(scripted_reply: Told, scripted_parameters: dict[str, Told]) -> None:
    as_scripted(scripted_reply, TEXT)
    served = {case: told for case, told in scripted_parameters.items() if told["asked"].ok}
    if not served:
        raise Inconclusive("no parameter is taken", blame=None)
    told = {case: (x["asked"], _name(case), sent_on(x)) for case, x in served.items()}
    values = {case: (asked, name, sent.json.get(name)) for case, (asked, name, sent) in told.items()}
    hold(_other_cap(chat_of(scripted_reply), sent_on(scripted_reply)))
    changed = {
        case: Violation(asked, f"{case} {show(PARAMETERS[case][name])} goes to the provider as {show(value)}")
        for case, (asked, name, value) in values.items()
        if value is not None and name != "seed" and not is_kept(PARAMETERS[case][name], value)
    }
    hold(violation for case, violation in changed.items() if _name(case) != "user")
    lost = {case: asked for case, (asked, _, value) in values.items() if value is None and case not in LEFT_OUT}
    unsaid = {case: Violation(x, f"{case} is taken, and does not reach the provider") for case, x in lost.items()}
    hold(violation for case, violation in unsaid.items() if _name(case) in DECISIVE)
    tolerate([*changed.values(), *unsaid.values()])


@requirement("UPS-043")
def test_what_is_asked_otherwise_is_answered_anew(
    scripted_reply: Told, scripted_otherwise: dict[str, Exchange]
) -> None:
    as_scripted(scripted_reply, TEXT)
    said: dict[str, str] = {}
    for case, asked in scripted_otherwise.items():
        text = text_of(asked) if asked.ok else None
        earlier = next((other for other, words in said.items() if words == text), None)
        expect(earlier is None, asked, f"{case}: {show(text)} comes, which was the answer to {show(earlier)}")
        said |= {case: text} if isinstance(text, str) else {}
    if len(said) < 2:
        raise Inconclusive("none of these chats is served but one", blame=None)


def _name(case: str) -> str:
    """The parameter that a case is about."""
    return case.split(",")[0]


def _other_cap(asked: Exchange, sent: Received) -> Iterator[Violation]:
    """A bound of the answer's length that is lost or has become another, whichever of its two names it has."""
    given = [asked.sent[name] for name in CAPS if name in asked.sent]
    found = [sent.json[name] for name in CAPS if sent.json.get(name) is not None]
    if given and not found:
        yield Violation(asked, f"a bound of {given[0]} tokens does not reach the provider")
    if given and any(value != given[0] for value in found):
        yield Violation(asked, f"a bound of {given[0]} tokens goes to the provider as {show(found)}")


def _changed(given: list[Any], found: Any) -> Iterator[tuple[str, bool]]:
    """What has become of messages, and whether that harms nobody who knows of it."""
    if not isinstance(found, list) or not all(isinstance(message, dict) for message in found):
        yield f"{len(given)} messages go to the provider as {show(found)}", False
        return
    in_front = next((n for n, message in enumerate(found) if message.get("role") not in INSTRUCTING), 0)
    added = min(max(len(found) - len(given), 0), in_front)
    if len(found) - added != len(given):
        roles = ", ".join(str(message.get("role")) for message in found[:12])
        yield f"{len(given)} messages go to the provider as {len(found)}: {roles}", False
        return
    if added:
        yield f"in front of the client's messages the gateway puts {show(found[:added])}", True
    for number, (here, there) in enumerate(zip(given, found[added:], strict=True)):
        for name, value in here.items():
            told = there.get(name)
            if is_kept(value, told) or (_is_nothing(value) and _is_nothing(told)):
                continue
            if name == "role" and {value, told} == set(INSTRUCTING):
                continue
            same = name == "content" and _as_text(told) == _as_text(value) is not None
            seen = unlike(value, told) if isinstance(value, str) else f"{show(value)} comes as {show(told)}"
            yield f"messages[{number}].{name}: {seen}", same


def _is_nothing(value: Any) -> bool:
    """Whether a message's member says nothing, which may be told in several ways."""
    return value in (None, "", [])


def _as_text(content: Any) -> str | None:
    """The text of a content that is text, as a string or in parts; None for any other."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else [None]
    texts = [part["text"] for part in parts if isinstance(part, dict) and part.get("type") == "text" and "text" in part]
    return "".join(map(str, texts)) if len(texts) == len(parts) else None
