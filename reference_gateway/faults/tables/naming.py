"""Defects of a gateway whose model ids are workspace/entity, and entities follow a rule: names that are let through or
rewritten, and routes that lead to the wrong place. Patterns are those of whole entity names."""

import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from reference_gateway.faults.asgi import Act, Answer, Asked, Wrap, before, changed, with_request_id
from reference_gateway.faults.edits import never
from reference_gateway.faults.exchanges import given
from reference_gateway.faults.fault import table

NAMING = table("naming", "nemo")
ROUTING = table("routing", "nemo")
row = NAMING.add
WORKSPACE = "default"
SERVED = f"{WORKSPACE}/mock-small"
VENDOR = "meta/llama-3.3-70b-instruct"
BASE = f"/apis/inference-gateway/v2/workspaces/{WORKSPACE}/openai/-/v1"
ENTITY_ROUTE = BASE.replace("/openai/-", "/model/meta-llama-3-3-70b-instruct/-")
CONFIGURED = f"/apis/models/v2/workspaces/{WORKSPACE}/models"
KNOWN = {"meta-llama-3-3-70b-instruct", "mock-small", "gpt-4o-mini", "gpt-3-5-turbo-instruct"}
GOOD = re.compile("[a-z0-9][a-z0-9-]{0,61}[a-z0-9]")


def model(asked: Asked) -> str:
    """The model of a chat by the model in the body; an empty word for any other request."""
    found = asked.object.get("model") if asked.path == f"{BASE}/chat/completions" else None
    return found if isinstance(found, str) else ""


def entity(asked: Asked) -> str:
    return model(asked).removeprefix(f"{WORKSPACE}/")


def refusal(status: int, detail: str = "no") -> Answer:
    return with_request_id(Answer(status)).with_json({"detail": detail})


def with_model(asked: Asked, name: str) -> Asked:
    return replace(asked, body=json.dumps({**asked.object, "model": name}).encode())


def when(condition: Callable[[Asked], object], act: Act) -> Wrap:
    return lambda app: before(app, lambda asked: act(asked) if condition(asked) else None)


def takes(pattern: str, flags: int = 0) -> Wrap:
    """Names like this are well-formed as well: unknown, and no more."""

    def act(asked: Asked) -> Answer | None:
        name = entity(asked)
        is_bad = model(asked).startswith(f"{WORKSPACE}/") and not GOOD.fullmatch(name) and name == name.strip("-")
        return refusal(404) if is_bad and re.fullmatch(pattern, name, flags) else None

    return lambda app: before(app, act)


def refuses(pattern: str) -> Wrap:
    return when(lambda asked: re.fullmatch(pattern, entity(asked)), lambda asked: refusal(422))


def rewrites(edit: Callable[[str], str]) -> Wrap:
    """The model is edited before it is looked at."""
    return when(lambda asked: edit(model(asked)) != model(asked), lambda asked: with_model(asked, edit(model(asked))))


def rewrites_entity(edit: Callable[[str], str]) -> Wrap:
    return rewrites(
        lambda id: f"{WORKSPACE}/{edit(id.removeprefix(f'{WORKSPACE}/'))}" if id.startswith(f"{WORKSPACE}/") else id
    )


def answers(when: Callable[[Asked, Answer], Any], edit: Callable[[Answer], Answer]) -> Wrap:
    return lambda app: changed(app, lambda asked, x: edit(x) if when(asked, x) else None, streams=never)


def listed(edit: Callable[[str], str]) -> Wrap:
    """The first id of the list becomes another one, and goes to the end."""

    def change(answer: Answer) -> Answer:
        first, *rest = answer.json["data"]
        return answer.with_json({"object": "list", "data": [*rest, {**first, "id": edit(first["id"])}]})

    return answers(lambda asked, x: asked.path == f"{BASE}/models" and x.status == 200, change)


def at(path: str, act: Act) -> Wrap:
    """Where the path matches."""
    return when(lambda asked: re.search(path, asked.path), act)


def moved(asked: Asked, path: str) -> Asked:
    return replace(asked, path=path)


