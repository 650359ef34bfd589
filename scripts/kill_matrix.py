"""The kill matrix: every named defect of the reference gateway against the whole suite of its dialect.

Each defect is served over real sockets and judged by all requirements of its profile; what goes red has to be exactly
what its row says. Harmless variations of the correct gateway, alone and several together, have to leave all green. Ends
with 0 only if every defect is detected, nothing else goes red, the correct gateway and its variations have nothing red
in any dialect, and every MUST that it can break has a defect. Leaves matrix.json and README.md in
reports/kill-matrix/.
"""

import argparse
import json
import logging
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from kill_matrix_page import page

from conformance import catalogue, profiles
from conformance.catalogue import Level
from conformance.judging.in_process import Blocked, judge_url
from conformance.verdict import Verdict
from reference_gateway.app import create_app
from reference_gateway.config import Config, default_config, with_settings
from reference_gateway.faults import FAULTS, NOT_BROKEN, UNDETECTED, harmless
from reference_gateway.faults.asgi import Wrap
from reference_gateway.faults.fault import CONSTRUCTED, Fault, nothing
from reference_gateway.faults.serving import Stage, staged
from reference_gateway.gateway import Gateway
from reference_gateway.scripted import before, scripted
from reference_gateway.server import running

ROOT = Path(__file__).resolve().parent.parent
PROVIDER_KEY = "sk-kill-provider-0123456789"
KEY, READER = "sk-kill-0123456789abcdef", "sk-kill-reader-0123456789"
PROFILES = ("openai", "watsonx", "nemo")
SMALL: dict[str, Any] = {"dimensions": 64}
"""Vectors are short, as most of the time would go into reading them."""
INSTANT = SMALL | {"ttft_s": 0.0, "itl_s": 0.0}
PACED = SMALL | {"ttft_s": 0.02, "itl_s": 0.01}
BODY_LIMIT = 1024 * 1024
OPTIONS: dict[str, dict[str, Any]] = {
    "openai": {
        "model": "gpt-4o-mini",
        "restricted_api_key": READER,
        "body_limit": BODY_LIMIT,
        "claimed": frozenset({"vision"}),
    },
    "watsonx": {},
    "nemo": {"empty_workspace": "empty"},
}
"""What a user who knows the gateway tells about it, so that as much as possible is judged."""
OF_ALL = ("requirements_broken", "musts_without_a_defect")
"""Figures that say something of all defects only."""
SILENCE_S = 10.0
GIVEN_UP_S = 3.0
"""After which the gateway gives its provider up."""
SETS = 12
"""Sets of harmless variations for each dialect."""
OF_TIME = frozenset({"STREAM-028", "STREAM-047", "STREAM-048", "STREAM-052", "COMP-044", "CHAT-006", "UPS-010"})
"""Judged by the clock: where one of them is red that should not be, as this machine is busy, the defect is judged once
more."""
RED = (Verdict.FAIL, Verdict.WARN, Verdict.STALE, Verdict.ERROR)


@dataclass(slots=True)
class Row:
    """What became red for one defect. `untestable` are the requirements that could not be judged because of it."""

    name: str
    expected: list[str]
    may: list[str] = field(default_factory=list)
    """What can become red with it, by which of two requests comes first."""
    red: dict[str, str] = field(default_factory=dict)
    """What was said, by id."""
    untestable: list[str] = field(default_factory=list)
    inconclusive: list[str] = field(default_factory=list)
    judged: int = 0
    again: bool = False
    took_s: float = 0.0

    @property
    def missed(self) -> list[str]:
        return [id for id in self.expected if id not in self.red]

    @property
    def collateral(self) -> list[str]:
        return [id for id in self.red if id not in self.expected and id not in self.may]

    @property
    def detected(self) -> bool:
        return any(id in self.red for id in self.expected)

    @property
    def exact(self) -> bool:
        return not self.missed and not self.collateral


