"""MODEL: one model by its id."""

from conformance.exchange import Exchange
from conformance.profiles import Profile
from conformance.shape import dig, objects, show
from conformance.suites import requirement
from conformance.verdict import Inconclusive, Violation, expect, hold, tolerate
from schemas import violations


@requirement("MODEL-001")
def test_a_listed_id_is_retrieved_as_itself(models_by_id: dict[str, list[Exchange]]) -> None:
    found = {id: _answered(tries) for id, tries in models_by_id.items()}
    hold(Violation(x, x.seen) for x in found.values() if x.status != 200)
    hold(Violation(x, seen) for x in found.values() for seen in violations("model.lenient", x.json))
    hold(Violation(x, f"id is {show(x.json['id'])}") for id, x in found.items() if x.json["id"] != id)


@requirement("MODEL-002")
def test_an_id_with_a_slash_is_retrieved_in_either_form(slash_model_by_id: dict[str, Exchange]) -> None:
    if not slash_model_by_id:
        raise Inconclusive("no listed id has a slash")
    hold(Violation(x, f"{form} slash: {x.seen}") for form, x in slash_model_by_id.items() if x.status != 200)


@requirement("MODEL-003")
def test_an_unknown_id_is_404(unknown_model_by_id: Exchange) -> None:
    expect(unknown_model_by_id.status == 404, unknown_model_by_id)


@requirement("MODEL-004")
def test_the_404_says_model_not_found(unknown_model_by_id: Exchange) -> None:
    code = dig(unknown_model_by_id.json, "error", "code", default=None)
    expect(code == "model_not_found", unknown_model_by_id, f"error.code is {show(code)}")


@requirement("MODEL-005")
def test_the_model_equals_its_list_entry(models: Exchange, models_by_id: dict[str, list[Exchange]]) -> None:
    found = {id: _answered(tries) for id, tries in models_by_id.items()}
    listed = {item.get("id"): item for item in objects(models.document, "data")}
    keys = ("object", "created", "owned_by")
    hold(
        Violation(x, f"{key} of {id} is {show(x.document.get(key))}, in the list {show(listed[id].get(key))}")
        for id, x in found.items()
        for key in keys
        if id in listed and x.document.get(key) != listed[id].get(key)
    )


@requirement("MODEL-006")
def test_odd_ids_are_refused_cleanly(odd_model_ids: dict[str, Exchange], chat_after_odd_model_ids: Exchange) -> None:
    hold(
        Violation(x, f"{case}: {x.seen}")
        for case, x in odd_model_ids.items()
        if not x.complete or x.status == 200 or x.status >= 500
    )
    after = chat_after_odd_model_ids
    expect(after.ok, after, f"a chat after it: {after.seen}")
    tolerate(Violation(x, f"{case}: {x.seen}") for case, x in odd_model_ids.items() if not x.is_json)


@requirement("MODEL-007")
def test_ids_are_matched_with_their_case(model_by_swapped_case: Exchange, profile: Profile) -> None:
    expect(model_by_swapped_case.status in profile.expect.misspelt_model_status, model_by_swapped_case)


@requirement("MODEL-008")
def test_deleting_an_unknown_model_is_refused(delete_unknown_model: Exchange, profile: Profile) -> None:
    refusals = (401, 403, 404, 405, 422, *profile.expect.unknown_path_status)
    expect(delete_unknown_model.status in refusals, delete_unknown_model)


def _answered(tries: list[Exchange]) -> Exchange:
    """The first of several ways to ask for one model that was answered, else the first."""
    return next((x for x in tries if x.status == 200), tries[0])
