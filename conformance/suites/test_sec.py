"""SEC: what must not leak, and what a client must not be able to do by writing a request in an odd way."""

from conformance.exchange import Exchange
from conformance.probes.security import ELSEWHERE, INJECTED
from conformance.reading.lists import same_lists
from conformance.reading.traffic import endpoint, route
from conformance.rules import models as lists
from conformance.rules import secrets
from conformance.suites import requirement
from conformance.target import Target
from conformance.verdict import Inconclusive, Violation, accept, expect, hold, refuse, survive, tolerate

PATIENCE_S = 5.0
REFUSED = (400, 401, 403, 404, 422)
FOREIGN = "another case"
"""A look-alike that some gateways take for the same on purpose."""
LONG = 20
"""Characters of a prompt that no page holds by chance."""
NOT_OURS = ("set-cookie", "access-control-", "report-to", "nel", "cf-")
"""Headers of browsers and of networks in front of a gateway, which hold tokens of their own."""


@requirement("SEC-001")
def test_no_credential_is_disclosed(exchanges: list[Exchange], target: Target, chat_reply: Exchange) -> None:
    ours = [x for x in exchanges if secrets.has_own_key(x, target.secrets)]
    hold(
        Violation(x, f"{_where(x)}: {seen}")
        for x in ours
        for seen in secrets.disclosed(secrets.told(x), target.secrets)
    )
    others = [x for x in exchanges if not (endpoint(x) and x.ok) and "/providers" not in x.request.url]
    hold(
        Violation(x, f"{_where(x)}: {seen}")
        for x in others
        for seen in secrets.credentials(secrets.told(x, NOT_OURS), x.json if x.is_json else None, secrets.known(x))
    )


@requirement("SEC-002")
def test_no_header_can_be_injected(header_injection: dict[str, Exchange], exchanges: list[Exchange]) -> None:
    hold(Violation(x, f"{_where(x)}: {INJECTED} is among the headers") for x in exchanges if x.header(INJECTED))
    split = {case: x for case, x in header_injection.items() if x.failure and x.failure.kind == "protocol"}
    hold(Violation(x, f"{case}: {x.seen}") for case, x in split.items())
    survive({case: x for case, x in header_injection.items() if case.startswith("user")})


@requirement("SEC-003")
def test_look_alikes_are_other_models(
    look_alike_models: dict[str, Exchange], unknown_model: dict[str, Exchange]
) -> None:
    _someone_is_refused(unknown_model)
    refuse({case: x for case, x in look_alike_models.items() if case != FOREIGN}, REFUSED)
    survive(look_alike_models)
    tolerate(Violation(x, f"{case}: {x.seen}") for case, x in look_alike_models.items() if x.status not in REFUSED)


@requirement("SEC-004")
def test_ids_are_not_trimmed(padded_models: dict[str, Exchange], unknown_model: dict[str, Exchange]) -> None:
    _someone_is_refused(unknown_model)
    refuse(padded_models, REFUSED)


@requirement("SEC-005")
def test_ambiguous_lengths_are_refused(ambiguous_framing: dict[str, list[Exchange]]) -> None:
    first = {case: tries[0] for case, tries in ambiguous_framing.items()}
    hold(Violation(x, f"{case}: {x.seen}") for case, x in first.items() if x.response and not 400 <= x.status < 500)
    hung = [(case, x) for case, x in first.items() if not x.response and x.failure and x.failure.kind == "timeout"]
    hold(Violation(x, f"{case}: {x.seen}") for case, x in hung)
    second = {case: tries[1] for case, tries in ambiguous_framing.items() if len(tries) > 1}
    hold(Violation(x, f"{case}: the connection serves another request") for case, x in second.items() if x.complete)


@requirement("SEC-006")
def test_an_image_url_is_no_oracle(images_from_elsewhere: dict[str, Exchange], chat_reply: Exchange) -> None:
    there, not_there, nowhere = images_from_elsewhere.values()
    longest_s = PATIENCE_S + 2 * chat_reply.took_s
    files = {"a file that there is": there, "a file that there is not": not_there}
    hold(Violation(x, f"{case}: {x.seen}") for case, x in files.items() if not 400 <= x.status < 500)
    alike = (there.status, there.refusal) == (not_there.status, not_there.refusal)
    expect(alike, there, f"a file that there is: {there.seen}; one that there is not: {not_there.seen}")
    expect(nowhere.complete and nowhere.status < 500, nowhere, f"a host that there is not: {nowhere.seen}")
    slow = [x for x in images_from_elsewhere.values() if x.took_s > longest_s]
    hold(Violation(x, f"{x.label}: answered after {x.took_s:.1f} s") for x in slow)


@requirement("SEC-007")
def test_the_models_of_others_are_out_of_reach(
    models_of_other_workspace: dict[str, Exchange], chat_reply: Exchange
) -> None:
    _ = chat_reply.document
    refuse(models_of_other_workspace, REFUSED)


@requirement("SEC-008")
def test_forged_hosts_and_users_change_nothing(
    exchanges: list[Exchange], forged_origin: dict[str, Exchange], models: Exchange
) -> None:
    """A list that flickers by itself, of which LIST-008 tells, is one of those that came without such headers."""
    listed = [lists.ids(x.document) for x in (models, *same_lists(exchanges, models))]
    same = {case: x for case, x in forged_origin.items() if "slash" not in case and "Host" not in case}
    accept(same)
    hold(
        Violation(x, f"{case}: the list is another one")
        for case, x in same.items()
        if not x.is_json or lists.ids(x.document) not in listed
    )
    survive({case: x for case, x in forged_origin.items() if "Host" not in case})
    hold(
        Violation(x, f"{case}: {ELSEWHERE} is in the answer")
        for case, x in forged_origin.items()
        if ELSEWHERE in secrets.told(x, ("access-control-",)).lower()
    )


@requirement("SEC-009")
def test_no_prompt_is_in_a_header(
    exchanges: list[Exchange], chat_reply: Exchange, long_prompts_refused: dict[str, Exchange]
) -> None:
    hold(Violation(x, f"{_where(x)}: {seen}") for x in exchanges for seen in secrets.prompts_in_headers(x))


@requirement("SEC-010")
def test_pages_of_operators_tell_strangers_nothing(
    pages_without_key: dict[str, Exchange], exchanges: list[Exchange], chat_reply: Exchange, target: Target
) -> None:
    told = {case: (x, secrets.told(x, NOT_OURS)) for case, x in pages_without_key.items()}
    prompts = {text for x in exchanges if x.status == 200 for text in secrets.prompts(x.sent) if len(text) > LONG}
    hold(
        Violation(x, f"{case}: {seen}")
        for case, (x, text) in told.items()
        for seen in (
            *secrets.disclosed(text, target.secrets),
            *secrets.credentials(text, x.json if x.is_json else None, secrets.known(x)),
            *(["a prompt is in the answer"] if any(prompt in text for prompt in prompts) else []),
        )
    )


def _someone_is_refused(unknown_model: dict[str, Exchange]) -> None:
    """Where any model is served, or none is refused without a crash, nothing can be said of models that look like
    one."""
    if any(x.ok for x in unknown_model.values()):
        raise Inconclusive("any model is served", blame=None)
    if all(x.status >= 500 for x in unknown_model.values()):
        raise Inconclusive("an unknown model is a server error, of which ERR-011 tells", blame=None)


def _where(exchange: Exchange) -> str:
    return route(exchange) or f"{exchange.request.method} on a path of no endpoint"
