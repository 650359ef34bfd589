"""The pytest fixtures of a run: one for each probe, and what else a test may ask for."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from conformance.probe import MODES, PROBES, streamed


def fixtures(result: Callable[[str], Any], run: Callable[[str], Any]) -> object:
    """A plugin object: `result(name)` is what a probe returned, `run(name)` a thing of the whole run: its `exchanges`,
    `scripted`, `facts`, `target` or `profile`."""

    def of_probe(name: str) -> Any:
        if streamed(name) not in PROBES:
            return pytest.fixture(scope="session", name=name)(lambda: result(name))

        def in_either_mode(mode: str) -> Any:
            return result(streamed(name) if mode == "streamed" else name)

        return pytest.fixture(name=name)(in_either_mode)

    def of_run(name: str) -> Any:
        return pytest.fixture(scope="session", name=name)(lambda: run(name))

    namespace: Any = ModuleType("gateproof_probes")
    for name in PROBES:
        setattr(namespace, name, of_probe(name))
    for name in ("exchanges", "scripted", "facts", "target", "profile"):
        setattr(namespace, name, of_run(name))
    namespace.mode = pytest.fixture(name="mode")(lambda: MODES[0])
    return namespace
