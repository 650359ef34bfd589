"""The bundled gateway before a scripted provider."""

from importlib import resources

from reference_gateway.config import Config, parse
from reference_gateway.scripted.records import SECOND

MODEL = "scripted-model"
"""What clients call the model that the provider serves."""
FAILOVER_MODEL = "two-providers"
"""What clients call the model that the provider serves at both of its addresses."""
COMPLETIONS_MODEL, EMBEDDINGS_MODEL = "scripted-completions", "scripted-embeddings"
SERVED = "gpt-4o-mini"
_PROVIDER = """
[[providers]]
name = "scripted"
type = "upstream"
base_url = "{url}"
api_key = "{key}"
timeout_s = {timeout_s}
[[providers.models]]
id = "{model}"
served_name = "{served}"
endpoints = ["chat"]
[[providers.models]]
id = "{completions_model}"
endpoints = ["completions"]
served_name = "gpt-3.5-turbo-instruct"
[[providers.models]]
id = "{embeddings_model}"
endpoints = ["embeddings"]
served_name = "text-embedding-3-small"
[[providers.models]]
id = "{failover_model}"
served_name = "{served}"
endpoints = ["chat"]
[[providers]]
name = "second"
type = "upstream"
base_url = "{second}"
api_key = "{key}"
timeout_s = {timeout_s}
[[providers.models]]
id = "{failover_model}"
served_name = "{served}"
endpoints = ["chat"]
"""


def config(url: str, key: str, timeout_s: float = 2.0) -> Config:
    """The default configuration with this provider (its `/v1`) in it."""
    usual = resources.files("reference_gateway").joinpath("default.toml").read_text("utf-8")
    where = {"url": url, "second": f"{url.removesuffix('/v1')}{SECOND}/v1", "key": key, "timeout_s": timeout_s}
    names = {"model": MODEL, "failover_model": FAILOVER_MODEL, "served": SERVED}
    names |= {"completions_model": COMPLETIONS_MODEL, "embeddings_model": EMBEDDINGS_MODEL}
    return parse(usual + _PROVIDER.format(**where, **names))


def models() -> dict[str, str]:
    """The options of a check that name them."""
    named = {"model": MODEL, "failover_model": FAILOVER_MODEL}
    return named | {"completions_model": COMPLETIONS_MODEL, "embeddings_model": EMBEDDINGS_MODEL}
