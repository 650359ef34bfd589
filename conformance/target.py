"""What is judged and how a run goes about it: one table of options, read from flags, the environment and
gateproof.toml.

A flag wins over the environment, the environment over the file. The command and the pytest plugin both build their
options from OPTIONS, so that neither knows one that the other does not.
"""

import os
import re
import subprocess
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from conformance.limits import Limits

if TYPE_CHECKING:
    import ssl

CONFIG_FILE = "gateproof.toml"
DEFAULT_PROFILE = "openai"


class ConfigError(Exception):
    """The user's configuration can't be used; the message says what to do. Exit code 4."""


@dataclass(frozen=True, slots=True)
class Option:
    """One setting: `--name`, `GATEPROOF_NAME`, and `name = …` in gateproof.toml.

    `kind` is str, int, float, bool or list (repeatable; a comma-separated text in the environment).
    """

    name: str
    kind: type
    help: str
    metavar: str = ""

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")


OPTIONS = (
    Option("profile", str, f"requirements and dialect to judge by (default {DEFAULT_PROFILE})", "NAME"),
    Option("model", str, "model id to use (default: the first listed model that answers a chat)", "ID"),
    Option("completions_model", str, "model id for /completions, where it differs", "ID"),
    Option("embeddings_model", str, "model id for /embeddings, where it differs", "ID"),
    Option("api_key", str, "bearer token (better: --api-key-env, which keeps it out of the process list)", "KEY"),
    Option("api_key_env", str, "environment variable that holds the bearer token", "VAR"),
    Option("api_key_command", str, "command that prints a fresh bearer token; run again when it gets 401", "CMD"),
    Option("header", list, "extra header on every request, as 'Name: value' (repeatable)", "HEADER"),
    Option("ca_file", str, "PEM file of the certificate authority to trust", "FILE"),
    Option("insecure", bool, "do not verify the gateway's certificate"),
    Option("timeout", float, "seconds without a byte after which a request is given up (default 30)", "S"),
    Option("workspace", str, "workspace the gateway is asked in (default: the one in the URL)", "NAME"),
    Option("provider", str, "provider whose route is asked, where the dialect has such a route", "NAME"),
    Option("entity_name_pattern", str, "regular expression that whole entity names follow", "REGEX"),
    Option("empty_workspace", str, "a workspace that holds no model, to judge an empty list", "NAME"),
    Option("restricted_api_key", str, "a second key, valid but not permitted to use the model under test", "KEY"),
    Option("body_limit", int, "the largest request body, in bytes, that the gateway is configured to take", "BYTES"),
    Option("without", list, "endpoint that this gateway does not have, such as embeddings (repeatable)", "ENDPOINT"),
    Option("feature", list, "features claimed (+name) or not offered (-name), comma-separated", "+X,-Y"),
    Option(
        "sdk_python",
        str,
        "interpreter with another openai; its verdicts stand apart (they count with --strict)",
        "PATH",
    ),
    Option("only", list, "judge only these requirement ids or areas, comma-separated", "IDS"),
    Option("concurrency", int, "requests in flight at the most (default 16)", "N"),
    Option("plan", bool, "print how many requests and tokens a run will cost, and send nothing"),
    Option("max_requests", int, "never send more requests than this", "N"),
    Option("max_time", float, "seconds after which nothing is sent any more (default 1800)", "S"),
    Option("budget_tokens", int, "never spend more tokens than this, of prompts and answers together", "N"),
    Option("record", str, "file to keep the run in, without its secrets, to be judged again later", "FILE"),
    Option("replay", str, "judge the run in this file again, without a gateway", "FILE"),
    Option("strict", bool, "a warning or an inconclusive requirement fails the run, too"),
    Option("output", str, "folder for report.json, junit.xml, allure-results/ and what else is rendered", "DIR"),
    Option("no_annotations", bool, "on GitHub Actions: print no annotations, and write no summary of the step"),
)
HOW_TO_RUN = frozenset(
    {"only", "concurrency", "plan", "max_requests", "max_time", "budget_tokens", "record", "replay", "strict"}
    | {"output", "no_annotations"}
)
"""The options that say how to go about a run; the others say what is judged."""
BY_NAME = {option.name: option for option in OPTIONS}
ENDPOINTS = ("models", "chat", "completions", "embeddings")


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
        found = [key for key in (self.api_key, self.restricted_api_key) if key]
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
    extra: Mapping[str, Any] = field(default_factory=dict)


