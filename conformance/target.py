"""What is judged and how a run goes about it: reads the options, and says in a sentence what can't be used."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from conformance.configuration.options import (
    BASELINE_FILE,
    BY_NAME,
    DEFAULT_PROFILE,
    ENDPOINTS,
    HOW_TO_RUN,
    OPTIONS,
    ConfigError,
)
from conformance.configuration.sources import Sources, sources
from conformance.limits import Limits

if TYPE_CHECKING:
    import ssl

__all__ = ["BY_NAME", "DEFAULT_PROFILE", "HOW_TO_RUN", "OPTIONS", "ConfigError", "Settings", "Target", "load"]
PATIENCE_S = 5.0
"""How much longer than its own time a gateway may take to give up a silent provider."""


@dataclass(frozen=True, slots=True)
class Target:
    """A gateway under judgement. The keys and `headers` may hold secrets: `secrets` lists them for the redactor.

    `profile_given` tells whether the user named the profile, `found` how it was found if only a host was given.
    """

    base_url: str
    profile: str = DEFAULT_PROFILE
    model: str | None = None
    completions_model: str | None = None
    embeddings_model: str | None = None
    api_key: str | None = None
    api_key_command: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    ca_file: str | None = None
    insecure: bool = False
    timeout_s: float = 30.0
    workspace: str | None = None
    provider: str | None = None
    empty_workspace: str | None = None
    entity_name_pattern: str | None = None
    restricted_api_key: str | None = None
    sdk_python: str | None = None
    body_limit: int | None = None
    upstream: str | None = None
    upstream_key: str | None = None
    upstream_timeout_s: float | None = None
    failover_model: str | None = None
    without: frozenset[str] = frozenset()
    claimed: frozenset[str] = frozenset()
    declined: frozenset[str] = frozenset()
    profile_given: bool = True
    found: str = ""

    @property
    def origin(self) -> str:
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def secrets(self) -> list[str]:
        found = [key for key in (self.api_key, self.restricted_api_key, self.upstream_key) if key]
        found += [value for name, value in self.headers if is_secret_header(name)]
        found += [value.split(None, 1)[1] for value in list(found) if " " in value.strip()]
        if password := urlsplit(self.base_url).password:
            found.append(password)
        return [secret for secret in found if len(secret) > 3]

    def with_fresh_key(self) -> "Target":
        """The same target with a token from `api_key_command`. Raises ConfigError if the command fails."""
        return replace(self, api_key=_key_from(self.api_key_command)) if self.api_key_command else self

    def tls(self) -> "ssl.SSLContext | None":
        """The TLS context for an https URL, None for http. Raises ConfigError if the CA file can't be read."""
        import ssl

        if urlsplit(self.base_url).scheme != "https":
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"--ca-file {self.ca_file}: not a readable PEM file ({error})") from None
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


@dataclass(frozen=True, slots=True)
class Settings:
    """How a run is made, apart from what it judges."""

    only: tuple[str, ...] = ()
    concurrency: int = 16
    strict: bool = False
    output: Path | None = None
    annotations: bool = True
    plan: bool = False
    max_requests: int | None = None
    max_time_s: float = Limits().run_s
    budget_tokens: int | None = None
    record: Path | None = None
    replay: Path | None = None
    baseline: Path | None = None
    update_baseline: bool = False
    min_judged: Fraction | None = None
    last_report: Path | None = None


def load(flags: Mapping[str, Any], base_url: str | None = None, folder: Path | None = None) -> tuple[Target, Settings]:
    """The target and the settings from flags (None = not given), the environment and `folder`/gateproof.toml.

    Raises ConfigError, with a sentence for the user, for anything that can't be used.
    """
    return made(sources(flags, base_url, folder))


def made(found: Sources) -> tuple[Target, Settings]:
    """The target and the settings that are told. Raises ConfigError, as load does."""
    url = _nowhere(found) if found["replay"] else found["base_url"]
    if not url:
        raise ConfigError("no gateway is named: give its base URL, such as http://127.0.0.1:8000/v1")
    settings = settings_of(found)
    return replace(target_of(found, url), api_key=_api_key(found)), settings


