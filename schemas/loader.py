"""Holds a document against a schema of this folder and says in plain sentences what is wrong with it.

Lives here: reading, resolving and compiling the schemas, and wording what they find. What JSON Schema can't see is
judged elsewhere, on the raw text: `integer` accepts 1.0, `number` accepts NaN, and of duplicate keys one is left.
"""

import json
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from importlib import resources
from itertools import islice
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from referencing import Registry, Resource

Path = tuple[str | int, ...]
Violation = tuple[Path, str]

annotations = {"$schema", "$comment", "$defs"}
shared = "common"  # definitions only: no document of its own
shown = 80  # characters of a value or a name that a sentence quotes
considered = 1000  # violations of one document that are looked at before the first few are told


def names() -> list[str]:
    """What a document can be held against: "chat_chunk.lenient", "report", …"""
    return sorted(name for name in _documents() if name != shared)


@cache
def validator(name: str) -> Validator:
    """The compiled schema `name`. Its references are resolved here, once, so that checking pays for none."""
    if name not in names():
        raise LookupError(f"there is no schema {name!r}; there are: {', '.join(names())}")
    found = _registry().resolver().lookup(f"{name}.json")
    return _Checker(_resolve(found.contents, found.resolver))


def violations(name: str, instance: Any, limit: int = 5, *, leaving: Collection[str] = ()) -> list[str]:
    """At most `limit` sentences, sorted by path, like `choices[0].message.role: expected "assistant", saw "user"`.

    `leaving` names the places which other requirements judge, so that one defect is one failure: a path whose
    indexes are left blank, such as "choices[].finish_reason", leaves that place and everything below it.
    """
    try:
        errors = list(islice(validator(name).iter_errors(instance), considered))
    except RecursionError:
        return ["(root): nested too deeply to be checked"]
    told = dict(violation for error in errors for violation in _explain(error))  # one sentence a place, the strictest
    kept = sorted((path for path in told if not _left(path, leaving)), key=_order)
    return [f"{_spell(path)}: {told[path]}" for path in kept[:limit]]


def recognise(name: str, instance: Any) -> str | None:
    """The title of the first alternative (`anyOf`) of schema `name` that the document fits, if it fits the rest."""
    checker = validator(name)
    if not checker.is_valid(instance):
        return None
    alternatives = cast(dict[str, Any], checker.schema)["anyOf"]
    return next(str(each["title"]) for each in alternatives if _Checker(each).is_valid(instance))


# --- reading and resolving ---------------------------------------------------------------------------------------