def main() -> int:
    args = _arguments()
    logging.disable()  # a server that is treated so badly says much, in every process
    began = time.monotonic()
    chosen = [] if args.harmless else _chosen(args)
    whole = not args.only_affected and (args.update or len(chosen) == len(FAULTS))
    correct = [Fault(f"correct-{name}", "", "", (), "", name) for name in PROFILES]
    correct.append(Fault("correct-before-a-provider", "", "", (), "", behind=nothing))
    if args.fault:  # only what stands beside them
        asked = {(fault.profile, fault.behind is None) for fault in chosen}
        correct = [fault for fault in correct if (fault.profile, fault.behind is None) in asked]
    varied = _drawn(_varied(), args) if (whole and not args.update) or args.harmless else []
    others.update({fault.name: fault for fault in [*correct, *varied]})
    jobs = [(fault, args.only_affected) for fault in [*correct, *varied, *chosen]]
    rows: dict[str, Row] = {}
    with get_context("fork").Pool(args.jobs, maxtasksperchild=60) as pool:
        for row in pool.imap_unordered(_run_named, [(fault.name, only) for fault, only in jobs]):
            rows[row.name] = row
            if args.verbose or not row.exact:
                _tell(row)
    took_s = time.monotonic() - began
    of_correct, of_varied = [rows[fault.name] for fault in correct], [rows[fault.name] for fault in varied]
    if args.update:
        published = json.loads((args.output / "matrix.json").read_text("utf-8"))
        rows = {row["name"]: _published(row) for row in published["defects"]} | rows
        of_varied = of_varied or [_published(row) for row in published["harmless"]]
        took_s += published["figures"]["took_s"]
    ordered = [rows[fault.name] for fault in (FAULTS.values() if args.update else chosen)]
    document = _document(ordered, of_correct, of_varied, took_s)
    if args.output and whole:
        args.output.mkdir(parents=True, exist_ok=True)
        (args.output / "matrix.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")
        (args.output / "README.md").write_text(page(document), "utf-8")
    _print(document, whole=whole)
    figures = document["figures"]
    wrong = figures["defects"] - (figures["detected"] if args.only_affected else figures["exact"])
    wrong += figures["red_of_the_correct_gateway"] + figures["false_alarms"] + whole * figures["musts_without_a_defect"]
    return 1 if wrong else 0


def _published(row: dict[str, Any]) -> Row:
    """What went red of a defect in the published matrix, beside what its row in the tables expects now."""
    fault = FAULTS.get(row["name"])
    expected, may = (list(fault.breaks), list(fault.may)) if fault else ([], row["may"])
    return Row(row["name"], expected, may, row["red"], row["untestable"], took_s=row.get("took_s", 0.0))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--fault", action="append", default=[], metavar="NAME", help="only this defect; repeatable")
    add("--area", action="append", default=[], metavar="AREA", help="only the defects of this area; repeatable")
    add("--sample", type=int, metavar="N", help="only so many defects, drawn at random")
    add("--seed", type=int, default=0, help="of the draw (default: %(default)s)")
    add("--harmless", action="store_true", help="only the harmless variations, no defects")
    add("--only-affected", action="store_true", help="send and judge only the areas that a defect breaks")
    add("--jobs", type=int, default=2, help="processes (default: %(default)s)")
    add("--output", type=Path, default=ROOT / "reports" / "kill-matrix", help="folder for a full run's matrix and page")
    add("--update", action="store_true", help="put the rows that are judged into the matrix that is published already")
    add("--verbose", action="store_true", help="a line for each defect, not only for those that are not exact")
    return parser.parse_args()


def _chosen(args: argparse.Namespace) -> list[Fault]:
    unknown = [name for name in args.fault if name not in FAULTS]
    if unknown:
        sys.exit(f"kill_matrix: there is no defect {', '.join(unknown)}")
    chosen = [FAULTS[name] for name in args.fault] or list(FAULTS.values())
    chosen = [fault for fault in chosen if not args.area or fault.area in args.area]
    return _drawn(chosen, args)


def _drawn(faults: list[Fault], args: argparse.Namespace) -> list[Fault]:
    if args.sample is None:
        return faults
    return random.Random(args.seed).sample(faults, min(args.sample, len(faults)))


# One defect


others: dict[str, Fault] = {}
"""What is judged beside the defects: set before the processes are made, as functions can't be sent to them."""


def _varied() -> list[Fault]:
    """Every variation in the first dialect, every third of them in the others, and sets of them in all."""
    found = list(harmless.alone(PROFILES[0]))
    for number, dialect in enumerate(PROFILES[1:]):
        found += list(harmless.alone(dialect))[number::3]
    found += [each for dialect in PROFILES for each in harmless.together(dialect, SETS)]
    return found + harmless.between()


def _run_named(job: tuple[str, bool]) -> Row:
    name, only_affected = job
    fault = FAULTS.get(name) or others[name]
    row = run(fault, only_affected=only_affected)
    if not row.exact and OF_TIME.issuperset([*row.collateral, *row.missed]):
        row = run(fault, only_affected=only_affected)
        row.again = True
    return row


def run(fault: Fault, *, only_affected: bool = False) -> Row:
    """Serves the gateway with this defect and judges it."""
    dialect = profiles.profile(fault.profile)
    areas = dialect.areas
    if only_affected and fault.breaks:  # whole areas, as many requirements are judged on every answer of a run
        areas = tuple(dict.fromkeys(id.split("-")[0] for id in fault.breaks))
    row = Row(fault.name, list(fault.breaks), list(fault.may))
    began = time.monotonic()
    with _served(fault) as url:
        base_url = url + dialect.base_path.format(workspace="default")
        try:
            judged = judge_url(base_url, *areas, profile=fault.profile, **_options(fault))
        except Blocked as error:
            row.red["(blocked)"] = str(error)
            judged = {}
    for id, said in judged.items():
        if said.verdict in RED:
            row.red[id] = f"{said.verdict}: {said.message}"[:400]
        elif said.verdict is Verdict.UNTESTABLE:
            row.untestable.append(id)
        elif said.verdict is Verdict.INCONCLUSIVE:
            row.inconclusive.append(id)
    row.judged, row.took_s = len(judged), round(time.monotonic() - began, 2)
    return row


