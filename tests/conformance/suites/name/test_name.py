"""Each check of NAME fires on a gateway with one defect, and on no gateway that keeps to some reading of the rule."""

import re
import unicodedata
from dataclasses import replace
from urllib.parse import unquote

import pytest
from starlette.types import ASGIApp

from conformance.names import READINGS, VENDOR, Standing, standing
from conformance.verdict import Verdict
from reference_gateway.app import create_app
from reference_gateway.config import default_config, with_settings
from reference_gateway.gateway import Gateway

from ..defects import Answer, Asked, before, changed
from ..judged import KEY, gateway_app
from .naming import (
    SERVED,
    WORKSPACE,
    Act,
    Edit,
    as_stream,
    as_text,
    chats,
    entity,
    failing,
    instead_of_422,
    judged,
    known,
    listed,
    model,
    only,
    re_homed,
    refusal,
    refuses,
    renamed,
    rewrites,
    rewrites_entity,
    takes,
    unicode_letters,
    when,
    with_model,
)

BAD = {f"NAME-{number:03}" for number in (5, 6, 8, 9, 10, 11, 12, 13, 14, 16, 18, 19, 30)}

ON_REQUESTS: dict[str, tuple[Act, set[str]]] = {
    "takes underscores": (takes("[a-z0-9_-]{2,63}"), {"NAME-010"}),
    "takes underscores for hyphens": (rewrites_entity(lambda name: name.replace("_", "-")), {"NAME-010"}),
    "takes dots": (takes("[a-z0-9.-]{2,63}"), {"NAME-011"}),
    "rewrites dots, as for vendor ids": (rewrites_entity(lambda name: name.replace(".", "-")), {"NAME-011"}),
    "takes a plus": (takes("[a-z0-9+-]{2,63}"), {"NAME-012"}),
    "takes a colon": (takes("[a-z0-9:-]{2,63}"), {"NAME-012"}),
    "takes a tilde": (takes("[a-z0-9~-]{2,63}"), {"NAME-012"}),
    "takes a percent sign": (takes("[a-z0-9%-]{2,63}"), {"NAME-012", "NAME-017"}),
    "does not anchor the pattern's end": (
        takes("(?s)[a-z0-9-]{2,63}[^/a-z0-9-].*"),
        {"NAME-009", "NAME-010", "NAME-011", "NAME-012", "NAME-013", "NAME-016", "NAME-017"},
    ),
    "takes upper case": (takes("[A-Za-z0-9-]{2,63}"), {"NAME-009"}),
    "folds ASCII case": (rewrites_entity(lambda name: name.lower() if name.isascii() else name), {"NAME-009"}),
    "folds case in the whole id": (rewrites(str.lower), {"NAME-009", "NAME-016", "NAME-024"}),
    "ignores case as Unicode does": (takes("[a-z0-9-]{2,63}", re.IGNORECASE), {"NAME-009", "NAME-016"}),
    "takes one trailing line feed": (takes("[a-z0-9-]{2,63}\n"), {"NAME-013"}),
    "trims names": (rewrites_entity(str.strip), {"NAME-013"}),
    "trims ids": (rewrites(str.strip), {"NAME-013"}),
    "takes spaces": (takes("[a-z0-9 -]{2,63}"), {"NAME-013"}),
    "takes NUL": (takes("[a-z0-9\0-]{2,63}"), {"NAME-013"}),
    "takes what Unicode calls letters": (unicode_letters, {"NAME-016"}),
    "takes what Unicode calls digits": (takes(r"[a-z\d-]{2,63}"), {"NAME-016"}),
    "normalises compatibility forms": (rewrites(lambda id: unicodedata.normalize("NFKC", id)), {"NAME-016"}),
    "drops what is invisible": (rewrites(lambda id: re.sub("[\u00ad\u200b\u200d]", "", id)), {"NAME-016"}),
    "crashes on an emoji": (lambda asked: refusal(500) if "\N{GRINNING FACE}" in model(asked) else None, {"NAME-016"}),
    "decodes percent sequences": (rewrites(unquote), {"NAME-017"}),
    "takes the last segment": (
        rewrites(lambda id: f"{WORKSPACE}/{id.rpartition('/')[2]}" if "/" in id else id),
        {"NAME-006", "NAME-014", "NAME-024"},
    ),
    "trims slashes": (rewrites(lambda id: id.strip("/")), {"NAME-014", "NAME-015"}),
    "collapses slashes": (rewrites(lambda id: re.sub("/+", "/", id)), {"NAME-014"}),
    "drops the workspace twice": (
        rewrites(lambda id: id.replace(f"{WORKSPACE}/{WORKSPACE}/", f"{WORKSPACE}/")),
        {"NAME-014"},
    ),
    "has a default model": (
        when(lambda asked: asked.object.get("model") in ("", "/"), rewrites(lambda id: SERVED)),
        {"NAME-015"},
    ),
    "has no upper limit": (takes("[a-z0-9-]{64,}"), {"NAME-008"}),
    "takes 64 characters": (takes("[a-z0-9-]{64}"), {"NAME-008"}),
    "takes one character": (takes("[a-z0-9]"), {"NAME-008"}),
    "refuses two characters": (refuses("[a-z0-9-]{2}"), {"NAME-008"}),
    "refuses 63 characters": (refuses("[a-z0-9-]{63}"), {"NAME-008", "NAME-021"}),
    "counts the whole id": (
        lambda asked: refusal(422) if len(model(asked)) > 63 else None,
        {"NAME-008", "NAME-021"},
    ),
    "refuses a digit after a hyphen": (refuses("[a-z0-9-]*-[0-9].*"), {"NAME-021"}),
    "refuses z": (refuses("abcdefghijklmnopqrstuvwxyz.*"), {"NAME-021"}),
    "answers 400 to long good names": (
        lambda asked: refusal(400) if re.fullmatch("[a-z0-9-]{50,63}", entity(asked)) else None,
        {"NAME-008", "NAME-021"},
    ),
    "calls unknown names ill-formed": (
        lambda asked: refusal(422) if entity(asked) and not known(asked) else None,
        {"NAME-007", "NAME-008", "NAME-020", "NAME-021", "NAME-040"},
    ),
    "serves a default for unknown names": (
        rewrites_entity(lambda name: "mock-small" if len(name) > 3 and standing(name) is Standing.VALID else name),
        {"NAME-007", "NAME-034", "NAME-040"},
    ),
    "crashes on a model that is no string": (
        lambda asked: refusal(500) if "model" in asked.object and not isinstance(asked.object["model"], str) else None,
        {"NAME-022"},
    ),
    "takes the first of a list of models": (
        lambda asked: (
            with_model(asked, asked.object["model"][0])
            if asked.object.get("model") and isinstance(asked.object["model"], list)
            else None
        ),
        {"NAME-022"},
    ),
    "calls numbers unknown models": (
        lambda asked: refusal(404) if asked.object.get("model") in (1, True) else None,
        {"NAME-022"},
    ),
    "ignores the workspace": (re_homed, {"NAME-006", "NAME-024"}),
    "rewrites the vendor's id": (
        rewrites(lambda id: f"{WORKSPACE}/meta-llama-3-3-70b-instruct" if id == VENDOR else id),
        {"NAME-005", "NAME-028", "NAME-029"},
    ),
    "rewrites the vendor's id in streams": (
        when(lambda asked: asked.streams, rewrites(lambda id: SERVED if id == VENDOR else id)),
        {"NAME-029"},
    ),
    "calls the vendor's id unknown": (
        lambda asked: refusal(404) if model(asked) == VENDOR else None,
        {"NAME-005", "NAME-028", "NAME-029"},
    ),
    "has no rule for streams": (
        when(lambda asked: asked.streams and model(asked) and not known(asked), lambda asked: refusal(404)),
        {"NAME-020", "NAME-029"},
    ),
    "takes underscores in streams": (when(lambda asked: asked.streams, takes("[a-z0-9_-]{2,63}")), {"NAME-029"}),
    "serves bare names only": (
        when(
            lambda asked: model(asked).startswith(f"{WORKSPACE}/"), lambda asked: refusal(404) if known(asked) else None
        ),
        {"NAME-001", "NAME-033", "NAME-034"},
    ),
}


