"""NAME: model names of the form workspace/entity. A good name that nobody has is refused with 404, a bad one by 422."""

import re

from conformance.exchange import Exchange, Unusable
from conformance.names import READINGS, VENDOR, Standing, consistent
from conformance.probes.routes import rows
from conformance.profiles import Profile
from conformance.reading.traffic import in_documents, sent
from conformance.rules import models as rules
from conformance.rules import naming
from conformance.sending.gateway import Facts
from conformance.shape import dig, show
from conformance.sse import DONE
from conformance.suites import requirement
from conformance.target import Target
from conformance.verdict import (
    Inconclusive,
    Violation,
    accept,
    demand,
    expect,
    hold,
    must,
    refuse,
    survive,
    tolerate,
)
from schemas import violations

Tries = dict[str, Exchange]
"""Exchanges by the model that was sent, in words."""

ILL_FORMED = (422,)
WELL_FORMED = (200, 403, 404)
"""What a good name is answered with, registered or not: only that it is not taken for a bad one is judged."""


@requirement("NAME-001")
def test_a_listed_name_is_served(chat_by_listed_name: Exchange) -> None:
    accept({_model(chat_by_listed_name): chat_by_listed_name})


@requirement("NAME-002")
def test_listed_ids_are_a_workspace_and_an_entity(models: Exchange) -> None:
    hold(in_documents([models], rules.items_are_models))
    hold(in_documents([models], naming.ids_have_two_segments))


@requirement("NAME-003")
def test_listed_entities_follow_the_rule(models: Exchange, target: Target, profile: Profile) -> None:
    pattern = _pattern(target, profile)
    hold(in_documents([models], lambda document: naming.entities_follow(document, pattern)))


@requirement("NAME-004")
def test_listed_ids_are_of_the_workspace_asked(models: Exchange, facts: Facts) -> None:
    hold(in_documents([models], lambda document: naming.ids_are_of_workspace(document, facts.workspace)))


@requirement("NAME-005")
def test_a_vendor_id_is_refused(vendor_name: Exchange) -> None:
    refuse({_model(vendor_name): vendor_name}, ILL_FORMED)


@requirement("NAME-006")
def test_other_vendor_ids_are_refused(other_vendor_names: Tries) -> None:
    refuse(other_vendor_names, ILL_FORMED)


@requirement("NAME-007")
def test_an_unregistered_name_is_404(unregistered_names: Tries) -> None:
    refuse(unregistered_names, (404,))


@requirement("NAME-008")
def test_names_have_2_to_63_characters(names_by_length: dict[str, Tries]) -> None:
    refuse(names_by_length[Standing.INVALID], ILL_FORMED)
    refuse(names_by_length[Standing.VALID], WELL_FORMED)


@requirement("NAME-009")
def test_upper_case_is_refused(names_upper: Tries) -> None:
    refuse(names_upper, ILL_FORMED)


@requirement("NAME-010")
def test_an_underscore_is_refused(names_underscore: Tries) -> None:
    refuse(names_underscore, ILL_FORMED)


@requirement("NAME-011")
def test_a_dot_is_refused(names_dot: Tries) -> None:
    refuse(names_dot, ILL_FORMED)


@requirement("NAME-012")
def test_other_punctuation_is_refused(names_punctuation: Tries) -> None:
    refuse(names_punctuation, ILL_FORMED)


@requirement("NAME-013")
def test_white_space_and_controls_are_refused(names_whitespace: Tries) -> None:
    refuse(names_whitespace, ILL_FORMED)


@requirement("NAME-014")
def test_misplaced_slashes_are_refused(ids_with_slashes: Tries, ids_with_leading_slash: Tries) -> None:
    refuse(ids_with_slashes, ILL_FORMED)
    refuse(ids_with_leading_slash, (*ILL_FORMED, 400, 403, 404))
    tolerate(_other_than(ILL_FORMED, ids_with_leading_slash))


@requirement("NAME-015")
def test_empty_segments_are_refused(ids_with_empty_segment: Tries) -> None:
    refuse(ids_with_empty_segment, (*ILL_FORMED, 400))
    tolerate(_other_than(ILL_FORMED, ids_with_empty_segment))


