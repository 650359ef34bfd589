"""Makes a JSON value that a JSON Schema (Draft 2020-12) allows, and makes sure of it with jsonschema."""

import json
import re
from contextlib import suppress
from functools import lru_cache
from random import Random
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from referencing.exceptions import Unresolvable
from referencing.jsonschema import EMPTY_REGISTRY

from reference_gateway.backends.simulator.examples.merge import Impossible, Schema
from reference_gateway.backends.simulator.examples.values import ValueMaker

_ATTEMPTS = 30
_MOST_WORK = 5000
"""Values begun in vain, over all attempts, after which the search ends: others wait on the event loop."""
_UNFIT = (RecursionError, re.error, ArithmeticError, LookupError, TypeError, ValueError, AttributeError)
"""What a schema can raise that is well-formed by the letter and yet not to be worked with."""


class NoExample(ValueError):
    """The schema is no schema, or no value was found that it allows; the text tells which, for the client to read."""


def example(schema: Schema, rng: Random) -> Any:
    """A value that `schema` allows, the same for the same state of `rng`. Raises NoExample."""
    try:
        validator = _validator(json.dumps(schema, sort_keys=True))
        work = 0
        for attempt in range(_ATTEMPTS):
            maker = ValueMaker(schema, rng, whole=attempt % 2 == 0)
            with suppress(Impossible):
                value = maker.make(schema)
                if validator.is_valid(value):
                    return value
            work += maker.made
            if work > _MOST_WORK:
                break
    except SchemaError as problem:
        raise NoExample(f"it is not a valid JSON Schema: {problem.message}") from None
    except Unresolvable as problem:
        raise NoExample(f"a reference can't be resolved: {problem.ref}") from None
    except _UNFIT as problem:
        raise NoExample(f"it can't be worked with ({type(problem).__name__})") from None
    raise NoExample("no value that it allows was found")


@lru_cache(maxsize=128)
def _validator(schema: str) -> Draft202012Validator:
    decoded = json.loads(schema)
    Draft202012Validator.check_schema(decoded)
    return Draft202012Validator(
        decoded, registry=EMPTY_REGISTRY, format_checker=Draft202012Validator.FORMAT_CHECKER
    )  # an empty registry: nothing is ever fetched
