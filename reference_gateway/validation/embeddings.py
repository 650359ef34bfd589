"""POST /embeddings."""

from collections.abc import Mapping

from reference_gateway.call import Json
from reference_gateway.validation.checks import Check, Integer, OneOf, Text, check_fields, invalid, require
from reference_gateway.validation.completions import check_texts

FIELDS: Mapping[str, Check] = {
    "encoding_format": OneOf(("float", "base64")),
    "dimensions": Integer(1),
    "user": Text(),
}
MAX_INPUTS = 2048


def check_embeddings(body: Json, native_dimensions: int | None) -> None:
    """`native_dimensions` is how many the model has; None if nobody here knows."""
    texts = require(body, "input")
    check_texts(texts, "input", MAX_INPUTS)
    if texts == "" or (isinstance(texts, list) and "" in texts):
        raise invalid("input", "it must not hold an empty string.", "empty_string")
    check_fields(body, FIELDS)
    wanted = body.get("dimensions")
    if wanted is not None and native_dimensions is not None and wanted > native_dimensions:
        raise invalid("dimensions", f"the model has {native_dimensions}.", "integer_above_max_value")