@requirement("NAME-016")
def test_lookalikes_are_refused(names_lookalike: Tries) -> None:
    refuse(names_lookalike, ILL_FORMED)


@requirement("NAME-017")
def test_percent_sequences_are_literal(names_percent: Tries, id_with_encoded_slash: Tries) -> None:
    refuse(names_percent, ILL_FORMED)
    refuse(id_with_encoded_slash, (*ILL_FORMED, 400, 404))
    tolerate(_other_than(ILL_FORMED, id_with_encoded_slash))


@requirement("NAME-018")
def test_a_leading_hyphen_is_refused(ambiguous_names: dict[str, Tries], target: Target, profile: Profile) -> None:
    if not _takes(_pattern(target, profile), "-a"):
        refuse(_labelled(ambiguous_names["plain"], "leading hyphen"), ILL_FORMED)


@requirement("NAME-019")
def test_a_trailing_hyphen_is_refused(ambiguous_names: dict[str, Tries], target: Target, profile: Profile) -> None:
    if not _takes(_pattern(target, profile), "a-"):
        refuse(_labelled(ambiguous_names["plain"], "trailing hyphen"), ILL_FORMED)


@requirement("NAME-020")
def test_ambiguous_names_follow_one_rule(
    ambiguous_names: dict[str, Tries], target: Target, profile: Profile, facts: Facts
) -> None:
    plain = ambiguous_names["plain"]
    survive(plain)
    demand(Violation(x, f"{told}: {x.seen}") for told, x in plain.items() if naming.taken(x.status) is None)
    for way in ambiguous_names.keys() - {"plain"}:
        demand(
            Violation(x, f"{told}, {way}: {x.seen}; else HTTP {plain[told].status}")
            for told, x in ambiguous_names[way].items()
            if x.status in (403, 404, 422) and naming.taken(x.status) is not naming.taken(plain[told].status)
        )
    if pattern := _pattern(target, profile):
        others = {
            told: x for told, x in plain.items() if naming.taken(x.status) is not _takes(pattern, _entity(x, facts))
        }
        demand(Violation(x, f"{told}: {x.seen}, by the pattern {pattern}") for told, x in others.items())
    else:
        seen = {_entity(x, facts): naming.taken(x.status) is True for x in plain.values()}
        sentence = f"no reading of the rule ({', '.join(READINGS)}) takes just {show([n for n in seen if seen[n]])}"
        must(bool(consistent(seen)), next(iter(plain.values())), f"{sentence} of {show(list(seen), 200)}")


@requirement("NAME-021")
def test_names_that_all_readings_allow_are_well_formed(names_well_formed: Tries) -> None:
    refuse(names_well_formed, WELL_FORMED)


@requirement("NAME-022")
def test_a_model_that_is_no_string_is_refused(models_that_are_no_string: Tries) -> None:
    refuse(models_that_are_no_string, (400, 422))


@requirement("NAME-023")
def test_a_bare_entity_may_be_accepted(bare_names: Tries) -> None:
    refuse(_labelled(bare_names, "a served entity"), (200, 400, 403, 404, 422))
    refuse(_labelled(bare_names, "nobody has it"), (400, 403, 404, 422))


@requirement("NAME-024")
def test_a_foreign_workspace_is_not_re_homed(foreign_workspaces: Tries) -> None:
    refuse(foreign_workspaces, (400, 403, 404, 422))
    tolerate(_other_than((403, 404, 422), foreign_workspaces))


@requirement("NAME-025")
def test_the_workspace_of_the_path_is_checked(other_workspaces: dict[str, Tries]) -> None:
    refuse(other_workspaces["ill-formed"], (403, 404, 422))
    refuse(other_workspaces["unknown"], (403, 404))


@requirement("NAME-026")
def test_wrong_base_paths_are_refused(wrong_base_paths: Tries) -> None:
    merged = {told: x for told, x in wrong_base_paths.items() if told.startswith("a doubled slash") and x.ok}
    refuse({told: x for told, x in wrong_base_paths.items() if told not in merged}, (400, 403, 404, 405, 422))
    tolerate(Violation(x, f"{told}: {x.seen}") for told, x in merged.items())


