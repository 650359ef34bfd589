"""MODEL: one model by its id."""

from urllib.parse import unquote

from conformance.exchange import Exchange, Unusable
from conformance.shape import objects, show
from conformance.suites import requirement
from conformance.verdict import Inconclusive, Violation, expect, hold, tolerate
from schemas import violations

COMPARED = ("created", "owned_by")
"""Members that the list and the model itself must agree on."""


@requirement("MODEL-001")
def test_a_listed_id_is_retrieved_as_itself(models_by_id: dict[str, list[Exchange]]) -> None:
    found = {id: _answered(tries) for id, tries in models_by_id.items()}
    hold(Violation(x, x.seen) for x in found.values() if not (x.status == 200 and x.is_json))
    hold(Violation(x, seen) for x in found.values() for seen in violations("model.lenient", x.json, leaving=COMPARED))
    hold(Violation(x, f"id is {show(x.json['id'])}") for id, x in found.items() if x.json["id"] != id)


@requirement("MODEL-002")
def test_an_id_with_a_slash_is_retrieved_with_it(slash_model_by_id: Exchange | None) -> None:
    if slash_model_by_id is None:
        raise Inconclusive("no listed id has a slash", blame=None)
    expect(slash_model_by_id.status == 200, slash_model_by_id)


@requirement("MODEL-003")
def test_an_unknown_id_is_404(unknown_model_by_id: Exchange) -> None:
    expect(unknown_model_by_id.status == 404, unknown_model_by_id)


@requirement("MODEL-004")
def test_the_404_says_model_not_found(unknown_model_by_id: Exchange) -> None:
    body = unknown_model_by_id.json if unknown_model_by_id.is_json else None
    error = body.get("error") if isinstance(body, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    expect(code == "model_not_found", unknown_model_by_id, f"error.code is {show(code)}")


@requirement("MODEL-005")
def test_the_model_equals_its_list_entry(models: Exchange, models_by_id: dict[str, list[Exchange]]) -> None:
    found = {id: x for id, tries in models_by_id.items() if (x := _answered(tries)).ok}
    if not found:
        raise Unusable("no listed model can be retrieved")
    listed = [tuple(item.get(key) for key in ("id", *COMPARED)) for item in objects(models.document, "data")]
    alone = {id: (id, *(x.document.get(key) for key in COMPARED)) for id, x in found.items()}
    hold(Violation(found[id], f"{show(one)} is not in the list") for id, one in alone.items() if one not in listed)


@requirement("MODEL-006")
def test_odd_ids_are_refused_cleanly(
    odd_model_ids: dict[str, Exchange], chat_reply: Exchange, chat_after_odd_model_ids: Exchange
) -> None:
    hold(
        Violation(x, f"{case}: {x.seen}")
        for case, x in odd_model_ids.items()
        if not x.complete or x.status == 200 or x.status >= 500
    )
    after = chat_after_odd_model_ids
    expect(after.ok or not chat_reply.ok, after, f"a chat after it: {after.seen}")
    tolerate(Violation(x, f"{case}: {x.seen}") for case, x in odd_model_ids.items() if not x.is_json)


@requirement("MODEL-007")
def test_ids_are_matched_with_their_case(
    model_by_swapped_case: Exchange | None, model_by_cut_id: Exchange | None
) -> None:
    if model_by_cut_id is not None and model_by_cut_id.ok and model_by_cut_id.is_json:
        found, asked = model_by_cut_id.document.get("id"), unquote(model_by_cut_id.request.url.rsplit("/", 1)[-1])
        expect(found == asked, model_by_cut_id, f"{show(asked)} was asked for, the model is {show(found)}")
    if model_by_swapped_case is None:
        raise Inconclusive("no id can be misspelt: it has no letter, or the other spelling is listed, too", blame=None)
    expect(not model_by_swapped_case.ok, model_by_swapped_case)


@requirement("MODEL-008")
def test_deleting_an_unknown_model_is_refused(delete_unknown_model: Exchange) -> None:
    refused = 400 <= delete_unknown_model.status < 500 or delete_unknown_model.status == 501
    expect(refused, delete_unknown_model)


def _answered(tries: list[Exchange]) -> Exchange:
    """The first of several ways to ask for one model that was answered, else the first."""
    return next((x for x in tries if x.status == 200), tries[0])
