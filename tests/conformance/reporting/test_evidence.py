"""What a report holds of the exchanges that show a failure."""

import schemas
from conformance.verdict import Verdict
from tests.conformance.rendering.pages import EVENTS, KEY, broken, built, judged, mixed, stream


def test_a_report_says_what_breaks_where_it_comes_from_and_how_to_send_it_again() -> None:
    document = mixed()
    assert schemas.violations("report", document) == []
    rows = {row["id"]: row for row in document["requirements"]}
    assert all(row["source"] and row["breaks"] for row in rows.values())
    [evidence] = rows["CHAT-018"]["evidence"]
    assert 'os.environ["API_KEY"]' in evidence["python"]
    assert KEY not in str(document)
    assert evidence["response"]["headers_s"] == 0.1
    assert "events" not in evidence["response"], "it is no stream"
    assert "python" not in rows["LIST-001"]["evidence"][0], "it is kept"


def test_a_stream_has_its_first_and_last_events_with_their_arrival() -> None:
    [row] = built([judged("STREAM-001", Verdict.FAIL, "seen", "x1")], [stream("x1")])["requirements"]
    response = row["evidence"][0]["response"]
    assert [event["n"] for event in response["events"]] == [*range(1, 13), *range(EVENTS - 7, EVENTS + 1)]
    assert response["events_left_out"] == EVENTS - 20
    assert response["events"][0]["at_s"] == 0.1
    assert response["events"][-1] == {"n": EVENTS, "at_s": 1.48, "text": "data: [DONE]"}


def test_a_short_stream_has_all_its_events() -> None:
    [row] = built([judged("STREAM-001", Verdict.FAIL, "seen", "x1")], [stream("x1", 3)])["requirements"]
    response = row["evidence"][0]["response"]
    assert len(response["events"]) == 3
    assert response["events_left_out"] == 0


def test_a_report_in_which_all_is_broken_is_valid() -> None:
    assert schemas.violations("report", broken()) == []
