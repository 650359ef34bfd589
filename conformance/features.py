"""Features: optional capabilities, claimed by the profile or the user, else detected from one cheap probe.

A claimed feature that is refused fails its requirements. One that is not claimed and is cleanly refused makes them
not applicable; if it is not refused it is judged.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from conformance.catalogue import Requirement
from conformance.configuration.spelling import did_you_mean
from conformance.exchange import Exchange, Unusable
from conformance.profiles import Profile
from conformance.reading.vectors import embeddings_in, read
from conformance.sending.recording import Recording
from conformance.target import ConfigError, Target

SCRIPTED = "scripted_upstream"
"""The feature that is a provider of ours behind the gateway."""
CLEAN_REFUSALS = (400, 404, 405, 415, 422, 501)


class Observed(StrEnum):
    """What the detecting probe saw of a feature."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Feature:
    """An optional capability. `absent` tells from the results of `probes`, in their order, that it is cleanly
    refused."""

    meaning: str
    probes: tuple[str, ...] = ()
    absent: Callable[..., bool] = lambda: False
    on_request: bool = False
    """Not judged unless it is claimed."""


def refused(exchange: Exchange, chat: Exchange) -> bool:
    """A parameter is cleanly refused: an answer in JSON says so, while the same request without it is served."""
    return chat.ok and exchange.complete and exchange.status in CLEAN_REFUSALS and exchange.is_json


def no_such_route(exchange: Exchange, unknown_path: Exchange) -> bool:
    """A route does not exist: it is answered just as a path that can't exist is, or with 405 or 501."""
    if exchange.status in (405, 501):
        return True
    return exchange.status == unknown_path.status in (404, 405) and exchange.refusal == unknown_path.refusal


def no_model_route(by_id: dict[str, list[Exchange]], with_slash: Exchange | None, unknown_path: Exchange) -> bool:
    """No listed model can be retrieved by any spelling of its id, as if there were no such route."""
    tries = [x for tries in by_id.values() for x in tries] + ([with_slash] if with_slash else [])
    return all(no_such_route(x, unknown_path) for x in tries)


def no_other_service(pages: list[Exchange], first: Exchange) -> bool:
    """There is no such list at all beside the gateway, as where the platform's other services are out of reach."""
    return all(x.complete and x.status in (404, 405, 501) for x in (*pages, first))


def no_cors(preflight: Exchange, models_with_origin: Exchange) -> bool:
    """Neither a preflight request nor a list that is asked for from another origin is answered with permission."""
    return not any(x.header("access-control-allow-origin") for x in (preflight, models_with_origin))


def serves_nothing(tries: list[Exchange], nowhere: Sequence[Exchange] = ()) -> bool:
    """Whatever was tried of an endpoint is cleanly refused, there is no such route, or it is answered just as a path
    that can't exist is, however that may be."""
    return all(_is_turned_away(x) or any(is_as(x, there) for there in nowhere) for x in tries)


def is_doubtful(tries: list[Exchange]) -> bool:
    """Whether it takes a path that can't exist to tell if there is this endpoint: nothing is served, nor refused as
    what is not there should be."""
    return not serves_nothing(tries) and not any(x.ok and x.is_json for x in tries)


def is_as(exchange: Exchange, nowhere: Exchange) -> bool:
    """Whether an answer says the same as that of a path which can't exist."""
    told = [(x.status, x.complete, x.media_type, x.refusal) for x in (exchange, nowhere)]
    return told[0] == told[1]


def _is_turned_away(x: Exchange) -> bool:
    return x.complete and x.status in CLEAN_REFUSALS and (x.is_json or x.status in (404, 405, 501))


def refused_in_all_forms(forms: dict[str, Exchange], reply: Exchange) -> bool:
    return all(refused(x, reply) for x in forms.values())


def no_base64(exchange: Exchange) -> bool:
    """base64 is not served, or answered with numbers as if it had not been asked for: EMB-005 judges that."""
    return not exchange.ok or _lengths(exchange, list) != set()


