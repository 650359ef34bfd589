"""Checks every hostile gateway, or loads it (--load), and looks at what becomes of us.

Each case of reference_gateway/hostile is checked, or loaded, by the command, in a process of its own, with little time.
A case is survived if the command ends by itself in time, with a code that says what was found and never with a fault of
ours, within the memory (of the largest of its processes), with files that are valid, no larger than they should be and
hold nothing that a terminal or a browser would obey, and without its key having been heard by another host. Leaves
hostile.json, or load.json, in reports/hostile/.
"""

import argparse
import json
import logging
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import schemas
from reference_gateway.hostile import CASES
from reference_gateway.hostile.case import Case
from reference_gateway.hostile.serving import serving

ROOT = Path(__file__).resolve().parent.parent
KEY = "sk-hostile-0123456789abcdef"
SILENCE_S = 1.5
MOST_REPORT_MIB = 16
MOST_FILES_MIB = 64
OBEYED = {
    "an escape sequence": re.compile(rb"\x1b|\xc2[\x80-\x9f]|[\x00-\x08\x0b\x0c\x0e-\x1f]"),
    "a control of the writing's direction": re.compile(rb"\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]"),
    "a script": re.compile(rb"<script", re.IGNORECASE),
}
HTML = {**OBEYED, "a script": re.compile(rb"<script>alert|<img src=x", re.IGNORECASE)}
"""In a page that has scripts of its own: those of reference_gateway/hostile/bodies.py."""


@dataclass(slots=True)
class Row:
    """What became of one check. `wrong` are the ways in which it was not survived."""

    case: str
    does: str
    exit_code: int = -1
    took_s: float = 0.0
    cpu_s: float = 0.0
    peak_mib: int = 0
    files_mib: float = 0.0
    verdicts: dict[str, int] = field(default_factory=dict)
    blamed: dict[str, int] = field(default_factory=dict)
    said: str = ""
    heard_elsewhere: int = 0
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Command:
    """A command, what it may take, and how what it leaves is read. `took_s` is from start to end, on a machine that may
    be busy with other things; `cpu_s` is of the processor alone; `ends` gives the codes that it may end with."""

    file: str
    words: tuple[str, ...]
    took_s: float
    cpu_s: float
    peak_mib: int
    schema: str
    ends: Callable[[Case], tuple[int, ...]]
    read: Callable[[Row, dict[str, Any]], Iterator[str]]

    @property
    def bounds(self) -> dict[str, Any]:
        return {
            "command": " ".join(self.words),
            "took_s": self.took_s,
            "cpu_s": self.cpu_s,
            "peak_mib": self.peak_mib,
        }


def _of_check(row: Row, document: dict[str, Any]) -> Iterator[str]:
    row.verdicts = {name: count for name, count in document["summary"].items() if count}
    for found in document["requirements"]:
        if blame := found.get("blame"):
            row.blamed[blame] = row.blamed.get(blame, 0) + 1
        if found["verdict"] == "error":
            yield f"{found['id']} is an error: {found['message'][:200]}"


def _of_load(row: Row, document: dict[str, Any]) -> Iterator[str]:
    row.verdicts = {name: document[name] for name in ("requests", "failed", "unfinished") if document[name]}
    row.verdicts |= {f"of {kind}": count for kind, count in document["errors"].items()}
    row.verdicts |= {f"of rule {found['rule']}": found["count"] for found in document["violations"]}
    if document["client"]["errors"]:
        yield f"{document['client']['errors']} errors are the client's own"


COMMANDS = {
    "check": Command(
        "hostile.json",
        ("check", "--timeout", f"{SILENCE_S:g}", "--max-time", "8"),
        took_s=240.0,
        cpu_s=60.0,
        peak_mib=600,
        schema="report",
        ends=lambda case: case.exits,
        read=_of_check,
    ),
    "load": Command(
        "load.json",
        (*("load", "--users", "4", "--duration", "8", "--timeout", f"{SILENCE_S:g}", "--no-calibration"),),
        took_s=120.0,
        cpu_s=60.0,
        peak_mib=400,
        schema="load",
        ends=lambda case: (1, 5, 6, 7),
        read=_of_load,
    ),
}


def main() -> int:
    args = _arguments()
    logging.disable()  # a server that is treated so badly says much
    chosen = [CASES[name] for name in args.case] or list(CASES.values())
    began = time.monotonic()
    rows: list[Row] = []
    verb = "load" if args.load else "check"
    command = COMMANDS[verb]
    print(f"{'case':27}{'exit':>5}{'s':>7}{'cpu s':>7}{'MiB':>6}  verdicts")
    with get_context("fork").Pool(args.jobs, maxtasksperchild=1) as pool:  # a check begins as large as who starts it
        for row in pool.imap(partial(run, verb=verb, keep=args.keep), [case.name for case in chosen]):
            rows.append(row)
            _tell(row)
    lost = [row for row in rows if row.wrong]
    document = {
        "figures": {
            "cases": len(rows),
            "survived": len(rows) - len(lost),
            "slowest_s": max(row.took_s for row in rows),
            "most_cpu_s": max(row.cpu_s for row in rows),
            "largest_mib": max(row.peak_mib for row in rows),
            "took_s": round(time.monotonic() - began),
        },
        "bounds": command.bounds,
        "cases": [asdict(row) for row in rows],
    }
    print()
    for name, figure in document["figures"].items():
        print(f"{name.replace('_', ' '):14}{figure:>8}")
    if len(chosen) == len(CASES):
        args.output.mkdir(parents=True, exist_ok=True)
        text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        (args.output / command.file).write_text(text, "utf-8")
    return 1 if lost else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--load", action="store_true", help="load every hostile gateway, rather than check it")
    add("--case", action="append", default=[], choices=list(CASES), metavar="NAME", help="only this one; repeatable")
    add("--jobs", type=int, default=2, help="checks at once (default: %(default)s)")
    add("--keep", type=Path, metavar="DIR", help="keep what each check wrote, in a folder of its own there")
    add("--output", type=Path, default=ROOT / "reports" / "hostile", help="folder for a full run's figures")
    return parser.parse_args()


