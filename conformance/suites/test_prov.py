"""PROV: the providers behind a gateway, and the models of each."""

from typing import Any

from conformance.doctor import listed_ids
from conformance.exchange import Exchange
from conformance.rules import providers as rules
from conformance.shape import show
from conformance.suites import requirement
from conformance.traffic import in_documents
from conformance.verdict import Inconclusive, Violation, expect, hold, refuse, tolerate
from schemas import violations


@requirement("PROV-001")
def test_the_provider_list_is_an_array(providers: Exchange) -> None:
    expect(providers.status == 200 and providers.is_json, providers)
    expect(providers.media_type == "application/json", providers)
    places = ["data[]"]
    hold(Violation(providers, seen) for seen in violations("provider_list.lenient", providers.json, leaving=places))


@requirement("PROV-002")
def test_each_provider_has_a_uuid_of_its_own(providers: Exchange) -> None:
    hold(in_documents([providers], rules.uuids_are_unique))


@requirement("PROV-004")
def test_the_models_of_each_provider_are_listed(provider_reads: list[dict[str, Any]]) -> None:
    own: dict[str, Exchange] = provider_reads[0]["own"]
    if not own and not rules.uuids(provider_reads[0]["providers"].document):
        raise Inconclusive("no provider is listed")
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


@requirement("PROV-013")
def test_unknown_prefixes_and_models_are_404(unknown_prefixed_models: dict[str, Exchange]) -> None:
    others = {told: x for told, x in unknown_prefixed_models.items() if not _says_not_found(x)}
    refuse(others, (404,))
    tolerate(Violation(x, f"{told}: {x.seen}") for told, x in unknown_prefixed_models.items() if x.status != 404)


@requirement("PROV-021")
def test_consecutive_reads_agree(provider_reads: list[dict[str, Any]]) -> None:
    first, second, third = (_entries(read) for read in provider_reads)
    agree = first == second or second == third
    assert agree, f"three reads differ: {show(sorted(first ^ second))}, then {show(sorted(second ^ third))}"


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