@requirement("NAME-027")
def test_an_encoded_letter_of_the_workspace_is_the_letter(models: Exchange, encoded_workspace: Exchange) -> None:
    listed = rules.ids(models.document)
    expect(encoded_workspace.status == 200, encoded_workspace)
    expect(rules.ids(encoded_workspace.document) == listed, encoded_workspace, "the ids are others than without it")


@requirement("NAME-028")
def test_the_422_has_a_json_body(vendor_name: Exchange, names_lookalike: Tries, names_whitespace: Tries) -> None:
    refused = [x for x in (vendor_name, *names_lookalike.values(), *names_whitespace.values()) if x.status == 422]
    expect(vendor_name.status == 422, vendor_name)
    hold(
        Violation(x, f"{_model(x)}: {x.seen}")
        for x in refused
        if x.media_type != "application/json" or not x.is_json or not isinstance(x.json, dict)
    )


@requirement("NAME-029")
def test_a_name_is_checked_before_a_stream_begins(names_every_way: dict[str, Tries]) -> None:
    tries = _bad(names_every_way, "streamed")
    refuse(tries, ILL_FORMED)
    streams = (x for x in tries.values() if x.media_type == "text/event-stream" or not x.is_json)
    hold(Violation(x, f"{_model(x)}: {x.seen}") for x in streams)


@requirement("NAME-030")
def test_the_rule_holds_at_all_inference_endpoints(names_every_way: dict[str, Tries]) -> None:
    for way in names_every_way.keys() & {"completions", "embeddings"}:
        refuse({f"{told} at /{way}": x for told, x in _bad(names_every_way, way).items()}, ILL_FORMED)
        good = {told: names_every_way[way][told] for told, x in names_every_way["plain"].items() if x.status == 404}
        tries = {f"{told} at /{way}": x for told, x in good.items() if "(well-formed)" in told}
        refuse(tries, (403, 404))


@requirement("NAME-031")
def test_an_entity_has_a_route_of_its_own(chat_by_entity_route: Tries) -> None:
    _serves(chat_by_entity_route)


@requirement("NAME-032")
def test_a_provider_has_a_route_of_its_own(chat_by_provider_route: Tries) -> None:
    _serves(chat_by_provider_route)


@requirement("NAME-033")
def test_the_three_routes_are_equivalent(chat_by_three_routes: Tries) -> None:
    accept(chat_by_three_routes)
    first = chat_by_three_routes["by the model in the body"]
    for route, x in chat_by_three_routes.items():
        tokens = [dig(reply.document, "usage", "prompt_tokens") for reply in (first, x)]
        expect(tokens[0] == tokens[1], x, f"{route}: {tokens[1]} prompt tokens, not {tokens[0]}")
        expect(
            first.document.keys() == x.document.keys(),
            x,
            f"{route}: other members, {sorted(first.document.keys() ^ x.document.keys())}",
        )


@requirement("NAME-034")
def test_the_answer_names_the_requested_model(chat_by_listed_name: Exchange, stream_by_listed_name: Exchange) -> None:
    asked, reply = sent(chat_by_listed_name)["model"], chat_by_listed_name.document
    expect(reply.get("model") == asked, chat_by_listed_name, f"{show(asked)} is answered as {show(reply.get('model'))}")
    others = [chunk.get("model") for chunk in stream_by_listed_name.chunks if chunk.get("model") != asked]
    expect(not others, stream_by_listed_name, f"{show(asked)} is streamed as {show(others[:1])}")


@requirement("NAME-035")
def test_routes_check_their_names(unknown_routes: Tries, ill_formed_routes: Tries) -> None:
    refuse(unknown_routes, (404,))
    refuse(ill_formed_routes, (404, 422))


@requirement("NAME-036")
def test_a_model_is_retrieved_by_both_names(model_by_both_names: Tries) -> None:
    accept(model_by_both_names)
    ids = {name: x.document.get("id") for name, x in model_by_both_names.items()}
    different = len({show(id) for id in ids.values()}) > 1
    expect(not different, next(iter(model_by_both_names.values())), f"ids differ: {show(ids)}")