def re_homed(asked: Asked) -> Asked | None:
    workspace, slash, name = model(asked).partition("/")
    return with_model(asked, f"{WORKSPACE}/{name}") if workspace and slash else None


def configured(edit: Callable[[Any], Any]) -> Wrap:
    return answers(lambda asked, x: asked.path == CONFIGURED and x.status == 200, lambda x: x.with_json(edit(x.json)))


def dearer(answer: Answer) -> Answer:
    """The prompt costs a hundred tokens more."""
    if b'"prompt_tokens":' not in answer.body or answer.is_stream:
        return answer
    document = answer.json
    document["usage"]["prompt_tokens"] += 100
    document["usage"]["total_tokens"] += 100
    return answer.with_json(document)


# fmt: off
row("names-with-underscores", "NAME-010", takes("[a-z0-9_-]{2,63}"), "Names are stored that other tools refuse.",
    "the platform itself takes them")
row("names-underscores-as-hyphens", "NAME-010", rewrites_entity(lambda name: name.replace("_", "-")),
    "Two names stand for one model.")
row("names-with-dots", "NAME-011", takes("[a-z0-9.-]{2,63}"), "Vendor ids look well-formed.",
    "the platform itself takes them")
row("names-with-plus", "NAME-012", takes("[a-z0-9+-]{2,63}"), "Names are stored that URLs change.",
    "the platform itself takes them")
row("names-with-colons", "NAME-012", takes("[a-z0-9:-]{2,63}"), "Ids of other servers look well-formed.")
row("names-in-upper-case", "NAME-009", takes("[A-Za-z0-9-]{2,63}"), "Two names differ by their case only.")
row("names-case-folded", "NAME-009", rewrites_entity(lambda name: name.lower() if name.isascii() else name),
    "Two names stand for one model.")
row("names-with-a-line-feed", "NAME-013", takes("[a-z0-9-]{2,63}\n"), "Logs are broken by a name.",
    "the platform's own pattern ends with $, which lets a line feed through")
row("names-trimmed-here", "NAME-013 SEC-004", rewrites_entity(str.strip), "Two names stand for one model.")
row("names-with-unicode-digits", "NAME-016", takes(r"[a-z\d-]{2,63}"), "Names that look alike are not.",
    "\\d and isdigit()")
row("names-normalised", "NAME-016 SEC-003", rewrites(lambda id: unicodedata.normalize("NFKC", id)),
    "Rules by name are passed with a letter that looks like another.", "NFKC in routers")
row("names-ignoring-case-as-unicode", "NAME-009 NAME-016", takes("[a-z0-9-]{2,63}", re.IGNORECASE),
    "The Kelvin sign is a k.", "IGNORECASE")
row("names-percent-decoded", "NAME-017", rewrites(unquote), "Rules by name are passed with a percent sequence.")
row("names-last-segment-counts", "NAME-006 NAME-014 NAME-024 SEC-003 SEC-004",
    rewrites(lambda id: f"{WORKSPACE}/{id.rpartition('/')[2]}" if "/" in id else id),
    "Another workspace's name finds this one's model.")
row("names-slashes-collapsed", "NAME-014", rewrites(lambda id: re.sub("/+", "/", id)), "Two names stand for one model.")
row("names-workspace-doubled", "NAME-014",
    rewrites(lambda id: id.replace(f"{WORKSPACE}/{WORKSPACE}/", f"{WORKSPACE}/")), "Two names stand for one model.",
    "NeMo platform pull request 1590: default/default/model-1")
row("names-empty-are-a-default", "NAME-015",
    when(lambda asked: asked.object.get("model") in ("", "/") and asked.path == f"{BASE}/chat/completions",
       lambda asked: with_model(asked, SERVED)),
    "A forgotten model is paid for.")
row("names-too-long", "NAME-008", takes("[a-z0-9-]{64,}"), "Names are stored that the database cuts.")
row("names-of-one-character", "NAME-008", takes("[a-z0-9]"), "Names are stored that other tools refuse.")
row("names-of-two-refused", "NAME-008", refuses("[a-z0-9-]{2}"), "A right name is refused.")
row("names-length-of-the-whole-id", "NAME-008 NAME-021",
    when(lambda asked: len(model(asked)) > 63, lambda asked: refusal(422)), "A right name is refused.")