@pytest.mark.parametrize("defect", ON_REQUESTS)
def test_a_gateway_that(defect: str) -> None:
    act, expected = ON_REQUESTS[defect]
    assert failing(before(gateway_app(), act)) == expected


ON_ANSWERS: dict[str, tuple[Edit, set[str]]] = {
    "answers 400 instead of 422": (
        instead_of_422(400),
        {*BAD, "NAME-015", "NAME-017", "NAME-020", "NAME-024", "NAME-025", "NAME-028", "NAME-029", "NAME-035"},
    ),
    "answers 404 instead of 422": (
        instead_of_422(404),
        {*BAD, "NAME-015", "NAME-017", "NAME-022", "NAME-028", "NAME-029"},
    ),
    "explains bad names in plain text": (as_text, {"NAME-028", "NAME-029"}),
    "explains names with an emoji in plain text": (
        only(lambda asked: "\N{GRINNING FACE}" in model(asked), as_text),
        {"NAME-028"},
    ),
    "answers 400 to bad names in streams": (only(lambda asked: asked.streams, instead_of_422(400)), {"NAME-029"}),
    "says in a stream that the name is bad": (only(lambda asked: asked.streams, as_stream), {"NAME-029"}),
    "lists a bare name": (listed(lambda id: id.partition("/")[2]), {"NAME-002", "NAME-040"}),
    "lists three segments": (listed(lambda id: id + "/v1"), {"NAME-002", "NAME-040"}),
    "lists an empty segment": (listed(lambda id: f"{WORKSPACE}/"), {"NAME-002", "NAME-040"}),
    "answers in the provider's name": (only(chats, renamed), {"NAME-034"}),
    "streams in the provider's name": (only(lambda asked: chats(asked) and asked.streams, renamed), {"NAME-034"}),
}


