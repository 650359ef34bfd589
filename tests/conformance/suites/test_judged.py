"""The helper that the tests of the suites stand on."""

from conformance.verdict import Verdict

from .defects import Answer, Asked, changed
from .judged import altered, gateway_app, judge, judge_url, red


def test_a_correct_gateway_has_no_red_requirement() -> None:
    assert red(judge(gateway_app(), "LIST", "MODEL-003")) == {}


def test_a_defect_is_seen_by_its_requirement_alone() -> None:
    def without_object(asked: Asked, answer: Answer) -> Answer:
        if asked.path != "/v1/models":
            return answer
        return answer.with_json({"data": answer.json["data"]})

    judged = judge(changed(gateway_app(), without_object), "LIST")
    assert {id: said.verdict for id, said in red(judged).items()} == {"LIST-001": Verdict.FAIL}


def test_a_defect_below_http_is_served_too() -> None:
    with altered(gateway_app(), lambda _, data: data.replace(b'"object":"list"', b'"object":"lost"')) as url:
        assert list(red(judge_url(f"{url}/v1", "LIST"))) == ["LIST-001"]
