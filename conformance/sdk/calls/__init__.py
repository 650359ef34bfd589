"""What programs do with the official SDK for Python, in a process of its own: under any interpreter that has `openai`.

So nothing in here imports anything of ours, the modules name one another by relative imports, and all of it keeps to
Python 3.9. The process is started by the path of this folder; it calls itself `calls` there.
"""

from __future__ import annotations

from collections.abc import Callable

KEY = "the-recorder-knows-the-key"
"""Stands for the target's key, which this process is never told."""
LEFT = "x-gateproof-left"
"""A header that tells the recorder that this stream is going to be left. It goes no further."""

Say = Callable[[str], None]
"""Tells which step comes next, in the words of a program: an exception is then said to come from there."""
