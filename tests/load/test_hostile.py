"""The load of a few hostile gateways survives them. `make hostile` loads them all, each in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.conftest import ROOT

CASES = ("endless-stream", "terminal-escapes", "redirects-elsewhere-later")
FOUND = """
import json, sys
from dataclasses import asdict, replace
from pathlib import Path
root, name, folder, *strict = sys.argv[1:]
sys.path[:0] = [root + "/scripts", root]
import hostile
if strict:
    hostile.COMMANDS["load"] = replace(hostile.COMMANDS["load"], peak_mib=1, ends=lambda case: (0,))
print(json.dumps(asdict(hostile.run(name, "load", Path(folder)))))
"""


def loaded(folder: Path, *names: str, strict: bool = False) -> list[dict[str, Any]]:
    """What became of the load of each of these, all at the same time."""
    words = [[sys.executable, "-c", FOUND, str(ROOT), name, str(folder), *["strict"] * strict] for name in names]
    running = [subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) for line in words]
    return [json.loads(process.communicate(timeout=150)[0]) for process in running]


def test_a_few_hostile_gateways_are_loaded_and_survived(tmp_path: Path) -> None:
    endless, escapes, redirects = loaded(tmp_path, *CASES)
    assert [row["wrong"] for row in (endless, escapes, redirects)] == [[], [], []]
    assert "of rule STREAM-024" in escapes["verdicts"]
    assert {"of http 301", "of http 302"} <= set(redirects["verdicts"]) and not redirects["heard_elsewhere"]


def test_what_is_not_survived_is_told(tmp_path: Path) -> None:
    (row,) = loaded(tmp_path, "closes", strict=True)
    assert row["wrong"] == [f"it took {row['peak_mib']} MiB", "it ended with 6, where 0 was to come"]
