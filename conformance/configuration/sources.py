"""Where the value of each option comes from. A flag wins over the environment, the environment over gateproof.toml, and
that over the default."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from conformance.configuration.options import BY_NAME, CONFIG_FILE, OPTIONS, OTHER_VARIABLES, ConfigError, Option
from conformance.configuration.spelling import did_you_mean

URL = "base_url"
_VARIABLES = {option.variable for option in OPTIONS} | {"GATEPROOF_BASE_URL", *OTHER_VARIABLES}
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
_LIKE = 0.75
"""How like a setting's name a variable must be (by difflib) to be taken for a misspelling of it."""


@dataclass(frozen=True, slots=True)
class Found:
    """A value, None where there is none, and what gave it: a flag, a variable, the file, or the default."""

    value: Any
    origin: str
    rank: int
    """0 for a flag, 1 for the environment, 2 for the file, 3 for the default."""

    @property
    def is_given(self) -> bool:
        return self.rank < _DEFAULT


_FLAG, _ENVIRONMENT, _FILE, _DEFAULT = range(4)


@dataclass(frozen=True, slots=True)
class Sources:
    """The value of every option, by its name, and of `base_url`. `ignored` are variables that look as if they were
    ours and are no setting."""

    found: Mapping[str, Found]
    folder: Path
    ignored: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Any:
        return self.found[name].value

    def is_flag(self, name: str) -> bool:
        """Whether it was said on the command line."""
        return self.found[name].rank == _FLAG


def sources(flags: Mapping[str, Any], base_url: str | None = None, folder: Path | None = None) -> Sources:
    """What is said by flags (None = not given), the environment and `folder`/gateproof.toml.

    Raises ConfigError for a value of a wrong type, and for a name that is none of ours: always in the file, in the
    environment where it is like one of ours (the prefix is no reserved one).
    """
    folder = folder or Path()
    file = _read(folder / CONFIG_FILE)
    found = {option.name: _found(option, flags.get(option.name), file) for option in OPTIONS}
    found[URL] = _found(Option(URL, str, ""), base_url or None, file)
    return Sources(found, folder, _ignored(found["api_key_env"].value))


def warnings(found: Sources) -> list[str]:
    """A line for each variable that is not read, though its name looks as if it were."""
    said = "in the environment is no setting of gateproof's, and is ignored"
    return [f"gateproof: {name} {said}" for name in found.ignored]


def _found(option: Option, flag: Any, file: Mapping[str, Any]) -> Found:
    if flag is not None and flag is not False and flag != []:  # 0 is a value like any other
        return Found(flag, "the URL given" if option.name == URL else option.flag, _FLAG)
    if text := os.environ.get(option.variable):
        return Found(_from_text(option, text), option.variable, _ENVIRONMENT)
    if option.name in file:
        return Found(_from_file(option, file[option.name]), CONFIG_FILE, _FILE)
    return Found(option.default, "default", _DEFAULT)


def _from_text(option: Option, text: str) -> Any:
    if option.kind is list:
        return [text] if option.name == "header" else [word.strip() for word in text.split(",")]
    if option.kind is bool and text.lower() in (*_TRUE, *_FALSE):
        return text.lower() in _TRUE
    try:
        if option.kind is not bool:
            return option.kind(text)
    except ValueError:
        pass
    raise ConfigError(f"{option.variable}={text}: a value of type {option.kind.__name__} was expected")


def _from_file(option: Option, value: Any) -> Any:
    wanted: tuple[type, ...] = (int, float) if option.kind is float else (option.kind,)
    if option.kind is list and isinstance(value, str):
        return [value]
    if not isinstance(value, wanted) or (isinstance(value, bool) and option.kind is not bool):
        raise ConfigError(f"{CONFIG_FILE}: {option.name} must be of type {option.kind.__name__}")
    if isinstance(value, list) and not all(isinstance(item, str) for item in value):
        raise ConfigError(f"{CONFIG_FILE}: {option.name} must be a list of texts")
    return value


def _read(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path.name} can't be read: {error}") from None
    known = {*BY_NAME, URL}
    for key in content:
        if key not in known:
            raise ConfigError(f"{path.name}: unknown key {key!r}{did_you_mean(key, known)}")
    return content


def _ignored(holds_the_key: str | None) -> tuple[str, ...]:
    """The variables with our prefix that nobody reads. Raises ConfigError for one that is a misspelt one of ours."""
    strange = [
        name
        for name, text in os.environ.items()
        if name.startswith("GATEPROOF_") and text and name not in _VARIABLES and name != holds_the_key
    ]
    for name in sorted(strange):
        words = {variable.removeprefix("GATEPROOF_"): variable for variable in _VARIABLES}
        near = get_close_matches(name.removeprefix("GATEPROOF_"), words, n=1, cutoff=_LIKE)
        if near:
            raise ConfigError(f"the environment's {name} is no setting, did you mean {words[near[0]]!r}?")
    return tuple(sorted(strange))
