"""UPS: embeddings and completions, which are to pass a gateway as chats do."""

from collections.abc import Iterator
from math import isclose
from typing import Any

from conformance.probes.ups import endpoints
from conformance.reading.traffic import reply_of
from conformance.reading.upstream import Received, received, taken, unlike
from conformance.reading.vectors import only_vector
from conformance.sending.upstream import Told
from conformance.shape import choices, show
from conformance.suites import requirement
from conformance.verdict import Inconclusive, Violation, expect, hold


@requirement("UPS-039")
def test_a_text_is_embedded_as_it_was_sent(scripted_embeddings: Told) -> None:
    asked, sent = scripted_embeddings["asked"], _arrived(scripted_embeddings)
    hold(_other_text(scripted_embeddings, "input"))
    expect(asked.ok, asked)
    if sent.json.get("encoding_format") == "base64":
        raise Inconclusive("the provider is asked for base64, and was not told to answer that", blame=None)
    found = only_vector(asked)
    same = len(found) == len(endpoints.VECTOR) and all(
        isclose(here, there, rel_tol=1e-6) for here, there in zip(endpoints.VECTOR, found, strict=True)
    )
    expect(same, asked, f"the vector {show(endpoints.VECTOR)} comes as {show(found)}")


@requirement("UPS-042")
def test_a_prompt_is_gone_on_with_as_it_was_sent(scripted_completions: dict[str, Told]) -> None:
    cases = taken(scripted_completions)
    hold(found for told in cases.values() for found in _other_text(told, "prompt"))
    hold(
        Violation(asked, f"{case}: {asked.seen if not asked.ok else unlike(endpoints.TEXT, found)}")
        for case, asked in ((case, told["asked"]) for case, told in cases.items())
        if (found := choices(reply_of(asked))[0].get("text") if asked.ok else None) != endpoints.TEXT
    )


def _arrived(told: Told) -> Received:
    """What came to the provider. Raises Inconclusive where that is another one, or none."""
    found = received(told["kept"])
    if not found:
        seen = f"the model {told['asked'].sent['model']} is not routed to the scripted provider: {told['asked'].seen}"
        raise Inconclusive(seen, blame=None)
    return found[-1]


def _other_text(told: Told, name: str) -> Iterator[Violation]:
    """A text that came to the provider as another one; that it came alone in a list is the same."""
    given, found = told["asked"].sent[name], _arrived(told).json.get(name)
    text: Any = found[0] if isinstance(found, list) and len(found) == 1 else found
    if text != given:
        yield Violation(told["asked"], f"{name}: {unlike(given, text)}")
