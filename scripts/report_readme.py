"""What a published report's README.md says that can be read off the run, and the table of all of them. What a person
wrote (all between the first heading of the second order and the heading Reproduce) is kept as it is."""

import json
import re
from pathlib import Path
from typing import Any

OUTSIDE = ("version", "base_url", "key")
"""Words of a start script that are no options of `gateproof check`."""
VERDICTS = ("pass", "fail", "untestable", "error", "stale", "warn", "inconclusive", "not-applicable", "known")
UNREAD = "## Findings\n\nNot read by a person yet.\n"
REPRODUCE = "## Reproduce"
INCONCLUSIVE, WITH_AN_ENGINE = "inconclusive", "; with a real engine behind it, and no script, "


def behind(port: int) -> dict[str, str]:
    """Where the scripted provider is that listens on this port, in the words of a start script."""
    return {"upstream": f"http://127.0.0.1:{port}/v1", "upstream_key": "sk-upstream"}


def check_arguments(row: dict[str, Any], told: dict[str, str]) -> list[str]:
    """The words behind `gateproof check` for a gateway of which its start script `told`."""
    profile = ["--profile", row["profile"]] if "profile" in row else []
    options = [
        word for name, value in told.items() if name not in OUTSIDE for word in (f"--{name.replace('_', '-')}", value)
    ]
    return [told["base_url"], *profile, *options]


def readme(
    name: str,
    row: dict[str, Any],
    told: dict[str, str],
    first: dict[str, Any],
    second: dict[str, Any],
    engine: dict[str, Any],
    written: str,
    port: int,
) -> str:
    """The page of a report: what was judged (twice, and with an `engine` behind it, where it isn't one), what a person
    has `written` before about it, and how to do it again."""
    gateproof, outcome = first["gateproof"], first["summary"]
    counts = ", ".join(f"{count} {verdict}" for verdict in VERDICTS if (count := outcome[verdict]))
    share = "{musts} of {of} MUSTs judged".format(**outcome["judged"])
    suite = f"gateproof {gateproof['version']}, catalogue {gateproof['catalogue_hash']}"
    facts = {
        "judged": f"{first['started_at'][:10]}, by {suite}",
        "profile": first["profile"],
        "verdict": f"**{'conformant' if first['conformant'] else 'not conformant'}**: {counts}; {share}",
        "run again": _differences(first, second),
        INCONCLUSIVE: _open(first),
    }
    if not row.get("alone"):
        facts[INCONCLUSIVE] += f"{WITH_AN_ENGINE}{_open(engine)}"
    table = "\n".join(["| | |", "|---|---|", *(f"| {key} | {value} |" for key, value in facts.items())])
    head = f"# {row['title'].format(version=told['version'])}\n\n{row['about']}\n\n{table}\n"
    return f"{head}\n{_by_hand(written)}\n{REPRODUCE}\n\n{_reproduce(name, row, told, port)}"


def index(reports: Path) -> str:
    """reports/README.md with its table made anew of all reports that there are."""
    titles = ("gateway", "profile", "judged", "broken", "warnings", "inconclusive", "with an engine", "")
    rows = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for file in sorted(reports.glob("*/report.json")):
        document, folder = json.loads(file.read_text("utf-8")), file.parent
        told = (folder / "README.md").read_text("utf-8")
        title = told.splitlines()[0].removeprefix("# ")
        found = re.search(rf"(?m)^\| {INCONCLUSIVE} \| (.*) \|$", told)
        scripted, _, engine = found[1].partition(WITH_AN_ENGINE) if found else ("", "", "")
        red = sum(document["summary"][verdict] for verdict in ("fail", "untestable", "error", "stale"))
        cells = [title, document["profile"], document["started_at"][:10], red, document["summary"]["warn"]]
        cells += [scripted, engine]
        rows.append(f"| {' | '.join(map(str, cells))} | [{folder.name}]({folder.name}/) |")
    page = (reports / "README.md").read_text("utf-8")
    return re.sub(r"(?m)^\|.*(?:\n\|.*)*", "\n".join(rows).replace("\\", r"\\"), page, count=1)


def _differences(first: dict[str, Any], second: dict[str, Any]) -> str:
    before, after = ({each["id"]: each["verdict"] for each in run["requirements"]} for run in (first, second))
    differing = [f"{id} {verdict}, then {after.get(id)}" for id, verdict in before.items() if verdict != after.get(id)]
    return "; ".join(differing) or f"the same {len(before)} verdicts"


def _open(run: dict[str, Any]) -> str:
    """How many of the requirements that apply a run could not tell."""
    applying = [each["verdict"] for each in run["requirements"] if each["verdict"] != "not-applicable"]
    count = applying.count("inconclusive")
    return f"{count} of {len(applying)} ({count / len(applying):.1%})"


def _by_hand(written: str) -> str:
    found = re.search(rf"(?ms)^## .*?(?=^{REPRODUCE})", written)
    return found[0].strip() + "\n" if found else UNREAD


def _reproduce(name: str, row: dict[str, Any], told: dict[str, str], port: int) -> str:
    setting = "".join(f"{key}={value} " for key, value in row.get("env", {}).items())
    upstream = "" if row.get("alone") else f" http://127.0.0.1:{port}/v1"
    waiting = "curl -s -o /dev/null --retry 1800 --retry-delay 1 --retry-connrefused"
    starting = f"{setting}scripts/gateways/{row['start']} {port + 10}{upstream} &"
    commands = [
        "make .venv/.ready",
        'export PATH="$PWD/.venv/bin:$PATH"',
        *(
            []
            if row.get("alone")
            else [f"scripts/gateways/upstream.sh {port} &", f"{waiting} http://127.0.0.1:{port}/health"]
        ),
        starting,
        f"{waiting} {told['base_url']}/models",
        *([f"export GATEPROOF_API_KEY={told['key']}"] if "key" in told else []),
        f"gateproof check {' '.join(check_arguments(row, told))} --output report",
        "kill $(jobs -p)",
    ]
    lines = "\n".join(f"$ {command}" for command in commands)
    return (
        "In a checkout of this repository; the first start installs the gateway, apart from everything else.\n\n"
        f"```console\n$ make reports GATEWAYS={name}\n```\n\n"
        f"makes this folder anew. By hand, in bash:\n\n```console\n{lines}\n```\n"
    )
