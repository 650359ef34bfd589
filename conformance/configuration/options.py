"""The options of a run, in one table: the command, the pytest plugin, the environment and gateproof.toml all have these
and no others."""

from dataclasses import dataclass
from typing import Any

from conformance.limits import Limits

CONFIG_FILE = "gateproof.toml"
BASELINE_FILE = "gateproof.baseline.toml"
DEFAULT_PROFILE = "openai"


class ConfigError(Exception):
    """The user's configuration can't be used; the message says what to do. Exit code 4."""


@dataclass(frozen=True, slots=True)
class Option:
    """One setting: `--name`, `GATEPROOF_NAME`, and `name = …` in gateproof.toml.

    `kind` is str, int, float, bool or list (repeatable; a comma-separated text in the environment). `is_secret`: its
    value is never shown.
    """

    name: str
    kind: type
    summary: str
    metavar: str = ""
    default: Any = None
    is_secret: bool = False

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        return f"GATEPROOF_{self.name.upper()}"

    @property
    def help(self) -> str:
        """The summary and the default, for argparse."""
        default = f"{self.default:g}" if isinstance(self.default, float) else self.default
        return (self.summary + (f" (default {default})" if default else "")).replace("%", "%%")


OPTIONS = (
    Option("profile", str, "requirements and dialect to judge by", "NAME", DEFAULT_PROFILE),
    Option("model", str, "model id to use (default: the first listed model that answers a chat)", "ID"),
    Option("completions_model", str, "model id for /completions, where it differs", "ID"),
    Option("embeddings_model", str, "model id for /embeddings, where it differs", "ID"),
    Option(
        "api_key",
        str,
        "bearer token (better: --api-key-env, which keeps it out of the process list)",
        "KEY",
        is_secret=True,
    ),
    Option("api_key_env", str, "environment variable that holds the bearer token", "VAR"),
    Option("api_key_command", str, "command that prints a fresh bearer token; run again when it gets 401", "CMD"),
    Option("header", list, "extra header on every request, as 'Name: value' (repeatable)", "HEADER"),
    Option("ca_file", str, "PEM file of the certificate authority to trust", "FILE"),
    Option("insecure", bool, "do not verify the gateway's certificate"),
    Option("timeout", float, "seconds without a byte after which a request is given up", "S", Limits().silence_s),
    Option("workspace", str, "workspace the gateway is asked in (default: the one in the URL)", "NAME"),
    Option("provider", str, "provider whose route is asked, where the dialect has such a route", "NAME"),
    Option("entity_name_pattern", str, "regular expression that whole entity names follow", "REGEX"),
    Option("empty_workspace", str, "a workspace that holds no model, to judge an empty list", "NAME"),
    Option(
        "restricted_api_key",
        str,
        "a second key, valid but not permitted to use the model under test",
        "KEY",
        is_secret=True,
    ),
    Option("body_limit", int, "the largest request body, in bytes, that the gateway is configured to take", "BYTES"),
    Option("upstream", str, "URL of the `gateproof upstream` that stands behind the gateway", "URL"),
    Option("upstream_key", str, "that provider's own key", "KEY", is_secret=True),
    Option("upstream_timeout", float, "seconds after which the gateway gives up a silent provider", "S"),
    Option("failover_model", str, "model that the gateway has from both addresses of `gateproof upstream`", "MODEL"),
    Option("without", list, "endpoint that this gateway does not have, such as embeddings (repeatable)", "ENDPOINT"),
    Option("feature", list, "features claimed (+name) or not offered (-name), comma-separated", "+X,-Y"),
    Option(
        "sdk_python",
        str,
        "interpreter with another openai; its verdicts stand apart (they count with --strict)",
        "PATH",
    ),
    Option("only", list, "judge only these requirement ids or areas, comma-separated", "IDS"),
    Option("concurrency", int, "requests in flight at the most", "N", 16),
    Option("plan", bool, "print how many requests and tokens a run will cost, and send nothing"),
    Option("max_requests", int, "never send more requests than this", "N"),
    Option("max_time", float, "seconds after which nothing is sent any more", "S", Limits().run_s),
    Option("budget_tokens", int, "never spend more tokens than this, of prompts and answers together", "N"),
    Option("record", str, "file to keep the run in, without its secrets, to be judged again later", "FILE"),
    Option("replay", str, "judge the run in this file again, without a gateway", "FILE"),
    Option("strict", bool, "a warning or an inconclusive requirement fails the run, too"),
    Option(
        "baseline",
        str,
        f"TOML file of what is known to fail or to be flaky (default: {BASELINE_FILE}, where there is one)",
        "FILE",
    ),
    Option("update_baseline", bool, "add to the baseline what fails now, take out what no longer does, for review"),
    Option("min_judged", str, "red if fewer of the profile's MUSTs than this are judged", "N%"),
    Option("last_report", str, "report.json of an earlier run: red if a smaller share of the MUSTs is judged", "FILE"),
    Option("output", str, "folder for report.json, junit.xml, allure-results/ and what else is rendered", "DIR"),
    Option("no_annotations", bool, "on GitHub Actions: print no annotations, and write no summary of the step"),
)
HOW_TO_RUN = frozenset(
    {
        *("only", "concurrency", "plan", "max_requests", "max_time", "budget_tokens", "record", "replay", "strict"),
        *("baseline", "update_baseline", "min_judged", "last_report", "output", "no_annotations"),
    }
)
"""The options that say how to go about a run; the others say what is judged."""
BY_NAME = {option.name: option for option in OPTIONS}
OTHER_VARIABLES = ("GATEPROOF_DIRECT_API_KEY",)
"""Variables that are read elsewhere: by a load test."""
ENDPOINTS = ("models", "chat", "completions", "embeddings")