def target_of(found: Sources, url: str) -> Target:
    """The target at a URL, without its key. Raises ConfigError."""
    claimed, declined = _features(found["feature"] or [])
    return Target(
        base_url=checked_url(url),
        profile=found["profile"],
        model=found["model"],
        completions_model=found["completions_model"],
        embeddings_model=found["embeddings_model"],
        api_key_command=found["api_key_command"],
        headers=tuple(_header(text) for text in found["header"] or []),
        ca_file=found["ca_file"],
        insecure=bool(found["insecure"]),
        timeout_s=_seconds(found, "timeout"),
        workspace=found["workspace"],
        provider=found["provider"],
        empty_workspace=found["empty_workspace"],
        entity_name_pattern=_pattern(found["entity_name_pattern"]),
        restricted_api_key=_sendable(found["restricted_api_key"]),
        sdk_python=found["sdk_python"],
        body_limit=_positive(found, "body_limit"),
        upstream=checked_url(found["upstream"]) if found["upstream"] else None,
        upstream_key=_sendable(found["upstream_key"]),
        upstream_timeout_s=_upstream_timeout(found),
        failover_model=found["failover_model"],
        without=_endpoints(found["without"] or []),
        claimed=claimed,
        declined=declined,
        profile_given=found.found["profile"].is_given,
    )


def _upstream_timeout(found: Sources) -> float | None:
    """None where it is not told. Raises ConfigError unless we wait for longer than the gateway does."""
    if found["upstream_timeout"] is None:
        return None
    if not found["upstream"]:
        raise ConfigError("--upstream-timeout is of a provider of ours behind the gateway: name it with --upstream")
    timeout_s = _seconds(found, "upstream_timeout")
    if timeout_s + PATIENCE_S >= _seconds(found, "timeout"):
        advice = f"--timeout must be more than {PATIENCE_S:g} s longer"
        raise ConfigError(f"--upstream-timeout {timeout_s:g}: {advice}, to see the gateway give up")
    return timeout_s


def settings_of(found: Sources) -> Settings:
    """How the run is made. Raises ConfigError."""
    concurrency = found["concurrency"]
    if not 1 <= concurrency <= 256:
        raise ConfigError(f"--concurrency {concurrency}: must be between 1 and 256")
    if found["update_baseline"] and found["plan"]:
        raise ConfigError("--update-baseline needs verdicts, and --plan judges nothing: leave out one of them")
    return Settings(
        only=tuple(word for text in found["only"] or [] for word in text.replace(",", " ").split()),
        concurrency=concurrency,
        strict=bool(found["strict"]),
        output=_path(found, "output"),
        annotations=not found["no_annotations"],
        plan=bool(found["plan"]),
        max_requests=_positive(found, "max_requests"),
        max_time_s=_seconds(found, "max_time"),
        budget_tokens=_positive(found, "budget_tokens"),
        record=_path(found, "record"),
        replay=_path(found, "replay"),
        baseline=_baseline(found),
        update_baseline=bool(found["update_baseline"]),
        min_judged=_share(found["min_judged"]),
        last_report=_path(found, "last_report"),
    )


def _path(found: Sources, name: str) -> Path | None:
    return Path(found[name]) if found[name] else None


def _baseline(found: Sources) -> Path | None:
    """The file that is named, or the one beside gateproof.toml, where there is one or is to be one."""
    beside = found.folder / BASELINE_FILE
    return _path(found, "baseline") or (beside if found["update_baseline"] or beside.exists() else None)


def _share(text: str | None) -> Fraction | None:
    if not text:
        return None
    number = re.fullmatch(r"(\d{1,3}(?:\.\d{1,6})?) ?%", text.strip())
    if not number or Fraction(number[1]) > 100:
        raise ConfigError(f"--min-judged {text}: it must be a share of the MUSTs, from 0% to 100%, such as 95%")
    return Fraction(number[1]) / 100


