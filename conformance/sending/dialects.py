"""Which dialect a gateway speaks, and at which path, where only its host is known: the base paths of all profiles are
asked for their list of models."""

import asyncio
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from conformance import profiles
from conformance.exchange import Exchange
from conformance.profiles import Profile
from conformance.sending.archive import opened
from conformance.sending.doctor import REFUSED, listed_ids
from conformance.sending.gateway import Gateway
from conformance.sending.wire import Limits, Wire
from conformance.target import DEFAULT_PROFILE, Settings, Target

USUAL_WORKSPACE = "default"
PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a dialect may be spoken, and what its list of models was answered with there."""

    profile: Profile
    path: str
    models: Exchange

    @property
    def rank(self) -> int:
        """3: models are listed; 2: an empty list; 1: a key is asked for; 0: nothing."""
        body = self.models.json if self.models.status == 200 and self.models.is_json else None
        if isinstance(body, dict) and isinstance(body.get("data"), list):
            return 3 if list(listed_ids(self.models)) else 2
        return 1 if self.models.status in REFUSED else 0


def is_host_only(target: Target) -> bool:
    return urlsplit(target.base_url).path == ""


def aimed(target: Target, settings: Settings) -> Target:
    """What a run with these settings is aimed at: found at its host, or read from the file of an earlier run. Raises
    ConfigError."""
    if settings.replay:
        return opened(settings.replay)[0]
    return target if settings.plan else asyncio.run(located(target))


async def located(target: Target) -> Target:
    """The target with the path, and unless a profile was given the dialect, that was found at its host; as it was if
    its URL has a path already, or if nothing was found."""
    if not is_host_only(target):
        return target
    places = [place for place in await _asked(target) if place.rank]
    if not places:
        return target
    best = max(places, key=lambda place: place.rank)
    others = [place.profile.name for place in places if place.rank == best.rank and place.profile != best.profile]
    workspace = target.workspace
    if "{workspace}" in best.profile.base_path:
        workspace = workspace or USUAL_WORKSPACE
    return replace(
        target,
        base_url=target.base_url + best.path,
        profile=best.profile.name,
        workspace=workspace,
        found=_told(best, others),
    )


def _told(best: Place, others: list[str]) -> str:
    asked = {3: "it lists models", 2: "its list of models is empty", 1: "it asks for a key"}[best.rank]
    also = f"; {', '.join(dict.fromkeys(others))} would fit as well (--profile)" if others else ""
    return f"{best.profile.name} at {best.path or '/'} ({asked}){also}"


async def _asked(target: Target) -> list[Place]:
    """Every known path with its answer; none of those that ask for a key if any path at all does so."""
    known = [profiles.profile(name) for name in profiles.names()] if not target.profile_given else []
    roots = [profile for profile in known if not profile.extends] or [profiles.profile(target.profile)]
    roots.sort(key=lambda profile: profile.name != DEFAULT_PROFILE)
    workspace = target.workspace or USUAL_WORKSPACE
    paths = [(profile, profile.base_path.format(workspace=workspace)) for profile in roots]
    if roots[0].name in (DEFAULT_PROFILE, target.profile):
        paths.append((roots[0], ""))
    async with Wire(Limits(silence_s=min(target.timeout_s, PATIENCE_S)), target.tls()) as wire:
        gateway = Gateway(wire, target, roots[0])
        nowhere = await gateway.get("/gateproof-no-such-path/models", obey=False)
        if nowhere.response is None:
            return []
        answers = await asyncio.gather(*(gateway.get(f"{path}/models", obey=False) for _, path in paths))
    found = [Place(profile, path, answer) for (profile, path), answer in zip(paths, answers, strict=True)]
    return [place for place in found if place.rank > 1 or nowhere.status not in REFUSED]