@requirement("NAME-037")
def test_readiness_of_a_provider_can_be_queried(provider_readiness: Tries) -> None:
    serving, unknown = provider_readiness["serving"], provider_readiness["unknown"]
    refuse({"a serving provider": serving}, (200, 404))
    refuse({"an unknown provider": unknown}, (404,))
    ready = serving.status != 200 or serving.document.get("ready") is True
    expect(ready, serving, f"a serving provider: {serving.text[:80]}")


@requirement("NAME-038")
def test_the_configured_list_is_a_page(
    configured_models: list[Exchange], first_configured_model: Exchange, facts: Facts
) -> None:
    pages = [*configured_models, first_configured_model]
    accept({x.request.url.partition("/apis/")[2]: x for x in pages})
    hold(in_documents(pages, lambda document: naming.is_page(document, facts.workspace)))
    total = dig(configured_models[0].document, "pagination", "total_results")
    listed = sum(len(rows(page)) for page in configured_models)
    expect(listed == total, configured_models[0], f"pagination.total_results is {total}, {listed} are listed")
    one = len(rows(first_configured_model))
    expect(one == min(total, 1), first_configured_model, f"page_size=1 gives {one} entries")


@requirement("NAME-039")
def test_what_is_ready_to_serve_is_configured(models: Exchange, configured_models: list[Exchange]) -> None:
    configured = {f"{row.get('workspace')}/{row['name']}" for page in configured_models for row in rows(page)}
    if not configured:
        raise Unusable(f"the list of what is configured gives no names: {configured_models[0].seen}")
    ids = {id.partition(naming.ADAPTERS)[0] for id in rules.ids(models.document)}
    ids = {id for id in ids if all(id.partition("/")) and id.count("/") == 1}
    hold(Violation(models, f"{show(id)} is ready to serve, not configured") for id in sorted(ids - configured))


@requirement("NAME-040")
def test_what_is_only_configured_is_not_served(chat_with_configured_only: Tries) -> None:
    if not chat_with_configured_only:
        raise Inconclusive("all that is configured is ready to serve", blame=None)
    refuse(chat_with_configured_only, (403, 404))


def _pattern(target: Target, profile: Profile) -> str:
    """The pattern that entity names follow, "" if none is known."""
    return target.entity_name_pattern or profile.expect.entity_name_pattern


def _takes(pattern: str, name: str) -> bool:
    return bool(pattern) and re.fullmatch(pattern, name) is not None


def _entity(exchange: Exchange, facts: Facts) -> str:
    return str(sent(exchange).get("model")).removeprefix(f"{facts.workspace}/")


def _labelled(tries: Tries, label: str) -> Tries:
    return {told: x for told, x in tries.items() if told.endswith(f"({label})")}


def _bad(tries: dict[str, Tries], way: str) -> Tries:
    """The vendor's id, and the names that a plain chat is refused for, asked another way."""
    vendor = f"model {show(VENDOR)}"
    refused = {told for told, x in tries["plain"].items() if x.status == 422 and not told.endswith("(well-formed)")}
    return {told: x for told, x in tries[way].items() if told in refused or told == vendor}


def _serves(tries: Tries) -> None:
    """Each of these is answered by a chat completion, or by a stream of it."""
    accept(tries)
    for told, x in tries.items():
        if sent(x).get("stream"):
            ended = any(event.data == DONE for event in x.events)
            expect(bool(x.chunks) and ended, x, f"{told}: no stream of chunks that ends with [DONE]")
        else:
            hold(Violation(x, f"{told}: {seen}") for seen in violations("chat_completion.lenient", x.json))


def _model(exchange: Exchange) -> str:
    return f"model {show(sent(exchange).get('model'))}"


def _other_than(statuses: tuple[int, ...], tries: Tries) -> list[Violation]:
    return [Violation(x, f"{told}: {x.seen}") for told, x in tries.items() if x.status not in statuses]
