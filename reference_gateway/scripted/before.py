"""The bundled gateway before a scripted provider."""

from importlib import resources

from reference_gateway.config import Config, parse

MODEL = "scripted-model"
"""What clients call the model that the provider serves."""
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
"""


def config(url: str, key: str, timeout_s: float = 2.0) -> Config:
    """The default configuration with this provider (its `/v1`) in it."""
    usual = resources.files("reference_gateway").joinpath("default.toml").read_text("utf-8")
    return parse(usual + _PROVIDER.format(url=url, key=key, timeout_s=timeout_s, model=MODEL, served=SERVED))