@pytest.mark.parametrize("defect", ON_ANSWERS)
def test_a_gateway_that_in_its_answers(defect: str) -> None:
    edit, expected = ON_ANSWERS[defect]
    assert failing(changed(gateway_app(), edit)) == expected


def test_an_empty_name_may_cost_400_and_a_leading_slash_404_but_not_silently() -> None:
    def loose(asked: Asked) -> Answer | None:
        if asked.object.get("model") in ("", "/", f"{WORKSPACE}/"):
            return refusal(400)
        return refusal(404) if model(asked).startswith("/") else None

    found = judged(before(gateway_app(), loose))
    assert {id: said.verdict for id, said in found.items()} == {"NAME-014": Verdict.WARN, "NAME-015": Verdict.WARN}


def test_another_name_in_the_answer_is_a_warning() -> None:
    assert judged(changed(gateway_app(), only(chats, renamed)))["NAME-034"].verdict is Verdict.WARN


def test_the_name_and_the_answer_stand_in_the_sentence() -> None:
    said = judged(before(gateway_app(), takes("[a-z0-9_-]{2,63}")))["NAME-010"].message
    assert re.match(r'model "default/ab_\w+" \(underscore\): HTTP 404 application/json: \{"detail": "no"\}; ', said)


# What is right must stay green


def following(pattern: str) -> ASGIApp:
    config = replace(
        with_settings(default_config(), {"ttft_s": 0.0, "itl_s": 0.0}), entity_name_pattern=re.compile(pattern)
    )
    return create_app(Gateway.open(config, tokens=[KEY], seed=1))


@pytest.mark.parametrize("reading", READINGS)
def test_every_reading_of_the_rule_passes(reading: str) -> None:
    """What is warned of are hyphens at the ends, which some readings take."""
    warned = {id for id, name in (("NAME-018", "-a"), ("NAME-019", "a-")) if re.fullmatch(READINGS[reading], name)}
    found = judged(following(READINGS[reading]))
    assert {id: said.verdict for id, said in found.items()} == dict.fromkeys(warned, Verdict.WARN)
    pattern = READINGS[reading]
    assert judged(following(pattern), "NAME", entity_name_pattern=pattern) == {}


def test_what_the_platform_really_takes_is_told_apart() -> None:
    deployed = r"[a-z](?!.*--)[a-z0-9\-@.+_]{1,62}(?<!-)\n?"
    assert set(judged(following(deployed))) == {"NAME-010", "NAME-011", "NAME-012", "NAME-013"}


def test_lists_and_models_are_right_by_this_profile() -> None:
    assert judged(gateway_app(), "LIST", "MODEL") == {}


def test_a_foreign_workspace_may_be_unknown_or_forbidden() -> None:
    for status in (403, 404):
        app = before(
            gateway_app(),
            lambda asked, status=status: refusal(status) if "gateproof-" in model(asked).partition("/")[0] else None,
        )
        assert judged(app) == {}
