"""Proxies by the environment: which one is chosen, what it is told, and what it is not."""

import pytest

from conformance.target import ConfigError, Target
from load.client.endpoint import Endpoint
from load.client.proxies import Proxy, proxy_for
from tests.load.client.test_client import ask
from tests.load.scripted import GOOD, served

NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(
    ("env", "scheme", "found"),
    [
        ({}, "http", None),
        ({"HTTP_PROXY": "http://p:3128"}, "http", Proxy("p", 3128)),
        ({"HTTP_PROXY": "http://p:3128"}, "https", None),
        ({"HTTPS_PROXY": "p:3128"}, "https", Proxy("p", 3128)),
        ({"ALL_PROXY": "http://p"}, "https", Proxy("p", 80)),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "other,gw.test"}, "http", None),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "*"}, "http", None),
        (
            {"HTTP_PROXY": "http://me:s%40fe@p:1"},
            "http",
            Proxy("p", 1, b"Proxy-Authorization: Basic bWU6c0BmZQ==\r\n"),
        ),
    ],
)
def test_the_environment_names_the_proxy(
    env: dict[str, str], scheme: str, found: Proxy | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(scheme, "gw.test", 8000) == found


@pytest.mark.parametrize("url", ["socks5://p:1080", "https://p:1", "http://p:none"])
def test_a_proxy_we_can_t_speak_to_is_told_at_once_without_its_password(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", url.replace("://", "://me:hush@"))
    with pytest.raises(ConfigError) as raised:
        proxy_for("http", "gw.test", 80)
    assert "hush" not in str(raised.value)


def test_a_plain_request_names_its_whole_url_to_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with served([[GOOD]]) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/v1").replace("://", "://me:hush@"))
        (found,) = ask("http://gw.test:8000/v1")
    assert found["failure"] is None
    head = proxy.requests[0].partition(b"\r\n\r\n")[0].decode()
    assert head.startswith("POST http://gw.test:8000/v1/chat/completions HTTP/1.1\r\n")
    assert "Host: gw.test:8000\r\n" in head and "Proxy-Authorization: Basic " in head


def test_a_proxy_that_refuses_a_tunnel_is_a_failure_of_its_own_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    with served([[(b"HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n",)]]) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.removesuffix("/v1"))
        (found,) = ask("https://gw.test/v1")
    assert (found["failure"], found["detail"]) == ("proxy", "the proxy answered CONNECT with 407")
    request = proxy.requests[0].decode()
    assert request.startswith("CONNECT gw.test:443 HTTP/1.1\r\nHost: gw.test:443\r\n") and "sk-1" not in request


def test_the_key_never_goes_into_the_head_for_a_tunnel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://p:1")
    assert b"sk-9" not in Endpoint.of(Target("https://gw.test/v1", api_key="sk-9")).tunnel
