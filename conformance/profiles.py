"""Profiles: which requirements and features apply to a dialect, and where it differs. Data in profiles/*.toml; no
code per vendor."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from conformance.baseline.deviations import Deviation
from conformance.catalogue import Level, Requirement
from conformance.configuration.spelling import did_you_mean
from conformance.target import ConfigError


@dataclass(frozen=True, slots=True)
class Expectations:
    """What a dialect answers where dialects differ.

    `error_schema` is the schema of an error body. `unknown_model` is a well-formed id that no gateway serves ({nonce}
    and {workspace} are filled in), `unknown_path_status` what a path is refused with that no gateway has.
    `retrieve_by` are the members of a list entry by any of which GET /models/{id} may know a model.
    `entity_name_pattern` is a regular expression for whole entity names, "" where the published sentence is all that
    is known.
    """

    error_schema: str = "error.lenient"
    unknown_model: str = "gateproof-no-such-model-{nonce}"
    unknown_path_status: tuple[int, ...] = (404,)
    retrieve_by: tuple[str, ...] = ("id",)
    entity_name_pattern: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """A dialect's requirements: whole areas, less the excluded ids (each with its reason), with levels overridden."""

    name: str
    title: str
    base_path: str
    areas: tuple[str, ...]
    excluded: dict[str, str]
    levels: dict[str, Level]
    claimed: frozenset[str]
    expect: Expectations
    paths: dict[str, str]
    """Routes beside the base path, by name; from the origin, {workspace}, {entity} and {provider} are filled in."""
    wrong_paths: dict[str, str]
    """Base paths that differ from the right one by what the key says."""
    deviations: dict[str, Deviation]
    tells: tuple[str, ...] = ()
    """The observations that matter in this dialect."""
    extends: str = ""
    """The profile that this one was begun from."""

    def applies(self, requirement: Requirement) -> bool:
        return requirement.area in self.areas and requirement.id not in self.excluded

    def known(self, id: str) -> tuple[Deviation, ...]:
        """How the dialect is known to deviate from a requirement: in one way or in none."""
        return tuple(self.deviations[name] for name in (id,) if name in self.deviations)

    def level(self, requirement: Requirement) -> Level:
        return self.levels.get(requirement.id, requirement.level)


def names() -> list[str]:
    """The names of all profiles."""
    folder = files("conformance") / "profiles"
    return sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))


@cache
def profile(name: str) -> Profile:
    """The profile of this name. Raises ConfigError."""
    if name not in names():
        hint = did_you_mean(name, names())
        raise ConfigError(f"there is no profile {name!r}{hint} (profiles: {', '.join(names())})")
    content = _read(name)
    given: dict[str, Any] = content.get("expect", {})
    expect: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
    return Profile(
        name=name,
        title=content["title"],
        base_path=content["base_path"],
        areas=tuple(content["areas"]),
        excluded=content.get("excluded", {}),
        levels={id: Level(level) for id, level in content.get("levels", {}).items()},
        claimed=frozenset(content.get("claimed", ())),
        expect=Expectations(**expect),
        paths=content.get("paths", {}),
        wrong_paths=content.get("wrong_paths", {}),
        deviations={id: Deviation(**row) for id, row in content.get("deviations", {}).items()},
        tells=tuple(content.get("tells", ())),
        extends=content.get("extends", ""),
    )


def _read(name: str) -> dict[str, Any]:
    """A profile's file, laid over that of the profile which it extends, table by table."""
    content = tomllib.loads((files("conformance") / "profiles" / f"{name}.toml").read_text("utf-8"))
    if "extends" not in content:
        return content
    base = _read(content["extends"])
    for key, value in content.items():
        base[key] = base.get(key, {}) | value if isinstance(value, dict) else value
    return base
