"""UPS: what a gateway sends on to its provider beside the request itself, how often, and what it tells of it."""

from itertools import pairwise
from urllib.parse import urlsplit

from conformance.exchange import Exchange
from conformance.probes import upstream as scripts
from conformance.probes.ups import forwarding
from conformance.reading.upstream import Received, as_scripted, received, sent_on
from conformance.rules import secrets
from conformance.sending.upstream import Told
from conformance.suites import requirement
from conformance.target import Target
from conformance.verdict import Inconclusive, Violation, expect, hold, prefer, tolerate

TEXT = "".join(scripts.PIECES)
LONG_KEY = 16
"""From this length on a part of a key gives most of it away."""
MASKED = 4
"""Letters that are often hidden at one end of a key."""
TRIES = {"401": 2, "403": 1}
"""How often a provider may be asked that refuses the gateway's key: 401 once more, with a new one."""
EARLY_S = 0.5
"""How much sooner than Retry-After says a provider may be asked again."""


@requirement("UPS-012")
def test_no_answer_has_the_providers_key(
    scripted_reply: Told,
    scripted_refusals: dict[str, Told],
    scripted_failures: dict[str, dict[str, Told]],
    scripted: list[Exchange],
    exchanges: list[Exchange],
    target: Target,
) -> None:
    key = target.upstream_key
    if not key or key == target.api_key:
        raise Inconclusive("the provider's key is not known, or the client's, too", blame=None)
    parts = (key[:-MASKED], key[MASKED:]) if len(key) >= LONG_KEY else ()
    hold(
        Violation(x, f"{x.status}: {seen}")
        for x in [*scripted, *exchanges]
        for seen in secrets.disclosed(secrets.told(x), (key, *parts), "the provider's key, or most of it,")
    )


@requirement("UPS-012")
def test_the_provider_gets_the_clients_key_in_no_header(
    scripted_reply: Told, scripted_keys: dict[str, Told], target: Target
) -> None:
    key = target.api_key
    if not key:
        return  # what there is not can't be sent on: the provider's key is judged beside
    if key == target.upstream_key:
        raise Inconclusive("there is no key of the client's own", blame=None)
    hold(
        Violation(told["asked"], f"sent as {case}: the provider gets it in {name}")
        for case, told in {"Authorization": scripted_reply, **scripted_keys}.items()
        for sent in received(told["kept"])
        for name, value in sent.headers
        if any(secrets.disclosed(value, (key,)))
    )


@requirement("UPS-013")
def test_a_long_prompt_arrives_whole(scripted_reply: Told, scripted_long_prompt: Told) -> None:
    as_scripted(scripted_reply, TEXT)
    asked, found = scripted_long_prompt["asked"], received(scripted_long_prompt["kept"])
    what = f"a message of {len(forwarding.LONG)} letters"
    expect(bool(found) or not asked.ok, asked, f"{what} is answered, and what stands behind it is lost")
    for sent in found:
        expect(forwarding.LONG in _texts(sent), asked, f"{what} reaches the provider as another one")
    says_why = asked.status in (413, 429) or any(word in asked.text.lower() for word in _OF_LENGTH)
    prefer(bool(found) or says_why, asked, f"{what} is refused, but not for its length: {asked.seen}")


@requirement("UPS-021")
def test_refusals_are_not_asked_for_again(scripted_reply: Told, scripted_refusals: dict[str, Told]) -> None:
    as_scripted(scripted_reply, TEXT)
    for status, most in TRIES.items():
        asked, count = scripted_refusals[status]["asked"], len(received(scripted_refusals[status]["kept"]))
        prefer(count <= most, asked, f"{status}: the provider was asked {count} times")
    limited = received(scripted_refusals["429"]["kept"])
    least_s = scripts.RETRY_AFTER_S
    tolerate(
        Violation(
            scripted_refusals["429"]["asked"],
            f"429 with Retry-After: {least_s}: the provider was asked again after {later.at - sooner.at:.1f} s",
        )
        for sooner, later in pairwise(limited)
        if later.at - sooner.at < least_s - EARLY_S and _key(sooner) == _key(later)
    )


@requirement("UPS-022")
def test_headers_that_connection_names_end_there(scripted_reply: Told, scripted_hops: Told) -> None:
    as_scripted(scripted_reply, TEXT)
    asked = scripted_hops["asked"]
    for sent in received(scripted_hops["kept"]):
        passed = [name for name, value in sent.headers if forwarding.HOP_MARKED in value]
        expect(not passed, asked, f"headers that Connection names go to the provider: {', '.join(passed)}")