@cache
def _documents() -> dict[str, Any]:
    folder = resources.files(__package__)
    return {
        file.name.removesuffix(".json"): json.loads(file.read_text(encoding="utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".json")
    }


@cache
def _registry() -> Registry[Any]:
    pairs = ((f"{name}.json", Resource.from_contents(document)) for name, document in _documents().items())
    return Registry[Any]().with_resources(pairs)


def _resolve(schema: Any, resolver: Any) -> Any:
    """The schema with every reference replaced by what it names. None of ours refers to itself."""
    if isinstance(schema, list):
        return [_resolve(each, resolver) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        found = resolver.lookup(schema["$ref"])
        return _resolve(found.contents, found.resolver)
    return {key: _resolve(value, resolver) for key, value in schema.items() if key not in annotations}


def _items(checker: Any, items: Any, instance: Any, schema: Any) -> Iterable[ValidationError]:
    """The keyword `items`, at a stride where every item is a plain number: an embedding has thousands of them."""
    if items == {"type": "number"} and isinstance(instance, list) and {*map(type, instance)} <= {int, float}:
        return ()
    return Draft202012Validator.VALIDATORS["items"](checker, items, instance, schema) or ()


_Checker: type[Validator] = extend(Draft202012Validator, {"items": _items})  # type: ignore[no-untyped-call]  # the stubs leave it bare


# --- wording -----------------------------------------------------------------------------------------------------

articles = {"array": "an array", "integer": "an integer", "object": "an object", "null": "null"}


def _explain(error: ValidationError) -> Iterator[Violation]:
    """The places and sentences of one error: an error about members is told at the members, a choice as its best."""
    path: Path = tuple(error.absolute_path)
    keyword, wanted, seen = str(error.validator), cast(Any, error.validator_value), cast(Any, error.instance)
    if keyword == "required":
        yield from (((*path, member), "missing") for member in wanted if member not in seen)
    elif keyword == "additionalProperties":
        known = cast(dict[str, Any], error.schema).get("properties", {})
        yield from (((*path, member), "not expected here") for member in seen if member not in known)
    elif keyword in ("anyOf", "oneOf") and error.context:
        yield from _explain_choice(error)
    else:
        yield path, f"expected {_expectation(keyword, wanted)}, saw {_show(seen)}"


def _explain_choice(error: ValidationError) -> Iterator[Violation]:
    """What is wrong with the alternative that came nearest: of the right type, then with the fewest violations."""
    branches: dict[int, list[ValidationError]] = {}
    for each in error.context or ():
        branches.setdefault(int(each.relative_schema_path[0]), []).append(each)
    near = [errors for errors in branches.values() if not any(map(_is_wrong_type, errors))]
    if near:
        for each in min(near, key=len):
            yield from _explain(each)
    else:
        types = [_expectation("type", each.validator_value) for each in error.context or () if _is_wrong_type(each)]
        yield tuple(error.absolute_path), f"expected {_either(types)}, saw {_show(error.instance)}"


def _is_wrong_type(error: ValidationError) -> bool:
    return error.validator == "type" and not error.relative_path


def _expectation(keyword: str, wanted: Any) -> str:
    match keyword:
        case "type":
            kinds = [wanted] if isinstance(wanted, str) else wanted
            return _either(articles.get(kind, f"a {kind}") for kind in kinds)
        case "const":
            return _show(wanted)
        case "enum":
            return f"one of {', '.join(map(_show, wanted))}"
        case "minimum":
            return f"{wanted} or more"
        case "maximum":
            return f"{wanted} or less"
        case "minLength" if wanted == 1:
            return "a string that is not empty"
        case "minItems" if wanted == 1:
            return "an array that is not empty"
        case "pattern":
            return f"text like {wanted}"
    return f"{keyword} {_show(wanted)}"


def _either(words: Iterable[str]) -> str:
    return " or ".join(words)


def _spell(path: Path) -> str:
    """The path as JavaScript writes it: `choices[0].delta["odd name"]`."""
    spelt = ""
    for step in path:
        if isinstance(step, str) and step.isidentifier() and step.isascii() and len(step) <= shown:
            spelt += f".{step}"
        else:
            spelt += f"[{_show(step)}]"
    return spelt.removeprefix(".") or "(root)"


def _order(path: Path) -> list[tuple[int, str]]:
    return [(step, "") if isinstance(step, int) else (0, step) for step in path]


def _left(path: Path, leaving: Collection[str]) -> bool:
    if not leaving:
        return False
    starts = (path[:length] for length in range(1, len(path) + 1))
    return any(_spell_blank(start) in leaving for start in starts)


def _spell_blank(path: Path) -> str:
    return "".join("[]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def _show(value: object) -> str:
    """The value as JSON on one line, clipped; whatever a terminal could obey or not print is escaped."""
    text = ""
    for piece in _pieces(value):
        text += "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in piece)
        if len(text) > shown:
            return text[: shown - 1] + "…"
    return text


def _pieces(value: object) -> Iterator[str]:
    """The JSON text bit by bit, so that no more of a huge or deep value is spelt out than is shown."""
    if isinstance(value, str):
        yield json.dumps(value[: shown + 1], ensure_ascii=False)
    elif isinstance(value, dict):
        for number, (key, member) in enumerate(value.items()):
            yield "{" if number == 0 else ", "
            yield from _pieces(key)
            yield ": "
            yield from _pieces(member)
        yield "}" if value else "{}"
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield "[" if number == 0 else ", "
            yield from _pieces(item)
        yield "]" if value else "[]"
    else:
        yield json.dumps(value)
