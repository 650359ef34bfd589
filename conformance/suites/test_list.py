"""LIST: the list of models."""

from itertools import pairwise

from conformance.exchange import Exchange
from conformance.profiles import Profile
from conformance.reading.lists import goes_back, same_lists
from conformance.reading.traffic import in_documents
from conformance.rules import models as rules
from conformance.sending.gateway import Facts
from conformance.shape import objects, show
from conformance.suites import requirement
from conformance.target import Target
from conformance.verdict import Inconclusive, Violation, expect, hold, prefer
from schemas import violations


@requirement("LIST-001")
def test_the_list_is_an_object_with_an_array(models: Exchange) -> None:
    expect(models.status == 200 and models.is_json, models)
    hold(Violation(models, seen) for seen in violations("models_list.lenient", models.json, leaving=["data[]"]))


@requirement("LIST-002")
def test_every_item_is_a_model_with_an_id(models: Exchange) -> None:
    hold(in_documents([models], rules.items_are_models))


@requirement("LIST-003")
def test_every_item_is_dated_and_owned(models: Exchange) -> None:
    hold(in_documents([models], rules.items_are_dated_and_owned))


@requirement("LIST-004")
def test_created_is_a_plausible_unix_time(models: Exchange) -> None:
    hold(in_documents([models], rules.created_is_plausible))


@requirement("LIST-005")
def test_no_id_is_listed_twice(models: Exchange) -> None:
    hold(in_documents([models], rules.ids_are_unique))


@requirement("LIST-006")
def test_the_model_under_test_is_listed(
    exchanges: list[Exchange], models: Exchange, target: Target, facts: Facts
) -> None:
    given = [model for model in (target.model, target.completions_model, target.embeddings_model) if model]
    reads = [models, *(x for x in same_lists(exchanges, models) if x is not models)]
    lacking = {model: [x for x in reads if model not in _names(x, facts.workspace)] for model in given}
    hold(
        Violation(x, f"not listed: {model}" + (f", in {len(found)} of {len(reads)} reads" if len(reads) > 1 else ""))
        for model, found in lacking.items()
        for x in found
    )


@requirement("LIST-007")
def test_listed_ids_can_be_used_as_they_stand(listed_models_asked: dict[str, list[Exchange]]) -> None:
    if not listed_models_asked:
        raise Inconclusive("no model is listed", blame=None)
    unserved = {id: tries for id, tries in listed_models_asked.items() if not any(x.ok for x in tries)}
    unserved = {id: tries for id, tries in unserved.items() if not any(x.status in (429, 503) for x in tries)}
    hold(Violation(tries[0], f"{show(id)}: {tries[0].seen}") for id, tries in unserved.items() if tries)


@requirement("LIST-008")
def test_consecutive_lists_agree(exchanges: list[Exchange], models: Exchange, models_again: list[Exchange]) -> None:
    reads = [rules.ids(exchange.document) for exchange in models_again]
    changes = [sorted(before ^ after) for before, after in pairwise(reads) if before != after]
    expect(
        len(changes) < 2,
        models_again[-1],
        f"the list changed {len(changes)} times in {len(reads)} reads: {show(changes)}",
    )
    if back := goes_back(same_lists(exchanges, models)):
        expect(False, back[0], f"in the reads of the run these ids come and go: {show(back[1])}")


@requirement("LIST-009")
def test_a_get_with_a_content_type_is_accepted(models: Exchange, models_with_content_type: Exchange) -> None:
    _ = models.document
    expect(models_with_content_type.status == 200, models_with_content_type)


@requirement("LIST-010")
def test_one_response_holds_the_whole_list(models: Exchange) -> None:
    hold(in_documents([models], rules.is_whole))


@requirement("LIST-011")
def test_unknown_query_parameters_are_ignored(
    exchanges: list[Exchange], models: Exchange, models_with_query: dict[str, Exchange]
) -> None:
    listed = [rules.ids(x.document) for x in (models, *same_lists(exchanges, models))]
    unknown, typed = models_with_query["unknown parameter"], models_with_query["limit that is no number"]
    expect(unknown.status == 200, unknown)
    expect(rules.ids(unknown.document) in listed, unknown, "the ids are others than without it")
    expect(typed.status in (200, 400, 422), typed)
    prefer(typed.status == 200, typed, f"limit=abc is refused: {typed.seen}")


@requirement("LIST-012")
def test_an_empty_list_is_an_empty_array(models_of_empty_workspace: Exchange) -> None:
    data = models_of_empty_workspace.document.get("data")
    assert data == [], f"data is {show(data)}"


@requirement("LIST-013")
def test_ids_are_clean(models: Exchange) -> None:
    hold(in_documents([models], rules.ids_are_clean))


@requirement("LIST-014")
def test_a_trailing_slash_is_answered_cleanly(
    models: Exchange, models_trailing_slash: Exchange, profile: Profile
) -> None:
    answer = models_trailing_slash
    is_list = answer.ok and answer.is_json and answer.document.keys() == models.document.keys()
    refused = answer.status in profile.expect.unknown_path_status
    expect(is_list or refused or rules.stays_at_home(answer), answer)


def _names(models: Exchange, workspace: str) -> list[object]:
    """The names that a list has for its models."""
    listed = [item.get(key) for item in objects(models.document, "data") for key in ("id", "alias", "uuid")]
    return listed + [name.removeprefix(f"{workspace}/") for name in listed if isinstance(name, str) and workspace]
