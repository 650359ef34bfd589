"""What is said, in one line, where a base URL can't be judged."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from conformance.profiles import profile
from conformance.sending.recording import record
from conformance.target import ConfigError, Target
from reference_gateway.app import create_app
from reference_gateway.config import default_config
from reference_gateway.gateway import Gateway
from reference_gateway.server import running
from tests.conformance.suites.defects import Answer, Asked, changed

NEMO = "/apis/inference-gateway/v2/workspaces"


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    with running(create_app(Gateway.open(default_config()))) as url:
        yield url


def blocked(url: str, dialect: str, workspace: str | None = None) -> str | None:
    target = Target(url, profile=dialect, workspace=workspace)
    return asyncio.run(record(target, profile(dialect), set())).blocked


@pytest.mark.parametrize(
    ("dialect", "path", "workspace", "right"),
    [
        ("openai", "", None, "/v1"),
        ("watsonx", "", None, "/ml/gateway/v1"),
        ("watsonx", "/ml/gateway", None, "/ml/gateway/v1"),
        ("nemo", "", "default", f"{NEMO}/default/openai/-/v1"),
        ("nemo", f"{NEMO}/default", None, f"{NEMO}/default/openai/-/v1"),
        ("nemo", f"{NEMO}/default/openai", None, f"{NEMO}/default/openai/-/v1"),
        ("nemo", f"{NEMO}/default/openai/-/v1/chat", None, f"{NEMO}/default/openai/-/v1"),
    ],
)
def test_the_right_base_url_is_found(origin: str, dialect: str, path: str, workspace: str | None, right: str) -> None:
    said = blocked(origin + path, dialect, workspace)
    assert said is not None
    assert said.endswith(f"; {origin}{right} looks right: use that")


def test_a_byte_order_mark_is_told() -> None:
    def marked(asked: Asked, answer: Answer) -> Answer:
        return replace(answer, body=b"\xef\xbb\xbf" + answer.body)

    with running(changed(create_app(Gateway.open(default_config())), marked)) as url:
        said = blocked(f"{url}/v1", "openai")
    assert said is not None
    assert "JSON behind a byte order mark" in said
    assert "RFC 8259 section 8.1" in said


@pytest.mark.parametrize("workspace", ["nope", "NOPE"])
def test_a_workspace_that_is_not_there_is_asked_about(origin: str, workspace: str) -> None:
    said = blocked(f"{origin}{NEMO}/{workspace}/openai/-/v1", "nemo")
    assert said is not None
    assert f"is there a workspace '{workspace}'?" in said
    assert "\n" not in said


def test_a_workspace_that_is_not_named_is_asked_for(origin: str) -> None:
    with pytest.raises(ConfigError, match=r"profile nemo needs a workspace: .*/workspaces/WORKSPACE/openai/-/v1"):
        blocked(f"{origin}/v1", "nemo")


@pytest.mark.parametrize(
    ("dialect", "path"), [("openai", "/v1"), ("watsonx", "/ml/gateway/v1"), ("nemo", f"{NEMO}/default/openai/-/v1")]
)
def test_the_right_base_url_is_not_doubted(origin: str, dialect: str, path: str) -> None:
    assert blocked(origin + path, dialect) is None
