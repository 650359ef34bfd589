"""Writes a baseline for review: what fails now is added, with words for a person to replace, and what is stale is taken
out. All else stays as it is, to the byte: comments, order, line ends."""

import os
import re
import shutil
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from conformance.baseline.entries import KINDS, TO_DO, Baseline, parsed
from conformance.configuration.options import ConfigError
from conformance.exchange import clip
from conformance.verdict import Verdict

DAYS = 30
"""How long a new entry counts, unless its reviewer says otherwise."""
_HEADER = re.compile(r"\s*\[\[\s*(\w+)\s*\]\]")
_OPENING = """\
# What this gateway is known not to keep. [[known]] is run and must fail, [[flaky]] may; each entry needs a reason, an
# owner or a link, and the last day on which it counts.
"""


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a baseline: the names of the entries added, taken out, and left though they have expired or cover
    less than what fails now."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    left: tuple[str, ...]

    def sentence(self, file: str) -> str:
        said = []
        if self.added:
            said.append(f"{len(self.added)} added ({_few(self.added)}): replace what says {TO_DO} before it counts")
        if self.removed:
            said.append(f"{len(self.removed)} taken out ({_few(self.removed)})")
        if self.left:
            said.append(f"{len(self.left)} left to you, expired or covering less than fails ({_few(self.left)})")
        return f"baseline {file}: {'; '.join(said) or 'nothing to change'}"


def update(document: dict[str, Any], baseline: Baseline, tests: Callable[[], dict[str, str]], *, strict: bool) -> str:
    """Brings the file of a baseline up to date with a report, and says what was done. It is written whole or not at
    all. Raises ConfigError if it can't be."""
    path = Path(os.path.realpath(baseline.file))
    try:
        text = path.read_bytes().decode("utf-8") if path.exists() else _OPENING
        new, change = updated(text, document, baseline.today, strict=strict)
        _check(text, new, change, tests)
        if change.added or change.removed:
            _write(path, new)
    except (OSError, ValueError) as error:
        raise ConfigError(f"--update-baseline {baseline.file}: it can't be written ({error})") from None
    return change.sentence(baseline.file)


def updated(text: str, document: dict[str, Any], today: date, *, strict: bool) -> tuple[str, Change]:
    """The new text of a baseline and how it differs. With `strict`, warnings are added, too. Raises ValueError for one
    that is laid out in a way that can't be edited."""
    entries = document["baseline"]["entries"]
    stale = [entry for entry in entries if entry["verdict"] == Verdict.STALE and not entry["expired"]]
    broken = {Verdict.FAIL.value, Verdict.WARN.value} if strict else {Verdict.FAIL.value}
    wanted = [found for row in document["requirements"] for found in _missing(row, broken)]
    expired = [_name(entry) for entry in entries if entry["expired"]]
    covered = [_name(entry) for entry in entries if entry["verdict"] in broken and not entry["expired"]]
    end = "\r\n" if "\r\n" in text else "\n"
    kept = _without(text, {(entry["kind"], _place(entry, entries)) for entry in stale})
    blocks = [_block(key, name, row, today) for key, name, row in wanted]
    if blocks and kept and not kept.endswith("\n"):
        kept += end
    new = kept + "".join(end + block.replace("\n", end) for block in blocks)
    names = tuple(name for _, name, _ in wanted)
    return new, Change(names, tuple(_name(entry) for entry in stale), tuple(expired + covered))


def _missing(row: dict[str, Any], broken: set[str]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The entries that a requirement lacks: one for all of it, or for single tests where others of it have theirs."""
    if row["verdict"] not in broken:
        return
    if not row.get("baseline"):
        yield "id", row["id"], row
    elif all(entry["test"] for entry in row["baseline"]):
        have = {entry["test"] for entry in row["baseline"]}
        for test in (node_id.rsplit("/", 1)[-1] for node_id, verdict in row["tests"].items() if verdict in broken):
            if test not in have:
                yield "test", test, row


def _block(key: str, name: str, row: dict[str, Any], today: date) -> str:
    """A new entry. What the gateway was seen to do stands in a comment, so nothing of it can be more than that."""
    seen = clip("".join(c if c.isprintable() else " " for c in row["message"]), 300)
    return (
        f"# {row['id']} ({row['level']}): {row['statement']}\n# seen: {seen}\n"
        f'[[known]]\n{key} = "{name}"\nreason = "{TO_DO}: why is it not kept, and what is done about it?"\n'
        f'owner = "{TO_DO}: who sees to it? (or link = …)"\nexpires = {today + timedelta(DAYS)}\n'
    )


def _without(text: str, gone: set[tuple[str, int]]) -> str:
    """The text without these entries, each by its kind and its place among those of its kind, and without the comment
    right above each."""
    lines = text.splitlines(keepends=True)
    starts = [(number, found[1]) for number, line in enumerate(lines) if (found := _HEADER.match(line))]
    tops = [_top(lines, number) for number, _ in starts]
    counts = dict.fromkeys(KINDS, 0)
    dropped: set[int] = set()
    ends = [*tops[1:], len(lines)][: len(tops)]
    for (_, kind), top, end in zip(starts, tops, ends, strict=True):
        if (kind, counts.get(kind, 0)) in gone:
            dropped |= set(range(top, _bottom(lines, top, end)))
        counts[kind] = counts.get(kind, 0) + 1
    return "".join(line for number, line in enumerate(lines) if number not in dropped)


def _top(lines: list[str], header: int) -> int:
    """The first line of the comment that belongs to an entry, or its header."""
    while header and lines[header - 1].lstrip().startswith("#"):
        header -= 1
    return header


def _bottom(lines: list[str], top: int, end: int) -> int:
    """Where an entry ends: before what stands apart from it, behind the empty lines that follow it."""
    empty = next((number for number in range(top, end) if not lines[number].strip()), end)
    after = next((number for number in range(empty, end) if lines[number].strip()), end)
    return after if after == end or lines[after].lstrip().startswith("#") else end


def _place(entry: dict[str, Any], entries: list[dict[str, Any]]) -> int:
    """Where an entry stands among those of its kind."""
    return [other for other in entries if other["kind"] == entry["kind"]].index(entry)


def _check(text: str, new: str, change: Change, tests: Callable[[], dict[str, str]]) -> None:
    """Raises ValueError unless the new text says just what it should: the other entries as they were, and the new
    ones."""
    before, after = (parsed(tomllib.loads(each), tests) for each in (text, new))
    kept = {entry for entry in before if entry.name not in change.removed}
    if not (kept <= {*after} and {entry.name for entry in {*after} - kept} == {*change.added}):
        raise ValueError("its layout is not understood; write each entry as a table [[known]] or [[flaky]]")


def _write(path: Path, text: str) -> None:
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
        if path.exists():
            shutil.copymode(path, partial)
        else:
            os.chmod(partial, 0o644)
        os.replace(partial, path)
    except OSError:
        os.unlink(partial)
        raise


def _name(entry: dict[str, Any]) -> str:
    return str(entry["test"] or entry["id"])


def _few(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