def _nowhere(found: Sources) -> str:
    """The URL of a run that is judged again: what it was aimed at stands in its file, and can't be another now."""
    given = ["a URL"] * found.is_flag("base_url")
    given += [option.flag for option in OPTIONS if option.name not in HOW_TO_RUN and found.is_flag(option.name)]
    if given:
        raise ConfigError(f"--replay judges the run in its file as it was aimed then: it can't go with {given[0]}")
    return "http://replayed"


def _seconds(found: Sources, name: str) -> float:
    value = float(found[name])
    if not 0 < value < float("inf"):
        raise ConfigError(f"{BY_NAME[name].flag} {value:g}: must be above 0 seconds")
    return value


def _positive(found: Sources, name: str) -> int | None:
    value = found[name]
    if value is not None and value < 1:
        raise ConfigError(f"{BY_NAME[name].flag} {value}: must be 1 or more")
    return int(value) if value is not None else None


def checked_url(url: str) -> str:
    """`url` without its trailing slash. Raises ConfigError unless it is an absolute http(s) URL."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
    except ValueError:
        usable = False
    if not usable or any(c.isspace() for c in url):
        raise ConfigError(f"{url!r} is not a URL: it must look like https://host[:port]/path")
    return url.split("?")[0].split("#")[0].rstrip("/")


def is_secret_header(name: str) -> bool:
    """Whether a header of this name carries a credential, by its name."""
    words = ("authorization", "api-key", "apikey", "token", "secret", "cookie", "password")
    return any(word in name.lower() for word in words)


def _api_key(found: Sources) -> str | None:
    """The key that is named nearest to the run: by a flag rather than by a variable, and there rather than by the
    file."""
    given = [name for name in ("api_key", "api_key_env", "api_key_command") if found[name]]
    if not given:
        return None
    name = min(given, key=lambda name: found.found[name].rank)
    if name == "api_key_command":
        return _key_from(found[name])
    key = found[name] if name == "api_key" else os.environ.get(found[name], "")
    if not key:
        raise ConfigError(f"--api-key-env {found[name]}: this environment variable is not set")
    return _sendable(key)


def _sendable(key: str | None) -> str | None:
    if key and not (key.isascii() and key.isprintable()):
        raise ConfigError("the API key holds characters that can't be sent in a header")
    return key


def _key_from(command: str) -> str:
    try:
        done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60, check=True)
    except subprocess.TimeoutExpired:
        raise ConfigError("--api-key-command: it did not end within 60 s") from None
    except subprocess.CalledProcessError as error:
        raise ConfigError(f"--api-key-command: it ended with exit code {error.returncode}") from None
    key = done.stdout.strip()
    if not key or not key.isascii() or not key.isprintable():
        raise ConfigError("--api-key-command: it must print the token, and nothing else, on standard output")
    return key


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip() or any(c in text for c in "\r\n"):
        raise ConfigError("--header: a header must look like 'Name: value'")
    return name.strip(), value.strip()


def _pattern(text: str | None) -> str | None:
    try:
        re.compile(text or "")
    except re.error as error:
        raise ConfigError(f"--entity-name-pattern {text}: no regular expression ({error})") from None
    return text


def _endpoints(names: list[str]) -> frozenset[str]:
    for name in names:
        if name not in ENDPOINTS:
            raise ConfigError(f"--without {name}: must be one of {', '.join(ENDPOINTS)}")
    return frozenset(names)


def _features(texts: list[str]) -> tuple[frozenset[str], frozenset[str]]:
    words = [word for text in texts for word in text.replace(",", " ").split()]
    claimed = {word.lstrip("+") for word in words if not word.startswith("-")}
    declined = {word[1:] for word in words if word.startswith("-")}
    return frozenset(claimed), frozenset(declined)
