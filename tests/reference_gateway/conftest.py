"""A real gateway on a free port, with a key, its simulator as fast as it goes."""

import socket
import threading
from collections.abc import Iterator

import httpx
import pytest
from openai import OpenAI

from reference_gateway.config import default_config, with_settings
from reference_gateway.server import running_gateway

KEY = "sk-test.key-1"


@pytest.fixture(scope="session")
def gateway_url() -> Iterator[str]:
    config = with_settings(default_config(), {"ttft_s": 0.0, "itl_s": 0.0})
    with running_gateway(config, tokens=[KEY, "second.key"]) as url:
        yield url


@pytest.fixture(scope="session")
def anonymous(gateway_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway_url) as client:
        yield client


@pytest.fixture(scope="session")
def client(gateway_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway_url, headers={"authorization": f"Bearer {KEY}"}) as client:
        yield client


@pytest.fixture(scope="session")
def sdk(gateway_url: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{gateway_url}/v1", api_key=KEY, max_retries=0) as sdk:
        yield sdk


@pytest.fixture
def closed_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


@pytest.fixture
def closing_port() -> Iterator[int]:
    """A port where every connection is accepted, and closed when something was said."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.recv(1)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(5)
