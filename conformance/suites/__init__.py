"""The suites: each test judges one requirement of the catalogue on recorded exchanges, and sends nothing."""

import pytest

requirement = pytest.mark.requirement
"""Names the requirement that a test judges; its statement, level and features come from the catalogue."""