row("names-digit-after-hyphen-refused", "NAME-021", refuses("(?!zz-)[a-z0-9-]*-[0-9].*"), "A right name is refused.")
row("names-unknown-called-ill-formed", "ERR-011 NAME-007 NAME-008 NAME-020 NAME-021 NAME-040 SDK-013",
    when(lambda asked: given(asked) and entity(asked) and entity(asked) not in KNOWN, lambda asked: refusal(422)),
    "Users look for a mistake in a name that is right.")
row("names-unknown-served", "ERR-011 NAME-007 NAME-040 SDK-013",
    rewrites_entity(
        lambda name: "mock-small" if len(name) > 3 and GOOD.fullmatch(name) and name not in KNOWN else name),
    "A misspelt model is paid for under another name.")
row("names-that-are-no-text-crash", "NAME-022 ERR-008",
    when(lambda asked: "model" in asked.object and not isinstance(asked.object["model"], str)
       and asked.path == f"{BASE}/chat/completions", lambda asked: refusal(500)),
    "Clients retry what can never be served.", "the platform calls a method of texts on it")
row("names-workspace-ignored", "NAME-006 NAME-024 SEC-003 SEC-004", lambda app: before(app, re_homed),
    "Another workspace's name finds this one's model.")
row("names-vendor-id-rewritten", "NAME-005 NAME-028 NAME-029 SDK-016",
    rewrites(lambda id: f"{WORKSPACE}/meta-llama-3-3-70b-instruct" if id == VENDOR else id),
    "What the documentation forbids works until it does not.")
row("names-vendor-id-unknown", "NAME-005 NAME-028 NAME-029 SDK-016",
    when(lambda asked: model(asked) == VENDOR, lambda asked: refusal(404)), "Users look for a model that is there.")
row("names-unchecked-in-streams", "NAME-020 NAME-029 SDK-016",
    when(lambda asked: asked.streams and bool(model(asked)) and entity(asked) not in KNOWN, lambda asked: refusal(404)),
    "The same mistake is another error when it is streamed.")
row("names-refused-with-400",
    "NAME-005 NAME-006 NAME-008 NAME-009 NAME-010 NAME-011 NAME-012 NAME-013 NAME-014 NAME-015 NAME-016 "
    "NAME-017 NAME-018 NAME-019 NAME-020 NAME-024 NAME-025 NAME-028 NAME-029 NAME-030 NAME-035 SDK-016",
    answers(lambda asked, x: x.status == 422, lambda x: replace(x, status=400)),
    "Programs that look for 422 never explain the rule.")
row("names-refused-in-plain-text", "ERR-003 MODEL-006 NAME-028 NAME-029",
    answers(lambda asked, x: x.status == 422,
            lambda x: replace(x, body=b"no").with_header("content-type", "text/plain")),
    "Nobody can read why.", "vllm-router answers 422 in plain text")
row("names-listed-bare", "NAME-002 NAME-040", listed(lambda id: id.partition("/")[2]), "The listed id can't be used.")
row("names-listed-with-three-segments", "LIST-007 NAME-002 NAME-040", listed(lambda id: id + "/v1"),
    "The listed id can't be used.")
row("names-listed-with-a-dot", "LIST-007 NAME-003 NAME-039 NAME-040", listed(lambda id: f"{WORKSPACE}/meta.llama"),
    "The listed id can't be used.")
row("names-listed-of-another-workspace", "LIST-007 NAME-004 NAME-039 NAME-040", listed(lambda id: "other/model"),
    "Users see what is not theirs.", "NeMo platform pull request 765")
row("names-of-the-provider-in-answers", "NAME-034",
    answers(lambda asked, x: asked.path == f"{BASE}/chat/completions" and x.status == 200,
          lambda x: replace(x, body=x.body.replace(b'"model":"default/', b'"model":"vendor/'))),
    "Budgets by model name don't find what they pay for.", "NeMo platform pull request 1590")
# fmt: on

