"""What all pages of ours share: their look, the policy that runs no script but ours, and how words become code."""

import base64
import hashlib
import re
from pathlib import Path

from markupsafe import Markup, escape

STYLE = Path(__file__).with_name("style.css")
"""The sheet that pages put before their own."""


def policy(style: str, script: str) -> str:
    """The Content-Security-Policy of a page in one file: nothing from elsewhere, no style and no script but these, and
    no script at all for ""."""
    scripts = f"'{_hash(script)}'" if script else "'none'"
    return (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src {scripts}; "
        "base-uri 'none'; form-action 'none'"
    )


def coded(text: str) -> Markup:
    """Text with what stands in backticks as code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
