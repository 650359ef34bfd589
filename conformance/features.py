"""Features: optional capabilities, claimed by the profile or the user, else detected from one cheap probe.

A claimed feature that is refused fails its requirements. One that is not claimed and is cleanly refused makes them
not applicable; if it is not refused it is judged.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from conformance.exchange import Exchange
from conformance.profiles import Profile
from conformance.recording import Recording
from conformance.target import ConfigError, Target

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
    "providers": Feature("configured providers can be listed", on_request=True),
    "entity_naming": Feature("model ids are workspace/entity, entities follow a pattern", on_request=True),
    "model_entity_route": Feature("a model entity has a base URL of its own", on_request=True),
    "provider_route": Feature("a provider has a base URL of its own", on_request=True),
    "configured_models": Feature("what is configured is listed apart from what is ready to serve", on_request=True),
}


def is_claimed(name: str, target: Target, profile: Profile) -> bool:
    if name in target.declined:
        return False
    if name == "auth" and target.api_key:
        return True
    if name == "multi_workspace" and target.empty_workspace:
        return True
    return name in target.claimed or name in profile.claimed


def check_names(target: Target) -> None:
    """Raises ConfigError for a feature that does not exist."""
    for name in sorted(target.claimed | target.declined):
        if name not in FEATURES:
            raise ConfigError(f"--feature {name}: there is no such feature (features: {', '.join(FEATURES)})")


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
            return f"the feature {name} is not claimed, and it is cleanly refused"
    return None