def no_dimensions(shortened: dict[str, Exchange], wrong: dict[str, Exchange], reply: Exchange) -> bool:
    """Shorter vectors are refused, or are as long as ever. A gateway that refuses longer ones, though, reads what is
    asked for."""
    each = shortened.values()
    if all(refused(x, reply) for x in each):
        return True
    ignored = all(x.ok and _lengths(x) == _lengths(reply) != set() for x in each)
    return ignored and wrong["one more than there are"].ok


def _lengths(exchange: Exchange, kind: type = object) -> set[int]:
    """How long the vectors of an answer are; none where one can't be read, or is not of this kind."""
    try:
        found = embeddings_in(exchange)
        return {len(read(x)) for x in found} if all(isinstance(x, kind) for x in found) else set()
    except Unusable:
        return set()


FEATURES = {
    "auth": Feature("an API key is required; claimed when the target is given one", on_request=True),
    "model_retrieve": Feature(
        "GET /models/{id}", ("models_by_id", "slash_model_by_id", "unknown_path"), no_model_route
    ),
    "multi_workspace": Feature("models belong to workspaces; an empty one is named", on_request=True),
    "stream_usage": Feature("stream_options.include_usage", ("chat_stream_usage", "chat_reply"), refused),
    "n": Feature("several choices in one answer", ("chat_n2", "chat_reply"), refused),
    "stop": Feature("stop sequences", ("chat_stop", "chat_reply"), refused),
    "logprobs": Feature("log probabilities", ("chat_logprobs", "chat_reply"), refused),
    "tools": Feature("function tools", ("chat_tool_auto", "chat_reply"), refused),
    "parallel_tools": Feature("parallel_tool_calls", ("chat_tool_one", "chat_tool_auto"), refused),
    "strict_tools": Feature("strict function tools", ("chat_tool_strict", "chat_tool_named"), refused),
    "json_mode": Feature("response_format json_object", ("chat_json_object", "chat_reply"), refused),
    "json_schema": Feature("response_format json_schema", ("chat_json_schema", "chat_reply"), refused),
    "embeddings": Feature(
        "POST /embeddings; claimed when a model for it is named",
        ("embeddings_tries", "embeddings_nowhere"),
        serves_nothing,
    ),
    "embeddings_base64": Feature("embeddings in base64", ("embeddings_base64",), no_base64),
    "embeddings_dimensions": Feature(
        "embeddings of fewer dimensions",
        ("embeddings_shortened", "embeddings_wrong_dimensions", "embeddings_reply"),
        no_dimensions,
    ),
    "completions": Feature(
        "POST /completions; claimed when a model for it is named",
        ("completion_first", "completion_nowhere"),
        serves_nothing,
    ),
    "completions_stream_usage": Feature(
        "stream_options.include_usage of completions", ("completion_stream_usage", "completion_stream"), refused
    ),
    "completions_n": Feature("several choices for one prompt", ("completion_n2", "completion_reply"), refused),
    "completions_stop": Feature(
        "stop sequences of completions", ("completion_stops", "completion_reply"), refused_in_all_forms
    ),
    "completions_echo": Feature("the prompt before its completion", ("completion_echo", "completion_reply"), refused),
    "completions_suffix": Feature(
        "completions between a prompt and a suffix", ("completion_suffix", "completion_reply"), refused
    ),
    "completions_logprobs": Feature(
        "log probabilities of completions", ("completion_logprobs", "completion_reply"), refused
    ),
    "responses": Feature(
        "POST /responses",
        ("response_first", "response_nowhere"),
        lambda first, nowhere: serves_nothing([first], nowhere),
    ),
    "responses_tools": Feature("function tools of responses", ("response_tool", "response_reply"), refused),
    "responses_tool_choice": Feature(
        "a function of responses that has to be called", ("response_forced", "response_tool"), refused
    ),
    "responses_json_schema": Feature(
        "text.format json_schema of responses", ("response_schema", "response_reply"), refused
    ),
    "sampling_params": Feature(
        "a temperature and other sampling values can be chosen", ("chat_sampling", "chat_reply"), refused
    ),
    "vision": Feature("images in a prompt", ("chat_image", "chat_reply"), refused),
    "developer_role": Feature("messages of the role developer", ("chat_developer", "chat_reply"), refused),
    "seed_determinism": Feature("equal seeds repeat the text", on_request=True),
    "providers": Feature("configured providers can be listed", on_request=True),
    "entity_naming": Feature("model ids are workspace/entity, entities follow a pattern", on_request=True),
    "model_entity_route": Feature("a model entity has a base URL of its own", on_request=True),
    "provider_route": Feature("a provider has a base URL of its own", on_request=True),
    "restricted_key": Feature("a key that may not use the model under test is given", on_request=True),
    "body_limit": Feature("request bodies have a limit, which is given", on_request=True),
    "cors": Feature("browsers may call from another origin", ("preflight", "models_with_origin"), no_cors),
    "http2": Feature("HTTP/2 is negotiated", on_request=True),
    "scripted_upstream": Feature("the provider behind the gateway is `gateproof upstream`", on_request=True),
    "upstream_timeout": Feature("how long the gateway waits for a silent provider is given", on_request=True),
    "failover": Feature("a model that two scripted providers serve is named", on_request=True),
    "rate_limit": Feature("too many requests are refused, some forty at once among them", on_request=True),
    "role_repeat_tolerated": Feature("that every delta repeats the role is known and a warning", on_request=True),
    "configured_models": Feature(
        "what is configured is listed apart from what is ready to serve",
        ("configured_models", "first_configured_model"),
        no_other_service,
    ),
}


