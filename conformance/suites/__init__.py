"""The suites: each test judges one requirement of the catalogue on recorded exchanges, and sends nothing."""

from collections.abc import Callable

import pytest

from conformance.probe import MODES

Test = Callable[..., None]


def requirement(id: str, *, both_modes: bool = False) -> Callable[[Test], Test]:
    """Names the requirement that a test judges; its statement, level and features come from the catalogue.

    With `both_modes` the test is run on plain answers and on streamed ones: the probes that have a streamed form then
    give that one, and `conformance.reading.traffic.reply_of` reads either.
    """

    def mark(test: Test) -> Test:
        marked: Test = pytest.mark.requirement(id)(test)
        if both_modes:
            marked = pytest.mark.parametrize("mode", MODES)(marked)
        return marked

    return mark
