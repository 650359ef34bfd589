"""A page as headless Chromium leaves it, for the tests of the pages."""

import subprocess
import tempfile

import pytest

from tests.browser import FLAGS, FOUND

needs_chromium = pytest.mark.skipif(FOUND is None, reason="no Chromium on this machine (apt-get install chromium)")


def drawn(url: str, wait_s: float = 3.0) -> str:
    """The page's DOM as HTML after so many seconds of its own clock."""
    assert FOUND is not None
    with tempfile.TemporaryDirectory() as profile:
        words = [
            FOUND,
            "--headless",
            *FLAGS,
            f"--user-data-dir={profile}",
            f"--virtual-time-budget={wait_s * 1000:.0f}",
            "--dump-dom",
        ]
        return subprocess.run([*words, url], capture_output=True, text=True, timeout=60, check=True).stdout
