"""What was sent is still there, where it stands as it did, or is left out and means the same."""

from typing import Any

import pytest

from conformance.reading.upstream import is_kept


@pytest.mark.parametrize(
    ("here", "there", "kept"),
    [
        ({"name": "f", "strict": False}, {"name": "f"}, True),  # as vllm-router does
        ({"name": "f", "strict": True}, {"name": "f"}, False),
        ({"name": "f", "strict": False}, {"name": "f", "strict": True}, False),
        ({"name": "f", "description": None}, {"name": "f", "more": 1}, True),
        ({"name": "f", "minimum": 0}, {"name": "f"}, False),
        ([{"at": 1}], [{"at": 1.5}], False),
    ],
)
def test_what_is_kept(here: Any, there: Any, kept: bool) -> None:
    assert is_kept(here, there) is kept