GIVEN: Mapping[str, Callable[[Target], object]] = {
    "auth": lambda target: target.api_key,
    "multi_workspace": lambda target: target.empty_workspace,
    "embeddings": lambda target: target.embeddings_model,
    "completions": lambda target: target.completions_model,
    "restricted_key": lambda target: target.restricted_api_key,
    "body_limit": lambda target: target.body_limit,
    "scripted_upstream": lambda target: target.upstream,
    "upstream_timeout": lambda target: target.upstream_timeout_s,
    "failover": lambda target: target.failover_model,
}
"""Features that are claimed by giving what they need."""


def is_claimed(name: str, target: Target, profile: Profile) -> bool:
    if name in target.declined:
        return False
    if name in GIVEN and GIVEN[name](target):
        return True
    return name in target.claimed or name in profile.claimed


def is_in_run(requirement: Requirement, target: Target, profile: Profile) -> bool:
    """Whether a requirement is of this profile, and of what stands behind the gateway: what needs a provider of ours is
    no part of a run without one."""
    needs_ours = SCRIPTED in requirement.features
    return profile.applies(requirement) and (not needs_ours or is_claimed(SCRIPTED, target, profile))


def check_names(target: Target) -> None:
    """Raises ConfigError for a feature that does not exist."""
    for name in sorted(target.claimed | target.declined):
        if name not in FEATURES:
            hint = did_you_mean(name, FEATURES) or f" (features: {', '.join(FEATURES)})"
            raise ConfigError(f"--feature {name}: there is no such feature{hint}")


def observe(name: str, recording: Recording) -> Observed:
    """What the recording shows of a feature."""
    feature = FEATURES[name]
    results = [recording.results.get(probe) for probe in feature.probes]
    values = [result.value for result in results if result and not (result.unusable or result.error)]
    if not values or len(values) < len(results):
        return Observed.UNKNOWN
    return Observed.ABSENT if feature.absent(*values) else Observed.PRESENT


def why_not(names: tuple[str, ...], target: Target, profile: Profile, recording: Recording) -> str | None:
    """The reason why requirements that need these features do not apply to this target; None if they do."""
    for name in names:
        if is_claimed(name, target, profile):
            continue
        if name in target.declined:
            return f"the feature {name} was declared absent (--feature -{name})"
        if FEATURES[name].on_request:
            return f"the feature {name} is not claimed ({FEATURES[name].meaning})"
        if observe(name, recording) is Observed.ABSENT:
            return f"the feature {name} is not claimed, and it is refused"
    return None
