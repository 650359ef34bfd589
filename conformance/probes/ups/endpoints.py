"""Embeddings and completions that are to reach a scripted provider as they were sent, and their answers the client."""

import json
from typing import Any

from conformance.probe import probe
from conformance.probes.completions import PATH as COMPLETIONS
from conformance.probes.embeddings import PATH as EMBEDDINGS
from conformance.probes.embeddings import embedder
from conformance.probes.ups.answers import LETTERS
from conformance.probes.upstream import CAP
from conformance.sending.gateway import Gateway
from conformance.sending.upstream import Answer, Told, told_by

BEFORE, BEHIND = "  \n", "\n\tGrüße,\r\n日本 \ufb01 e\u0301 ①\n\n\n  <b>&amp;</b>" + " and so on" * 400 + " \n"
"""What stands before and behind the script in a text: all of which careless hands lose something."""
VECTOR = [0.0123456789, -0.98765432, 3.0517578e-05, 0.5]
TEXT = "".join(LETTERS)
USAGE = {"prompt_tokens": 1234, "total_tokens": 1234}


@probe()
async def scripted_embeddings(gateway: Gateway) -> Told:
    """A text that is to be embedded, and its vector."""
    model = await embedder(gateway)
    row = {"object": "embedding", "index": 0, "embedding": VECTOR}
    body = json.dumps({"object": "list", "data": [row], "model": model, "usage": USAGE})

    def asking(script: str) -> dict[str, Any]:
        return {"model": model, "input": f"{BEFORE}{script}{BEHIND}"}

    return await told_by(gateway, "embeddings", asking, {"body": body}, path=EMBEDDINGS)


@probe()
async def scripted_completions(gateway: Gateway) -> dict[str, Told]:
    """A prompt that is to be gone on with, and how it goes on: whole, and in pieces."""
    model = gateway.target.completions_model or gateway.facts.model
    choice: dict[str, Any] = {"index": 0, "logprobs": None, "finish_reason": None}
    head = {"id": "cmpl-scripted", "object": "text_completion", "created": 1_700_000_000, "model": model}
    ended = choice | {"text": "", "finish_reason": "stop"}
    usage = USAGE | {"completion_tokens": 0}
    whole = json.dumps(head | {"choices": [ended | {"text": TEXT}], "usage": usage})
    pieces = [head | {"choices": [choice | {"text": piece}]} for piece in LETTERS]
    answer: Answer = {"body": whole, "chunks": [*pieces, head | {"choices": [ended]}]}
    found: dict[str, Told] = {}
    for case, fields in {"plain": {}, "streamed": {"stream": True}}.items():

        def asking(script: str, fields: dict[str, Any] = fields) -> dict[str, Any]:
            return {"model": model, "prompt": f"{BEFORE}{script}{BEHIND}", "max_tokens": CAP} | fields

        found[case] = await told_by(gateway, case, asking, answer, path=COMPLETIONS)
    return found
