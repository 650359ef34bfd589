"""Options: flags over environment over file, and one clear sentence for what can't be used."""

from pathlib import Path

import pytest

from conformance.target import BY_NAME, ConfigError, Target, load

URL = "http://127.0.0.1:8000/v1"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*BY_NAME, "base_url"]:
        monkeypatch.delenv(f"GATEPROOF_{name.upper()}", raising=False)


def test_a_flag_wins_over_the_environment_and_that_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gateproof.toml").write_text('base_url = "http://file/v1"\nmodel = "file"\nprofile = "nemo"\n')
    assert load({}, None, tmp_path)[0].model == "file"
    monkeypatch.setenv("GATEPROOF_MODEL", "environment")
    assert load({}, None, tmp_path)[0].model == "environment"
    target, _ = load({"model": "flag"}, None, tmp_path)
    assert (target.model, target.profile, target.base_url) == ("flag", "nemo", "http://file/v1")


def test_lists_come_from_repeated_flags_commas_and_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gateproof.toml").write_text('header = ["X-One: 1", "X-Two: 2"]\nonly = "LIST, AUTH"\n')
    target, settings = load({}, URL, tmp_path)
    assert target.headers == (("X-One", "1"), ("X-Two", "2"))
    assert settings.only == ("LIST", "AUTH")
    monkeypatch.setenv("GATEPROOF_WITHOUT", "embeddings,completions")
    assert load({}, URL, tmp_path)[0].without == {"embeddings", "completions"}


def test_features_are_claimed_and_declined() -> None:
    target, _ = load({"feature": ["+tools,-n", "stop"]}, URL)
    assert (target.claimed, target.declined) == ({"tools", "stop"}, {"n"})


def test_a_key_comes_from_a_variable_or_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-from-variable")
    assert load({"api_key_env": "MY_KEY"}, URL)[0].api_key == "sk-from-variable"
    assert load({"api_key_command": "echo sk-from-command"}, URL)[0].api_key == "sk-from-command"


def test_a_restricted_key_is_a_secret_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEPROOF_RESTRICTED_API_KEY", "sk-restricted")
    assert load({"api_key": "sk-own"}, URL)[0].secrets == ["sk-own", "sk-restricted"]


@pytest.mark.parametrize("limit", [0, -5])
def test_a_body_limit_is_above_zero(limit: int) -> None:
    assert load({"body_limit": 1}, URL)[0].body_limit == 1
    with pytest.raises(ConfigError, match=f"--body-limit {limit}"):
        load({"body_limit": limit}, URL)


def test_the_trailing_slash_of_a_url_means_nothing() -> None:
    assert load({}, URL + "/")[0].base_url == URL


@pytest.mark.parametrize(
    ("flags", "url", "sentence"),
    [
        ({}, None, "no gateway is named"),
        ({}, "localhost:8000", "is not a URL"),
        ({}, "ftp://host", "is not a URL"),
        ({}, "http://host:99999/v1", "is not a URL"),
        ({"api_key_env": "NO_SUCH_VARIABLE"}, URL, "is not set"),
        ({"api_key_command": "exit 3"}, URL, "exit code 3"),
        ({"api_key_command": "true"}, URL, "must print the token"),
        ({"api_key": "sk-ключ"}, URL, "can't be sent in a header"),
        ({"header": ["no colon"]}, URL, "must look like 'Name: value'"),
        ({"header": ["A: b\r\nC: d"]}, URL, "must look like"),
        ({"without": ["chats"]}, URL, "must be one of models, chat"),
        ({"concurrency": 1000}, URL, "between 1 and 256"),
        ({"timeout": -1.0}, URL, "above 0"),
    ],
)
def test_what_cant_be_used_is_said_in_a_sentence(flags: dict[str, object], url: str | None, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        load(flags, url)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("modle = 'x'", "unknown key 'modle', did you mean 'model'"),
        ("concurrency = 'many'", "concurrency must be of type int"),
        ("strict = 1", "strict must be of type bool"),
        ("not toml", "can't be read"),
    ],
)
def test_a_broken_file_is_said_in_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "gateproof.toml").write_text(text)
    with pytest.raises(ConfigError, match=sentence):
        load({}, URL, tmp_path)


def test_a_bad_variable_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEPROOF_CONCURRENCY", "many")
    with pytest.raises(ConfigError, match="GATEPROOF_CONCURRENCY=many"):
        load({}, URL)


def test_all_secrets_are_known_to_the_redactor() -> None:
    target = Target(
        "http://user:hidden-pass@h/v1", api_key="sk-key", headers=(("X-Api-Key", "k-header"), ("X-Other", "plain"))
    )
    assert set(target.secrets) == {"sk-key", "k-header", "hidden-pass"}
