"""PROV: the providers behind a gateway, and the models of each."""

from typing import Any
from urllib.parse import unquote

from conformance.exchange import Exchange, Unusable
from conformance.reading.traffic import in_documents
from conformance.rules import providers as rules
from conformance.sending.doctor import listed_ids, listed_models
from conformance.shape import objects, show
from conformance.suites import requirement
from conformance.verdict import Inconclusive, Violation, accept, expect, hold, refuse, tolerate
from schemas import violations

Services = dict[str, Exchange]
"""Answers to requests for one model, by the inference endpoint."""


@requirement("PROV-001")
def test_the_provider_list_is_an_array(providers: Exchange) -> None:
    expect(providers.status == 200 and providers.is_json, providers)
    expect(providers.media_type == "application/json", providers)
    places = ["data[]"]
    hold(Violation(providers, seen) for seen in violations("provider_list.lenient", providers.json, leaving=places))


@requirement("PROV-002")
def test_each_provider_has_a_uuid_of_its_own(providers: Exchange) -> None:
    hold(in_documents([providers], rules.uuids_are_unique))


@requirement("PROV-003")
def test_each_provider_is_described(providers: Exchange) -> None:
    hold(in_documents([providers], rules.are_described))


@requirement("PROV-004")
def test_the_models_of_each_provider_are_listed(provider_reads: list[dict[str, Any]]) -> None:
    own: dict[str, Exchange] = provider_reads[0]["own"]
    if not own and not rules.uuids(provider_reads[0]["providers"].document):
        raise Inconclusive("no provider is listed", blame=None)
    hold(Violation(x, f"provider {uuid}: {x.seen}") for uuid, x in own.items() if x.status != 200 or not x.is_json)
    hold(
        Violation(x, f"provider {uuid}: {seen}")
        for uuid, x in own.items()
        for seen in violations("models_list.lenient", x.json)
    )


@requirement("PROV-005")
def test_the_models_of_all_providers_are_listed(models: Exchange) -> None:
    expect(models.status == 200 and models.is_json, models)
    hold(Violation(models, seen) for seen in violations("models_list.lenient", models.json))


@requirement("PROV-006")
def test_the_global_list_is_the_union_of_the_providers_lists(provider_reads: list[dict[str, Any]]) -> None:
    differences: list[list[Violation]] = [_differences(read) for read in provider_reads]
    hold(sorted(differences, key=len)[0])


@requirement("PROV-007")
def test_an_unknown_provider_is_404(models_of_unknown_provider: Exchange) -> None:
    refuse({"a random UUID": models_of_unknown_provider}, (404,))


@requirement("PROV-008")
def test_a_malformed_provider_id_is_refused(models_of_malformed_provider: dict[str, Exchange]) -> None:
    refuse(models_of_malformed_provider, (400, 404, 422))


@requirement("PROV-009")
def test_provider_endpoints_require_the_key(providers_without_key: dict[str, Exchange]) -> None:
    refuse(providers_without_key, (401,))


@requirement("PROV-010")
def test_credentials_of_providers_are_never_shown(
    providers: Exchange, provider_by_uuid: dict[str, Exchange], provider_reads: list[dict[str, Any]]
) -> None:
    _ = providers.document
    answers = [providers, *provider_by_uuid.values(), *provider_reads[0]["own"].values()]
    shown = [x for x in answers if x.ok and x.is_json]
    hold(Violation(x, seen) for x in shown for seen in rules.secrets_in_the_clear(x.json))


@requirement("PROV-011")
def test_an_id_with_a_slash_is_served(ids_with_a_slash: dict[str, Services]) -> None:
    if not ids_with_a_slash:
        raise Inconclusive("no listed id has a slash", blame=None)
    unserved = {id: tries for id, tries in ids_with_a_slash.items() if not any(x.ok for x in tries.values())}
    hold(Violation(x, f"{show(id)}, {name}: {x.seen}") for id, tries in unserved.items() for name, x in tries.items())


@requirement("PROV-012")
def test_a_model_is_addressed_by_its_alias(models_by_alias: dict[str, Services]) -> None:
    if not models_by_alias:
        raise Inconclusive("no model is listed", blame=None)
    unknown = {id: tries for id, tries in models_by_alias.items() if all(map(_is_unknown, tries.values()))}
    hold(Violation(x, f"{show(id)}, {name}: {x.seen}") for id, tries in unknown.items() for name, x in tries.items())


@requirement("PROV-013")
def test_unknown_prefixes_and_models_are_404(unknown_prefixed_models: dict[str, Exchange]) -> None:
    others = {told: x for told, x in unknown_prefixed_models.items() if not _says_not_found(x)}
    refuse(others, (404,))
    tolerate(Violation(x, f"{told}: {x.seen}") for told, x in unknown_prefixed_models.items() if x.status != 404)


@requirement("PROV-014")
def test_a_service_that_is_lacking_is_refused_cleanly(models_at_every_service: dict[str, Services]) -> None:
    tries = [(id, name, x) for id, tries in models_at_every_service.items() for name, x in tries.items()]
    unclean = [
        Violation(x, f"{show(id)}, {name}: {x.seen}")
        for id, name, x in tries
        if not x.complete or not (x.status == 200 or 400 <= x.status < 500 or x.status == 501) or not x.is_json
    ]
    hold(unclean)


