"""The schema files themselves: valid 2020-12, every reference leads somewhere, strict only adds to lenient."""

import json
from collections.abc import Iterator
from importlib import resources
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

import schemas

files = {
    file.name: json.loads(file.read_text(encoding="utf-8"))
    for file in resources.files(schemas).iterdir()
    if file.name.endswith(".json")
}
registry: Registry[Any] = Registry().with_resources(
    (name, Resource.from_contents(document)) for name, document in files.items()
)
pairs = [
    "model",
    "models_list",
    "chat_completion",
    "chat_message",
    "tool_call",
    "chat_chunk",
    "chat_delta",
    "tool_call_delta",
    "usage",
    "logprobs",
    "completion",
    "completion_chunk",
    "embeddings",
    "error",
    "provider_list",
    "response",
    "response_item",
    "response_usage",
]
single = [
    "chat_chunk_azure",
    "error_detail",
    "error_foreign",
    "error_watsonx",
    "load",
    "report",
    "response_event",
    "script",
]


def places(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        yield from places(child)


def test_names_are_the_files_without_the_shared_definitions():
    assert schemas.names() == sorted([f"{pair}.{side}" for pair in pairs for side in ("lenient", "strict")] + single)
    assert {f"{name}.json" for name in schemas.names()} | {"common.json"} == set(files)


@pytest.mark.parametrize("name", sorted(files))
def test_every_file_is_a_valid_schema_with_a_title(name):
    assert files[name]["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert files[name]["title"]
    Draft202012Validator.check_schema(files[name])


@pytest.mark.parametrize("name", sorted(files))
def test_every_reference_leads_to_a_schema_and_stands_alone(name):
    for place in places(files[name]):
        if "$ref" in place:
            assert list(place) == ["$ref"]
            assert isinstance(registry.resolver(name).lookup(place["$ref"]).contents, dict)


def test_every_shared_definition_is_used():
    used = {place["$ref"] for document in files.values() for place in places(document) if "$ref" in place}
    unused = [
        name for name in files["common.json"]["$defs"] if not used & {f"common.json#/$defs/{name}", f"#/$defs/{name}"}
    ]
    assert unused == []


@pytest.mark.parametrize("pair", pairs)
def test_strict_is_all_of_lenient_and_more(pair):
    assert files[f"{pair}.strict.json"]["allOf"] == [{"$ref": f"{pair}.lenient.json"}]


@pytest.mark.parametrize("pair", pairs)
def test_neither_side_closes_the_objects_of_openai(pair):
    for side in ("lenient", "strict"):
        for place in places(files[f"{pair}.{side}.json"]):
            assert place.get("additionalProperties") is not False
            assert "unevaluatedProperties" not in place
