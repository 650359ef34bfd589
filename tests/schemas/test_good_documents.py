"""What real gateways send and clients survive: good.json tells for each document where only strict objects."""

import json
from pathlib import Path

import pytest

import schemas

good = json.loads(Path(__file__).with_name("good.json").read_text(encoding="utf-8"))
every_good = pytest.mark.parametrize("case", good, ids=lambda case: f"{case['schema']}: {case['like']}")


@every_good
def test_lenient_accepts(case):
    assert schemas.violations(f"{case['schema']}.lenient", case["document"]) == []


@every_good
def test_strict_objects_at_exactly_these_places(case):
    found = schemas.violations(f"{case['schema']}.strict", case["document"], limit=100)
    assert [sentence.split(": ")[0] for sentence in found] == case["strict"]


def test_an_unknown_member_is_welcome_at_any_depth():
    document = {
        "id": "1",
        "object": "chat.completion.chunk",
        "created": 1760000000,
        "model": "m",
        "x": 1,
        "choices": [{"index": 0, "finish_reason": None, "x": 1, "delta": {"x": [{"y": None}]}}],
    }
    assert schemas.violations("chat_chunk.strict", document) == []


def test_azures_verdict_on_the_prompt_is_excused_by_its_own_schema_only():
    opening = {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": []}
    assert schemas.violations("chat_chunk_azure", opening) == []
    assert schemas.violations("chat_chunk.lenient", opening) == [
        'id: expected a string that is not empty, saw ""',
        'model: expected a string that is not empty, saw ""',
        'object: expected "chat.completion.chunk", saw ""',
    ]


def test_azures_schema_judges_the_other_chunks_as_usual():
    chunk = {"choices": [{"index": 0}], "created": 1, "id": "1", "model": "m", "object": ""}
    assert schemas.violations("chat_chunk_azure", chunk) == [
        "choices[0].delta: missing",
        'object: expected "chat.completion.chunk", saw ""',
    ]
