"""The loader: what its sentences say, what they hide from the terminal, and that nothing a gateway sends upsets it."""

import json
import re
import subprocess
import sys
import time

import pytest

import schemas


def completion(**changed: object) -> dict[str, object]:
    message = {"role": "assistant", "content": "Hi"}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 1760000000,
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        **changed,
    }


@pytest.mark.parametrize(
    ("name", "document", "sentence"),
    [
        ("chat_completion.lenient", [], "(root): expected an object, saw []"),
        ("chat_completion.lenient", completion(object="x"), 'object: expected "chat.completion", saw "x"'),
        ("chat_completion.lenient", completion(choices=[]), "choices: expected an array that is not empty, saw []"),
        ("chat_completion.lenient", completion(model=""), 'model: expected a string that is not empty, saw ""'),
        ("chat_completion.lenient", completion(created=True), "created: expected an integer, saw true"),
        ("chat_completion.lenient", completion(usage=5), "usage: expected null or an object, saw 5"),
        ("chat_delta.lenient", {"content": 5}, "content: expected a string or null, saw 5"),
        ("chat_delta.lenient", {"tool_calls": [{}]}, "tool_calls[0].index: missing"),
        ("tool_call_delta.lenient", {"index": -1}, "index: expected 0 or more, saw -1"),
        ("tool_call_delta.lenient", {"index": 0, "type": None}, 'type: expected "function", saw null'),
        ("tool_call.lenient", {"id": "1", "type": "x", "function": None}, "function: expected an object, saw null"),
        (
            "logprobs.lenient",
            {"content": [{"token": "a", "logprob": 0, "bytes": [256]}]},
            "content[0].bytes[0]: expected 255 or less, saw 256",
        ),
        (
            "chat_completion.strict",
            completion(choices=[], service_tier="on_demand"),
            'service_tier: expected one of "auto", "default", "flex", "scale", "priority", "fast", null, '
            'saw "on_demand"',
        ),
    ],
)
def test_a_sentence_says_where_what_was_expected_and_what_was_seen(name, document, sentence):
    assert sentence in schemas.violations(name, document)


def test_a_choice_is_told_as_its_nearest_alternative():
    usage = {"prompt_tokens": 1, "completion_tokens": "2", "total_tokens": 3}
    assert schemas.violations("chat_completion.lenient", completion(usage=usage)) == [
        'usage.completion_tokens: expected an integer, saw "2"'
    ]


def test_one_defect_is_one_sentence_though_strict_meets_it_twice():
    models = {"object": "list", "data": [{"id": "", "object": "model", "created": 1, "owned_by": "x"}]}
    assert len(schemas.violations("models_list.strict", models)) == 1


def test_sentences_are_sorted_by_path_with_indexes_as_numbers_and_limited():
    models = {"object": "list", "data": [{"object": "model"}] * 12}
    assert schemas.violations("models_list.lenient", models) == [f"data[{i}].id: missing" for i in range(5)]
    every = schemas.violations("models_list.lenient", models, limit=50)
    assert every == [f"data[{i}].id: missing" for i in range(12)]


def test_what_other_requirements_judge_can_be_left_to_them():
    choices = [{"index": 0, "message": {"role": "user", "content": 5}, "finish_reason": "eos"}]
    leaving = ["choices[].finish_reason", "choices[].message"]
    document = completion(choices=choices, created="x")
    assert schemas.violations("chat_completion.lenient", document, leaving=leaving) == [
        'created: expected an integer, saw "x"'
    ]


def test_leaving_a_place_leaves_a_missing_member_too():
    assert schemas.violations("chat_delta.lenient", {"tool_calls": [{}]}, leaving=["tool_calls[].index"]) == []


def test_values_are_clipped_and_can_not_command_a_terminal():
    nasty = "\x1b[31m\r\n\x00\u202e\u2028\ud83d\x7f\U000e0001" + "x" * 100_000
    (sentence,) = schemas.violations("chat_completion.lenient", completion(object=nasty))
    assert len(sentence) < 200
    assert sentence.isprintable()
    assert sentence.encode().decode() == sentence
    assert sentence.endswith("x…")


def test_members_with_odd_names_are_quoted_and_escaped():
    document = {"tokens": [], "top_logprobs": [{"a\x1b b": "x", "": "y", "k" * 500: "z"}]}
    choice = {"index": 0, "text": "", "finish_reason": "stop", "logprobs": document}
    found = schemas.violations("completion.lenient", {**completion(object="text_completion"), "choices": [choice]})
    assert found[0] == 'choices[0].logprobs.top_logprobs[0][""]: expected a number or null, saw "y"'
    assert found[1] == ('choices[0].logprobs.top_logprobs[0]["a\\u001b b"]: expected a number or null, saw "x"')
    assert all(len(sentence) < 250 and sentence.isprintable() for sentence in found)


def test_containers_are_shown_as_json():
    (sentence,) = schemas.violations("chat_delta.lenient", {"content": [{"type": "text", "n": [1, None, True, 1.5]}]})
    assert sentence == 'content: expected a string or null, saw [{"type": "text", "n": [1, null, true, 1.5]}]'
    (sentence,) = schemas.violations("chat_delta.lenient", {"content": {"a": list(range(10**6))}})
    assert len(sentence) < 150


def test_nan_and_infinity_are_shown_as_they_were_sent():
    (sentence,) = schemas.violations("chat_delta.lenient", json.loads('{"content": [NaN, -Infinity]}'))
    assert sentence.endswith("saw [NaN, -Infinity]")


def test_deep_nesting_does_not_upset_it():
    deep: object = 5
    for _ in range(100_000):
        deep = [deep]
    (sentence,) = schemas.violations("chat_delta.lenient", {"content": deep})
    assert len(sentence) < 200


def test_an_unknown_schema_is_refused_with_what_there_is():
    with pytest.raises(LookupError, match=re.escape("no schema 'chat'; there are: chat_chunk.lenient, ")):
        schemas.violations("chat", {})
    with pytest.raises(LookupError):
        schemas.validator("common")


def test_a_validator_is_compiled_once():
    assert schemas.validator("usage.lenient") is schemas.validator("usage.lenient")
    assert schemas.validator("usage.lenient").is_valid({"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2})


def test_a_long_embedding_costs_little_and_a_bad_number_in_it_is_found():
    def answer(last: object) -> dict[str, object]:
        vectors = [{"object": "embedding", "index": i, "embedding": [0.1] * 1535 + [last]} for i in range(100)]
        return {"object": "list", "model": "m", "data": vectors}

    def judged(last: object) -> tuple[float, list[str]]:
        begun = time.process_time()
        found = schemas.violations("embeddings.lenient", answer(last), limit=1)
        return time.process_time() - begun, found

    schemas.validator("embeddings.lenient")
    (at_a_stride_s, right), (one_by_one_s, wrong) = judged(1), judged(True)
    assert (right, wrong) == ([], ["data[0].embedding[1535]: expected a number, saw true"])
    assert 4 * at_a_stride_s < one_by_one_s


def test_the_package_imports_nothing_of_ours_and_compiles_nothing_until_asked():
    code = """
import schemas, sys
ours = {"conformance", "reference_gateway", "load", "locust", "httpx", "pytest"} & set(sys.modules)
assert not ours, ours
assert schemas.loader.validator.cache_info().currsize == 0
"""
    subprocess.run([sys.executable, "-c", code], check=True)