@requirement("PROV-015")
def test_models_inside_a_provider_are_those_of_its_list(provider_reads: list[dict[str, Any]]) -> None:
    hold(
        Violation(own, seen)
        for provider, own in _with_readable_lists(provider_reads[-1])
        for seen in rules.embedded_otherwise(provider, own.document)
    )


@requirement("PROV-016")
def test_a_provider_without_models_has_an_empty_list(provider_reads: list[dict[str, Any]]) -> None:
    empty = [own for provider, own in _with_lists(provider_reads[0]) if _has_no_models(provider, own)]
    if not empty:
        raise Inconclusive("no provider is without models", blame=None)
    hold(Violation(x, x.seen) for x in empty if x.status != 200)
    hold(Violation(x, f"data is {show(x.document.get('data'))}") for x in empty if x.document.get("data") != [])


@requirement("PROV-017")
def test_models_belong_to_their_provider(provider_reads: list[dict[str, Any]]) -> None:
    hold(
        Violation(own, seen)
        for provider, own in _with_readable_lists(provider_reads[0])
        for seen in rules.owned_by_others(provider, own.document)
    )


@requirement("PROV-018")
def test_the_base_url_works_however_it_is_written(base_url_both_ways: dict[str, Exchange]) -> None:
    accept(base_url_both_ways)


@requirement("PROV-019")
def test_a_provider_can_be_fetched(provider_by_uuid: dict[str, Exchange]) -> None:
    refuse(provider_by_uuid, (200, 404, 405))
    found = {uuid: x for uuid, x in provider_by_uuid.items() if x.status == 200}
    others = {uuid: x for uuid, x in found.items() if x.document.get("uuid") != uuid}
    hold(Violation(x, f"{uuid} is answered as {show(x.document.get('uuid'))}") for uuid, x in others.items())


@requirement("PROV-020")
def test_a_model_is_retrieved_by_id_or_uuid(models: Exchange, models_by_id: dict[str, list[Exchange]]) -> None:
    names = {row["id"]: {row["id"], row.get("uuid")} for row in listed_models(models)}
    for id, tries in models_by_id.items():
        asked = [x for x in tries if unquote(x.request.url.partition("/models/")[2]) in names.get(id, ())]
        expect(any(x.status == 200 for x in asked), tries[0], f"{show(id)}: {tries[0].seen}")


@requirement("PROV-021")
def test_consecutive_reads_agree(provider_reads: list[dict[str, Any]]) -> None:
    first, second, third = (_entries(read) for read in provider_reads)
    agree = first == second or second == third
    assert agree, f"three reads differ: {show(sorted(first ^ second))}, then {show(sorted(second ^ third))}"


def _with_lists(read: dict[str, Any]) -> list[tuple[dict[str, Any], Exchange]]:
    """Each listed provider with the answer that lists its models. Two under one uuid can't be told apart."""
    own: dict[str, Exchange] = read["own"]
    listed = objects(read["providers"].document, "data")
    uuids = [provider.get("uuid") for provider in listed]
    once = [provider for provider in listed if uuids.count(provider.get("uuid")) == 1]
    return [(provider, own[provider["uuid"]]) for provider in once if provider.get("uuid") in own]


def _with_readable_lists(read: dict[str, Any]) -> list[tuple[dict[str, Any], Exchange]]:
    """Those of them whose list can be read. Raises Unusable if none can."""
    found = _with_lists(read)
    readable = [(provider, own) for provider, own in found if own.status == 200 and _is_list(own)]
    if found and not readable:
        raise Unusable(f"no provider's models can be read: {found[0][1].seen}")
    return readable


def _is_list(exchange: Exchange) -> bool:
    body = exchange.json if exchange.is_json else None
    data = body.get("data") if isinstance(body, dict) else None
    return isinstance(data, list) and all(isinstance(item, dict) for item in data)


def _has_no_models(provider: dict[str, Any], own: Exchange) -> bool:
    if own.status == 404:
        return provider.get("models") == []
    body = own.json if own.ok and own.is_json else None
    return isinstance(body, dict) and body.get("data", 0) in ([], None)


def _is_unknown(exchange: Exchange) -> bool:
    """The answer says that there is no such model."""
    said = exchange.refusal if exchange.status >= 400 else None
    return exchange.status == 404 or (isinstance(said, tuple) and "model_not_found" in said)


def _differences(read: dict[str, Any]) -> list[Violation]:
    everywhere: Exchange = read["models"]
    own = {uuid: x.document for uuid, x in read["own"].items()}
    lacking = [Violation(everywhere, seen) for seen in rules.missing(everywhere.document, own)]
    if len(rules.uuids(read["providers"].document)) > len(own):
        return lacking  # more providers than were asked: what is in none of these lists may be in another
    return lacking + [Violation(everywhere, seen) for seen in rules.extra(everywhere.document, own)]


def _says_not_found(exchange: Exchange) -> bool:
    """400 with the code that says what 404 would."""
    said = exchange.refusal
    return exchange.status == 400 and isinstance(said, tuple) and "model_not_found" in said


def _entries(read: dict[str, Any]) -> set[str]:
    """The uuids of the providers, and each with the ids of its models where they could be read."""
    models = {f"{uuid}: {id}" for uuid, x in read["own"].items() for id in listed_ids(x)}
    return models.union(rules.uuids(read["providers"].document))
