"""A run that is cut: what it says of what it did not send, and what it leaves behind."""

import asyncio
import gc
import warnings

import pytest

from conformance import catalogue, profiles
from conformance.judging.in_process import needed
from conformance.sending.cost import Budget
from conformance.sending.recording import record
from conformance.target import Target
from tests.conftest import KEY


@pytest.mark.parametrize("most", [15, 60])
def test_a_run_that_is_cut_leaves_no_request_made_ready_and_unsent(gateway_url: str, most: int) -> None:
    """Python warns of each on stderr, where a user reads it."""
    target = Target(f"{gateway_url}/v1", api_key=KEY)
    areas = sorted(catalogue.areas().keys() - {"SDK", "UPS"})
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        recording = asyncio.run(
            record(target, profiles.profile("openai"), needed(target, *areas), budget=Budget(requests=most))
        )
        gc.collect()
    assert len(recording.exchanges) <= most
    assert any("--max-requests" in (result.unusable or "") for result in recording.results.values())
    assert [f"{found.message}".splitlines()[0] for found in warned] == []
