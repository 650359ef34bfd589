"""NAME: model names of the form workspace/entity. A good name that nobody has is refused with 404, a bad one by 422."""

from conformance.exchange import Exchange
from conformance.names import Standing
from conformance.rules import models as rules
from conformance.rules import naming
from conformance.shape import show
from conformance.suites import requirement
from conformance.traffic import in_documents, sent
from conformance.verdict import Violation, accept, expect, hold, refuse, tolerate

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


@requirement("NAME-005")
def test_a_vendor_id_is_refused(vendor_name: Exchange) -> None:
    refuse({_model(vendor_name): vendor_name}, ILL_FORMED)


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


@requirement("NAME-021")
def test_names_that_all_readings_allow_are_well_formed(names_well_formed: Tries) -> None:
    refuse(names_well_formed, WELL_FORMED)


@requirement("NAME-022")
def test_a_model_that_is_no_string_is_refused(models_that_are_no_string: Tries) -> None:
    refuse(models_that_are_no_string, (400, 422))


@requirement("NAME-024")
def test_a_foreign_workspace_is_not_re_homed(foreign_workspaces: Tries) -> None:
    refuse(foreign_workspaces, (400, 403, 404, 422))
    tolerate(_other_than((403, 404, 422), foreign_workspaces))


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
def test_a_name_is_checked_before_a_stream_begins(
    vendor_name_streamed: Exchange, ill_formed_names_both_ways: dict[str, Tries]
) -> None:
    plain, streamed = ill_formed_names_both_ways["plain"], ill_formed_names_both_ways["streamed"]
    tries = {told: streamed[told] for told, x in plain.items() if x.status in ILL_FORMED}
    tries[_model(vendor_name_streamed)] = vendor_name_streamed
    refuse(tries, ILL_FORMED)
    streams = (x for x in tries.values() if x.media_type == "text/event-stream" or not x.is_json)
    hold(Violation(x, f"{_model(x)}: {x.seen}") for x in streams)


@requirement("NAME-034")
def test_the_answer_names_the_requested_model(chat_by_listed_name: Exchange, stream_by_listed_name: Exchange) -> None:
    asked, reply = sent(chat_by_listed_name)["model"], chat_by_listed_name.document
    expect(reply.get("model") == asked, chat_by_listed_name, f"{show(asked)} is answered as {show(reply.get('model'))}")
    others = [chunk.get("model") for chunk in stream_by_listed_name.chunks if chunk.get("model") != asked]
    expect(not others, stream_by_listed_name, f"{show(asked)} is streamed as {show(others[:1])}")


def _model(exchange: Exchange) -> str:
    return f"model {show(sent(exchange).get('model'))}"


def _other_than(statuses: tuple[int, ...], tries: Tries) -> list[Violation]:
    return [Violation(x, f"{told}: {x.seen}") for told, x in tries.items() if x.status not in statuses]
