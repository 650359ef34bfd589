"""Waits for what the gateway does in its own time."""

import time
from collections.abc import Callable

import httpx


def eventually(ask: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not ask():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def ready(client: httpx.Client, name: str, workspace: str = "default") -> None:
    """Waits until the provider is ready."""
    path = f"/apis/inference-gateway/v2/workspaces/{workspace}/provider/{name}/ready"
    eventually(lambda: client.get(path).status_code == 200)
