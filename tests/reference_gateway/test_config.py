from pathlib import Path

import pytest

from reference_gateway.call import Endpoint
from reference_gateway.config import ConfigError, default_config, load, parse, with_settings

PROVIDER = '[[providers]]\nname = "a"\ntype = "simulator"\n'
MODEL = PROVIDER + '[[providers.models]]\nid = "x"\n'
UPSTREAM = '[[providers]]\nname = "a"\ntype = "upstream"\nbase_url = "http://up.example/v1"\n'
ENTITIES = '[[workspaces]]\nname = "default"\nentities = [{ name = "%s", model = "%s" }]\n'


def test_the_default_has_what_the_dialects_promise() -> None:
    registry = default_config().registry
    assert Endpoint.CHAT in registry.served[0].model.endpoints
    assert {workspace.name for workspace in registry.workspaces} >= {"default", "system"}
    default = registry.workspace("default")
    assert default is not None
    assert default.entity("meta-llama-3-3-70b-instruct") and default.entity("mock-small")


def test_a_model_and_a_provider_may_say_little() -> None:
    config = parse(MODEL + UPSTREAM.replace('"a"', '"b"'))
    (served,) = config.registry.find("x")
    assert (served.model.served_name, served.provider.workspace) == ("x", "default")
    assert served.model.endpoints == frozenset(Endpoint)
    upstream = config.registry.providers[1].upstream
    assert upstream is not None
    assert (upstream.base_url, upstream.api_key) == ("http://up.example/v1", None)


def test_uuids_are_the_same_in_every_run() -> None:
    assert parse(MODEL).registry.served == parse(MODEL).registry.served


def test_settings_can_be_laid_over_those_of_every_model() -> None:
    config = with_settings(parse(MODEL + "settings = { ttft_s = 1, itl_s = 2 }"), {"ttft_s": 0.5})
    assert config.registry.served[0].model.settings | config.settings == {"ttft_s": 0.5, "itl_s": 2}


def test_a_key_can_come_from_the_environment_and_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UP_KEY", "sk-secret")
    config = parse(UPSTREAM + 'api_key_env = "UP_KEY"\nheaders = { x-key = "sk-other" }')
    upstream = config.registry.providers[0].upstream
    assert upstream is not None and upstream.api_key == "sk-secret"
    assert "sk-" not in repr(config)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("= 1", "not valid TOML"),
        ("[[provider]]", "provider: unknown key; did you mean 'providers'?"),
        ("zzz = 1", "zzz: unknown key; known keys: "),
        ("providers = 1", "providers: expected list"),
        ("providers = [1]", "providers[0]: expected a table"),
        ("max_body_bytes = true", "max_body_bytes: expected int"),
        ("max_body_bytes = 0", "max_body_bytes must be positive"),
        ('entity_name_pattern = "["', "entity_name_pattern: not a regular expression"),
        ('[[providers]]\ntype = "simulator"', "providers[0].name: missing"),
        ('[[providers]]\nname = "a"\ntype = "upstraem"', "unknown type 'upstraem'; did you mean 'upstream'?"),
        (PROVIDER + 'base_url = "http://x"', "providers[0].base_url: only providers of type 'upstream'"),
        (PROVIDER + 'workspace = "zz"', "there is no workspace 'zz'"),
        (PROVIDER + PROVIDER, "there are two of provider 'a'"),
        (MODEL + "endpoints = ['chta']", "unknown endpoint 'chta'; did you mean 'chat'?"),
        (
            MODEL + "settings = { ttfts = 1 }",
            "providers[0].models[0].settings.ttfts: unknown key; did you mean 'ttft_s'?",
        ),
        (MODEL + "settings = { ttft_s = -1 }", "settings.ttft_s: out of range"),
        (MODEL + "settings = { ttft_s = nan }", "settings.ttft_s: out of range"),
        (MODEL + "settings = { vision = 1 }", "settings.vision: expected bool"),
        (MODEL + 'alias = "x"', "Provider 'a' already has a model with the id or alias 'x'"),
        (UPSTREAM.replace("http:", "ftp:"), "base_url: expected an http"),
        (UPSTREAM + 'api_key_env = "NOT_SET_ANYWHERE"', "the environment variable NOT_SET_ANYWHERE is not set"),
        (UPSTREAM + "timeout_s = 0", "timeout_s: must be a positive number"),
        (UPSTREAM.replace("up.example", "[::"), "base_url: expected an http"),
        (UPSTREAM.replace("up.example", "up:99999"), "base_url: expected an http"),
        (UPSTREAM + "headers = { a = 1 }", "headers: 'a' and its value can't be sent"),
        (UPSTREAM + 'headers = { "a b" = "1" }', "headers: 'a b' and its value can't be sent"),
        (UPSTREAM + 'api_key = "é"', "providers[0]: the API key can't be sent"),
        (UPSTREAM + 'api_key = "a"\napi_key_env = "B"', "give api_key or api_key_env, not both"),
        (MODEL + 'uuid = "1"', "providers[0].models[0].uuid: not a UUID"),
        (MODEL + "endpoints = [['chat']]", "unknown endpoint ['chat']"),
        (MODEL + ENTITIES % ("A_b", "x"), "the name 'A_b' does not match entity_name_pattern"),
        (MODEL + ENTITIES % ("ab", "y"), "entity default/ab: no model 'y'"),
    ],
)
def test_a_mistake_is_told_in_one_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse(text)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_bytes(b"\xff")
    for name, reason in (("none.toml", "no such file or directory"), ("bad.toml", "not UTF-8 text")):
        with pytest.raises(ConfigError, match=f"{name}: {reason}"):
            load(tmp_path / name)
