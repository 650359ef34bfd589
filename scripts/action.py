"""What the composite action (action.yml) runs: gateproof check, with its options from the environment, and then the
outputs of the step. Ends with the check's own exit code."""

import json
import os
import secrets
import shlex
import subprocess
import sys
from pathlib import Path


def main() -> int:
    folder = os.environ.get("GATEPROOF_OUTPUT")
    try:
        words = shlex.split(os.environ.get("ACTION_ARGS", ""))
    except ValueError as error:
        return _refused(f"args: {error}")
    if not folder:
        return _refused("output: a folder for the report is needed")
    report = Path(folder) / "report.json"
    report.unlink(missing_ok=True)  # one of an earlier step must not be taken for this one's
    code = subprocess.run([Path(sys.executable).with_name("gateproof"), "check", *words]).returncode
    _put({"exit-code": code} | _counts(report))
    return code


def _refused(said: str) -> int:
    print(f"gateproof: input {said}", file=sys.stderr)
    _put({"exit-code": 4})
    return 4


def _counts(report: Path) -> dict[str, object]:
    """What the report says; nothing where there is none."""
    if not report.exists():
        return {}
    summary = json.loads(report.read_text("utf-8"))["summary"]
    red = sum(summary[verdict] for verdict in ("fail", "untestable", "stale", "error"))
    return {"report": report, "passed": summary["pass"], "failed": red}


def _put(outputs: dict[str, object]) -> None:
    """Sets outputs of the step; a name that no value can hold ends each, as a value may hold anything."""
    end = secrets.token_hex(16)
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
        file.writelines(f"{name}<<{end}\n{value}\n{end}\n" for name, value in outputs.items())


if __name__ == "__main__":
    raise SystemExit(main())