def load(flags: Mapping[str, Any], base_url: str | None = None, folder: Path | None = None) -> tuple[Target, Settings]:
    """The target and the settings from flags (None = not given), the environment and `folder`/gateproof.toml.

    Raises ConfigError, with a sentence for the user, for anything that can't be used.
    """
    file = _read_file((folder or Path.cwd()) / CONFIG_FILE)
    values = {option.name: _value(option, flags, file) for option in OPTIONS}
    url = base_url or os.environ.get("GATEPROOF_BASE_URL") or file.get("base_url")
    if values["replay"]:
        url = _nowhere(flags, base_url)
    if not url:
        raise ConfigError("no gateway is named: give its base URL, such as http://127.0.0.1:8000/v1")
    claimed, declined = _features(values["feature"] or [])
    concurrency = values["concurrency"] or 16
    if not 1 <= concurrency <= 256:
        raise ConfigError(f"--concurrency {concurrency}: must be between 1 and 256")
    timeout_s = _seconds(values, "timeout", Limits().silence_s)
    target = Target(
        base_url=checked_url(url),
        profile=values["profile"] or DEFAULT_PROFILE,
        model=values["model"],
        completions_model=values["completions_model"],
        embeddings_model=values["embeddings_model"],
        api_key=_api_key(values),
        api_key_command=values["api_key_command"],
        headers=tuple(_header(text) for text in values["header"] or []),
        ca_file=values["ca_file"],
        insecure=bool(values["insecure"]),
        timeout_s=timeout_s,
        workspace=values["workspace"],
        provider=values["provider"],
        empty_workspace=values["empty_workspace"],
        entity_name_pattern=_pattern(values["entity_name_pattern"]),
        restricted_api_key=_sendable(values["restricted_api_key"]),
        sdk_python=values["sdk_python"],
        body_limit=_positive(values, "body_limit"),
        without=_endpoints(values["without"] or []),
        claimed=claimed,
        declined=declined,
        profile_given=bool(values["profile"]),
    )
    settings = Settings(
        only=tuple(word for text in values["only"] or [] for word in text.replace(",", " ").split()),
        concurrency=concurrency,
        strict=bool(values["strict"]),
        output=Path(values["output"]) if values["output"] else None,
        annotations=not values["no_annotations"],
        plan=bool(values["plan"]),
        max_requests=_positive(values, "max_requests"),
        max_time_s=_seconds(values, "max_time", Limits().run_s),
        budget_tokens=_positive(values, "budget_tokens"),
        record=Path(values["record"]) if values["record"] else None,
        replay=Path(values["replay"]) if values["replay"] else None,
    )
    return target, settings


def _nowhere(flags: Mapping[str, Any], base_url: str | None) -> str:
    """The URL of a run that is judged again: what it was aimed at stands in its file, and can't be another now."""
    given = ["a URL"] * bool(base_url)
    given += [o.flag for o in OPTIONS if o.name not in HOW_TO_RUN and _is_given(flags.get(o.name))]
    if given:
        raise ConfigError(f"--replay judges the run in its file as it was aimed then: it can't go with {given[0]}")
    return "http://replayed"


def _seconds(values: Mapping[str, Any], name: str, otherwise: float) -> float:
    value = otherwise if values[name] is None else float(values[name])
    if not 0 < value < float("inf"):
        raise ConfigError(f"{BY_NAME[name].flag} {value:g}: must be above 0 seconds")
    return value


def _positive(values: Mapping[str, Any], name: str) -> int | None:
    value = values[name]
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


def _value(option: Option, flags: Mapping[str, Any], file: Mapping[str, Any]) -> Any:
    given = flags.get(option.name)
    if _is_given(given):
        return given
    variable = f"GATEPROOF_{option.name.upper()}"
    text = os.environ.get(variable)
    if text:
        try:
            return _from_text(option, text)
        except ValueError:
            raise ConfigError(f"{variable}={text}: a value of type {option.kind.__name__} was expected") from None
    value = file.get(option.name)
    if value is None:
        return None
    wanted: tuple[type, ...] = (int, float) if option.kind is float else (option.kind,)
    if option.kind is list and isinstance(value, str):
        return [value]
    if not isinstance(value, wanted) or (isinstance(value, bool) and option.kind is not bool):
        raise ConfigError(f"{CONFIG_FILE}: {option.name} must be of type {option.kind.__name__}")
    return value


def _is_given(flag: Any) -> bool:
    """Whether a flag was given; 0 is a value like any other."""
    return flag is not None and flag is not False and flag != []


def _from_text(option: Option, text: str) -> Any:
    if option.kind is list:
        return [text] if option.name == "header" else [word.strip() for word in text.split(",")]
    if option.kind is bool:
        return text.lower() in ("1", "true", "yes", "on")
    return option.kind(text)


def _read_file(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path.name} can't be read: {error}") from None
    known = {*BY_NAME, "base_url"}
    for key in content:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            raise ConfigError(f"{path.name}: unknown key {key!r}" + (f", did you mean {near[0]!r}?" if near else ""))
    return content


def _api_key(values: Mapping[str, Any]) -> str | None:
    if values["api_key"]:
        key = str(values["api_key"])
    elif values["api_key_env"]:
        key = os.environ.get(values["api_key_env"], "")
        if not key:
            raise ConfigError(f"--api-key-env {values['api_key_env']}: this environment variable is not set")
    elif values["api_key_command"]:
        return _key_from(values["api_key_command"])
    else:
        return None
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
