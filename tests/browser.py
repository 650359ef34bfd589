"""A real headless Chromium, driven by playwright, for the tests of the pages. Where there is none they are left out, or
fail if BROWSER_REQUIRED is in the environment, as it is in CI."""

import importlib.util
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FOUND = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
MISSING = (
    "no Chromium that playwright can drive (apt-get install chromium; pip install playwright axe-playwright-python)"
)
IS_HERE = FOUND is not None and all(map(importlib.util.find_spec, ("playwright", "axe_playwright_python")))
needs_browser = pytest.mark.skipif(not IS_HERE and not os.environ.get("BROWSER_REQUIRED"), reason=MISSING)


@contextmanager
def running() -> Iterator[Any]:
    """A browser. While it runs, this thread has an event loop, so that nothing else may start one."""
    assert IS_HERE, MISSING
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=FOUND, args=list(FLAGS))
        yield browser
        browser.close()


@contextmanager
def opened(browser: Any, file: Path, fragment: str = "", **options: Any) -> Iterator[Any]:
    """The page of a file on disk, in a context of its own with these options. `page.trouble` lists what a page must not
    do: errors, words on the console, dialogs, and requests of anything but itself."""
    context = browser.new_context(**options)
    page = context.new_page()
    page.trouble = []
    page.on("console", lambda message: page.trouble.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: page.trouble.append(f"error: {error}"))
    page.on("dialog", lambda dialog: (page.trouble.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda asked: page.trouble.append(asked.url) if not _is_own(asked.url, file) else None)
    page.goto(file.as_uri() + fragment)
    yield page
    context.close()


def _is_own(url: str, file: Path) -> bool:
    return url.split("#")[0] in (file.as_uri(), "data:,")