@contextmanager
def _served(fault: Fault) -> Iterator[str]:
    config = default_config() if fault.behind is None else _before(fault.behind)
    config = replace(with_settings(config, PACED if fault.paced else INSTANT), max_body_bytes=BODY_LIMIT)
    app = create_app(Gateway.open(config, tokens=[KEY], readonly_tokens=[READER], seed=1))
    stage, stage_url = _stage("gateway")
    with staged(stage, stage_url, fault, app) as url:
        yield url


def _before(behind: Wrap) -> Config:
    """A gateway before a scripted provider that is this much wrong."""
    provider = create_app(Gateway.open(with_settings(default_config(), INSTANT), tokens=[PROVIDER_KEY], seed=1))
    stage, url = _stage("provider")
    stage.app = behind(scripted(provider, PROVIDER_KEY))
    return before.config(f"{url}/v1", PROVIDER_KEY, GIVEN_UP_S)


def _options(fault: Fault) -> dict[str, Any]:
    """What a user tells about this gateway."""
    options = OPTIONS[fault.profile] | {"api_key": KEY, "timeout_s": SILENCE_S}
    if fault.behind is None:
        return options
    provider = {"upstream": _stage("provider")[1], "upstream_key": PROVIDER_KEY, "upstream_timeout_s": GIVEN_UP_S}
    return options | provider | before.models()


@cache
def _stage(name: str) -> tuple[Stage, str]:
    """One server of this name for each process, which ends with it."""
    stage = Stage()
    server = running(stage)
    _kept.append(server)
    return stage, server.__enter__()


_kept: list[Any] = []


# What was found


def _document(rows: list[Row], correct: list[Row], varied: list[Row], took_s: float) -> dict[str, Any]:
    musts = {id for id, found in catalogue.requirements().items() if found.level is Level.MUST}
    broken = {id for row in rows for id in row.red}
    without = sorted(id for id in musts - broken - NOT_BROKEN.keys() if not catalogue.requirement(id).not_judged)
    return {
        "figures": {
            "defects": len(rows),
            "detected": sum(row.detected for row in rows),
            "exact": sum(row.exact for row in rows),
            "collateral": sum(len(row.collateral) for row in rows),
            "missed": sum(len(row.missed) for row in rows),
            "errors": sum(said.startswith("error") for row in rows for said in row.red.values()),
            "red_of_the_correct_gateway": sum(len(row.red) + len(row.untestable) for row in correct),
            "harmless_variations": len(varied),
            "false_alarms": sum(not row.exact or bool(row.untestable) for row in varied),
            "requirements_broken": len(broken),
            "musts_without_a_defect": len(without),
            "seen_in_the_wild": sum(FAULTS[row.name].seen != CONSTRUCTED for row in rows),
            "judged_twice": sum(row.again for row in [*rows, *correct, *varied]),
            "took_s": round(took_s),
        },
        "catalogue": catalogue.fingerprint(),
        "correct": [asdict(row) for row in correct],
        "defects": [
            FAULTS[row.name].listed()
            | {"layer": "TCP" if FAULTS[row.name].tcp else "ASGI", "detected": row.detected, "exact": row.exact}
            | {
                "red": row.red,
                "missed": row.missed,
                "collateral": row.collateral,
                "may": row.may,
                "untestable": row.untestable,
            }
            | {"took_s": row.took_s}
            for row in rows
        ],
        "harmless": [
            {"name": row.name, "red": row.red, "untestable": row.untestable, "may": row.may} for row in varied
        ],
        "musts_without_a_defect": {id: catalogue.requirement(id).statement for id in without},
        "not_broken": NOT_BROKEN,
        "not_detected": UNDETECTED,
    }


def _tell(row: Row) -> None:
    word = "exact" if row.exact else "NOT EXACT" if row.detected else "NOT DETECTED" if row.expected else "RED"
    print(f"{word:12} {row.name} ({row.took_s:.1f} s)", flush=True)
    if not row.exact:
        for id in row.missed:
            print(f"    missed      {id}")
        for id in row.collateral:
            print(f"    collateral  {id}  {row.red[id][:180]}")


def _print(document: dict[str, Any], *, whole: bool) -> None:
    print()
    for name, figure in document["figures"].items():
        if whole or name not in OF_ALL:
            print(f"{name.replace('_', ' '):28}{figure:>6}")
    for row in document["correct"]:
        if row["red"] or row["untestable"]:
            print(f"the {row['name'].removeprefix('correct-')} dialect: red {row['red']}, {row['untestable']}")
    if not whole:
        return
    for id, statement in document["musts_without_a_defect"].items():
        print(f"no defect breaks {id}: {statement}")
    for id, why in document["not_broken"].items():
        print(f"no defect breaks {id}, as {why}")
    for what, why in document["not_detected"].items():
        print(f"known not to be detected: {what}: {why}")


if __name__ == "__main__":
    sys.exit(main())