@requirement("UPS-022")
def test_who_the_client_is_nobody_else_says(scripted_reply: Told, scripted_spoofing: Told, target: Target) -> None:
    as_scripted(scripted_reply, TEXT)
    asked, own = scripted_spoofing["asked"], urlsplit(target.base_url).netloc
    for sent in received(scripted_spoofing["kept"]):
        passed = [name for name, value in sent.headers if (name.title(), value) in _SPOOFING]
        prefer(not passed, asked, f"who the client says it is goes to the provider as it is: {', '.join(passed)}")
        is_own = sent.header("host") == own != urlsplit(target.upstream or "").netloc
        prefer(not is_own, asked, f"the provider is asked for the gateway's own host, {own}")


@requirement("UPS-019")
def test_no_answer_has_the_providers_address(
    scripted_reply: Told, scripted_stream: Told, scripted: list[Exchange], target: Target
) -> None:
    as_scripted(scripted_reply, TEXT)
    address = urlsplit(target.upstream or "").netloc
    tolerate(
        Violation(x, f"the provider's address {address} is in the answer")
        for x in scripted
        if ":" in address and address in secrets.told(x)
    )


@requirement("UPS-040")
def test_a_failing_providers_inside_stays_there(scripted_reply: Told, scripted_talk: dict[str, Told]) -> None:
    as_scripted(scripted_reply, TEXT)
    told = {case: each["asked"] for case, each in scripted_talk.items() if received(each["kept"])}
    hold(
        Violation(x, f"{case}: {forwarding.INSIDE} comes to the client, of which the provider told")
        for case, x in told.items()
        if forwarding.INSIDE in secrets.told(x)
    )


@requirement("UPS-036")
def test_a_redirect_does_not_take_the_key_elsewhere(
    scripted_reply: Told, scripted_redirects: dict[str, Told], target: Target
) -> None:
    as_scripted(scripted_reply, TEXT)
    own = sent_on(scripted_reply).header("authorization") or ""
    keys = [key for key in (own, target.upstream_key) if key]
    followed = [
        (status, told["asked"], sent)
        for status, told in scripted_redirects.items()
        for sent in received(told["kept"])
        if sent.path.startswith(forwarding.ELSEWHERE)
    ]
    hold(
        Violation(asked, f"{status} of the provider: its key goes to {sent.header('host')} in {name}")
        for status, asked, sent in followed
        for name, value in sent.headers
        if any(key in value for key in keys)
    )
    tolerate(
        Violation(asked, f"{status} of the provider is followed to {sent.header('host')}")
        for status, asked, sent in followed
    )
    answers = {status: told["asked"] for status, told in scripted_redirects.items()}
    tolerate(
        Violation(x, f"{status} of the provider: {x.seen}") for status, x in answers.items() if 300 <= x.status < 400
    )


@requirement("UPS-041")
def test_what_was_served_is_not_sent_again(scripted_reply: Told, scripted_afterwards: dict[str, Told]) -> None:
    as_scripted(scripted_reply, TEXT)
    for case, told in scripted_afterwards.items():
        found = [sent for sent in received(told["kept"]) if told["asked"].ok]
        served_at = min((sent.at + sent.ended_s for sent in found if sent.ended == "sent"), default=float("inf"))
        again = sum(sent.at > served_at for sent in found)
        expect(not again, told["asked"], f"{case}: {again} more came to the provider after it had answered")


_OF_LENGTH = ("length", "too long", "too large", "tokens")
"""Words of which one is said where a prompt is too long."""
_SPOOFING = {(name.title(), value) for name, value in forwarding.SPOOFING.items()}


def _texts(sent: Received) -> list[str]:
    """What the messages say, in their own words; parts of a content are put together."""
    found = sent.json.get("messages")
    contents = [message.get("content") for message in found or () if isinstance(message, dict)]
    return [text if isinstance(text, str) else "".join(_parts(text)) for text in contents if text]


def _parts(content: object) -> list[str]:
    rows = content if isinstance(content, list) else []
    return [row["text"] for row in rows if isinstance(row, dict) and isinstance(row.get("text"), str)]


def _key(sent: Received) -> str | None:
    return sent.header("authorization")
