"""The bundled gateway before a scripted provider."""

from importlib import resources

from reference_gateway.config import Config, parse
from reference_gateway.scripted.records import SECOND

MODEL = "scripted-model"
"""What clients call the model that the provider serves."""
FAILOVER_MODEL = "two-providers"
"""What clients call the model that the provider serves at both of its addresses."""
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
    return parse(usual + _PROVIDER.format(**where, model=MODEL, failover_model=FAILOVER_MODEL, served=SERVED))
