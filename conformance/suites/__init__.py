"""The suites: each test judges one requirement of the catalogue on recorded exchanges."""

import pytest

requirement = pytest.mark.requirement
