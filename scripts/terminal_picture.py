"""Draws docs/terminal.svg: a real run of a command on a real pseudo-terminal, its text and colours unchanged.

python scripts/terminal_picture.py docs/terminal.svg -- gateproof check http://127.0.0.1:8000/v1
"""

import html
import os
import pty
import re
import sys
from pathlib import Path

COLOURS = {"31": "#ff7b72", "32": "#7ee787", "33": "#e3b341", "36": "#79c0ff"}
COLUMN, LINE, MARGIN = 8.43, 19, 16
WIDEST = 124
_SGR = re.compile(r"\x1b\[(\d*)m")
_OTHER = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def main() -> int:
    target, command = Path(sys.argv[1]), sys.argv[sys.argv.index("--") + 1 :]
    said = bytearray()

    def read(descriptor: int) -> bytes:
        data = os.read(descriptor, 65536)
        said.extend(data)
        return data

    os.environ.pop("NO_COLOR", None)
    status = os.waitstatus_to_exitcode(pty.spawn(command, read))
    lines = [f"$ {' '.join(command)}", *_lines(said.decode("utf-8", "replace")), f"$ echo $?\n{status}"]
    target.parent.mkdir(exist_ok=True)
    target.write_text(_svg([part for line in lines for part in line.split("\n")]), "utf-8")
    return 0


def _lines(text: str) -> list[str]:
    """What is left on the screen: of a line that was written over, only what was written last."""
    whole = [line.rsplit("\r", 1)[-1] for line in text.replace("\r\n", "\n").rstrip().split("\n")]
    kept = [_OTHER.sub(lambda m: m[0] if m[0].endswith("m") else "", line) for line in whole]
    return [line for long in kept for line in _folded(long)]


def _folded(line: str) -> list[str]:
    return [line[at : at + WIDEST] for at in range(0, len(line), WIDEST)] or [""]


def _svg(lines: list[str]) -> str:
    width, height = round(WIDEST * COLUMN + 2 * MARGIN), len(lines) * LINE + 2 * MARGIN
    rows = "\n".join(
        f'<text x="{MARGIN}" y="{MARGIN + 14 + number * LINE}" xml:space="preserve">{_spans(line)}</text>'
        for number, line in enumerate(lines)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">\n'
        f'<rect width="100%" height="100%" rx="8" fill="#0d1117"/>\n'
        f'<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace" '
        f'font-size="14" fill="#c9d1d9">\n{rows}\n</g></svg>\n'
    )


def _spans(line: str) -> str:
    parts = _SGR.split(line)
    spans = html.escape(parts[0])
    for code, text in zip(parts[1::2], parts[2::2], strict=True):
        escaped = html.escape(text)
        spans += f'<tspan fill="{COLOURS[code]}">{escaped}</tspan>' if code in COLOURS else escaped
    return spans


if __name__ == "__main__":
    raise SystemExit(main())