def run(name: str, verb: str, keep: Path | None) -> Row:
    """Serves the case of this name and has the command with this verb look at it."""
    case, command = CASES[name], COMMANDS[verb]
    row = Row(case.name, case.does)
    with tempfile.TemporaryDirectory(prefix="gateproof-hostile-") as temporary, serving(case, KEY) as served:
        folder = (keep.resolve() / case.name) if keep else Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        words = [*command.words, f"{served.url}/v1", "--api-key-env", "HOSTILE_KEY", "--output", "out"]
        if served.authority and case.certificate != "unknown":
            (folder / "authority.pem").write_bytes(served.authority)
            words += ["--ca-file", "authority.pem"]
        began = time.monotonic()
        with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
            process = subprocess.Popen(
                [sys.executable, "-m", "conformance.cli", *words],
                cwd=folder,
                stdout=out,
                stderr=err,
                env=os.environ | {"PYTHONPATH": str(ROOT), "HOSTILE_KEY": KEY},
            )
            row.wrong += _waited_for(process, command, row, began)
        row.heard_elsewhere = len(served.heard)
        if any(KEY.encode() in heard for heard in served.heard):
            row.wrong.append("another host has heard the key")
        row.wrong += _found(case, command, row, folder)
    return row


def _waited_for(process: subprocess.Popen[bytes], command: Command, row: Row, began: float) -> Iterator[str]:
    """Waits for the end, or brings it about; notes what it took."""
    while True:
        pid, status, used = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        if time.monotonic() - began > command.took_s:
            process.kill()
            _, status, used = os.wait4(process.pid, 0)
            yield f"it did not end within {command.took_s:g} s"
            break
        time.sleep(0.05)
    process.returncode = row.exit_code = os.waitstatus_to_exitcode(status)
    row.took_s, row.cpu_s = round(time.monotonic() - began, 1), round(used.ru_utime + used.ru_stime, 1)
    row.peak_mib = used.ru_maxrss // 1024
    if row.cpu_s > command.cpu_s:
        yield f"it took {row.cpu_s} s of the processor"
    if row.peak_mib > command.peak_mib:
        yield f"it took {row.peak_mib} MiB"


def _found(case: Case, command: Command, row: Row, folder: Path) -> Iterator[str]:
    """What is wrong with how it ended and what it left."""
    out, err = ((folder / name).read_bytes() for name in ("stdout", "stderr"))
    row.said = (err or out).decode("utf-8", "replace").strip().rpartition("\n")[2][:300]
    if row.exit_code not in (ends := command.ends(case)):
        yield f"it ended with {row.exit_code}, where {' or '.join(map(str, ends))} was to come"
    if b"Traceback" in out + err:
        yield "a traceback was shown"
    shown = {"what was printed": out + err}
    files = [path for path in (folder / "out").rglob("*") if path.is_file()]
    row.files_mib = round(sum(path.stat().st_size for path in files) / 1024**2, 1)
    if row.files_mib > MOST_FILES_MIB:
        yield f"it wrote {row.files_mib} MiB"
    for path in files:
        shown[path.name] = path.read_bytes()
    if "report.html" in shown:  # which has one script, of ours
        shown["report.html"] = shown["report.html"].replace(b"<script>", b"", 1)
    for name, data in shown.items():
        if name == "locust.html":  # locust's own page, whose script has such characters; its data is escaped as JSON
            data = data.partition(b"window.templateArgs")[2]
        for what, pattern in (HTML if name.endswith(".html") else OBEYED).items():
            is_text = name.endswith(("-attachment.txt", ".csv"))  # shown as text by whoever shows it
            if pattern.search(data) and not (what == "a script" and (is_text or name == "what was printed")):
                yield f"{what} is in {name}"
    report = folder / "out" / f"{command.schema}.json"
    if report.exists():
        document = json.loads(report.read_bytes())
        yield from (f"{report.name}: {sentence}" for sentence in schemas.violations(command.schema, document)[:3])
        if report.stat().st_size > MOST_REPORT_MIB * 1024**2:
            yield f"{report.name} has {report.stat().st_size >> 20} MiB"
        yield from command.read(row, document)
    elif row.exit_code in (1, 7):
        yield f"there is no {report.name}"


def _tell(row: Row) -> None:
    verdicts = ", ".join(f"{count} {name}" for name, count in row.verdicts.items() if name != "outside_profile")
    print(
        f"{row.case:27}{row.exit_code:>5}{row.took_s:>7.1f}{row.cpu_s:>7.1f}{row.peak_mib:>6}  {verdicts or row.said}",
        flush=True,
    )
    for sentence in row.wrong[:12]:
        print(f"    NOT SURVIVED: {sentence}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