row = ROUTING.add
# fmt: off
row("workspaces-all-listed", "NAME-025",
    at("/workspaces/zz-[^/]+/openai/-/v1/models$", lambda asked: moved(asked, f"{BASE}/models")),
    "A misspelt workspace looks like this one.")
row("workspaces-ill-formed-crash", "NAME-025", at("/workspaces/ab cd/openai", lambda asked: refusal(500)),
    "Clients retry a path that can never be served.")
row("paths-without-separator", "NAME-026", at("/openai/v1/models", lambda asked: moved(asked, f"{BASE}/models")),
    "What works here fails after the next update.")
row("paths-of-every-version", "NAME-026",
    at("/inference-gateway/v1/", lambda asked: moved(asked, asked.path.replace("/v1/w", "/v2/w"))),
    "Clients of an old version are served by a new one.")
row("paths-without-workspace", "NAME-026",
    at("/workspaces//openai", lambda asked: moved(asked, asked.path.replace("//", "/default/"))),
    "A forgotten workspace is paid for by the default one.")
row("route-by-entity-missing", "NAME-031 NAME-033", at("/model/meta[^/]*/-/v1", lambda asked: refusal(404)),
    "Programs that use a model's own URL don't work.")
row("route-by-entity-checks-the-body", "NAME-031",
    at("/model/", lambda asked: refusal(422) if asked.object.get("model") == VENDOR else None),
    "Programs that send the vendor's name to a model's own URL are refused.")
row("route-by-provider-missing", "NAME-032 NAME-033", at("/provider/nvidia-build/-/", lambda asked: refusal(404)),
    "Programs that use a provider's own URL don't work.")
row("route-by-unknown-entity-serves-a-default", "NAME-035",
    at("/model/zz-", lambda asked: moved(asked, f"{ENTITY_ROUTE}/chat/completions")),
    "A misspelt model is paid for under another name.")
row("route-by-unknown-provider-crashes", "NAME-035", at("/provider/zz-[^/]*/-", lambda asked: refusal(500)),
    "Clients retry a provider that will never be there.", "upstream errors as 502, which clients retry")
row("route-by-entity-counts-differently", "CHAT-113 NAME-033",
    answers(lambda asked, x: "/model/" in asked.path and x.status == 200,
          dearer),
    "The same question costs another price by its path.")
row("models-bare-not-retrieved", "NAME-036", at("/openai/-/v1/models/[^/]+$", lambda asked: refusal(404)),
    "Clients that write the bare name find nothing.")
row("providers-always-ready", "NAME-037",
    at("/ready$", lambda asked: with_request_id(Answer(200)).with_json({"ready": True})),
    "Monitors never see an outage.")
row("configured-list-in-openai-shape", "NAME-038",
    configured(lambda document: {"object": "list", "data": document["data"]}), "The platform's SDK raises.")
row("configured-list-counts-wrongly", "NAME-038",
    configured(lambda document: {**document, "pagination": {**document["pagination"], "total_results": 99}}),
    "The platform's SDK asks for pages that are not there.")
row("configured-list-forgets-one", "NAME-039",
    answers(lambda asked, x: asked.path == CONFIGURED and not asked.query and x.status == 200,
          lambda x: x.with_json({
              **x.json, "data": [row for row in x.json["data"] if row["name"] != "mock-small"],
              "pagination": {**x.json["pagination"], "total_results": len(x.json["data"]) - 1,
                             "current_page_size": len(x.json["data"]) - 1}})),
    "A model is served that nobody configured.")
row("configured-only-is-served", "NAME-040", rewrites(lambda id: id.replace("planned-model", "mock-small")),
    "A model that is planned is paid for under another name.")
row("embeddings-without-naming-rule", "NAME-020 NAME-030",
    answers(lambda asked, x: asked.path.endswith("/openai/-/v1/embeddings") and x.status == 422,
            lambda x: with_request_id(replace(x, status=404))),
    "The same mistake is another error at another endpoint.")
row("tenants-not-apart", "LIST-012 SEC-007",
    at("/workspaces/empty/openai/-/v1/", lambda asked: moved(asked, asked.path.replace("/empty/", "/default/"))),
    "One tenant uses and pays for another's models.")
# fmt: on
