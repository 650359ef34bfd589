"""Measures once, or in a sweep, and has what was measured judged."""

import os
import sys
from pathlib import Path
from typing import Any

from load import calibration, gate, health
from load.command import locust_run, sweep
from load.command.locust_run import Job
from load.command.order import Order


class Unfinished(Exception):
    """Locust ended without leaving figures."""


def once(order: Order, model: str, folder: Path) -> dict[str, Any]:
    return _calibrated(order, _measured(order, order.job(model), folder))


def swept(order: Order, model: str, folder: Path) -> dict[str, Any]:
    """The load.json of the highest load that held, or of the last one if none did, with all steps below `sweep`."""
    search, kept = order.sweep, None
    assert search is not None
    while (at := search.next) is not None:
        own = folder / f"step-{len(search.steps)}"
        own.mkdir()
        label = f"{search.unit} {at:g}: "
        document = _measured(order, order.job(model, **{search.unit: at}, label=label), own)
        step = sweep.judged(search.unit, at, document)
        search.add(step)
        print(f"{label}{'held' if step.held else step.why}", file=sys.stderr if sys.stderr.isatty() else sys.stdout)
        if kept is None or search.best in (step, None):
            kept = own, document
    assert kept is not None
    for path in kept[0].iterdir():
        os.replace(path, folder / path.name)
    return {**_calibrated(order, kept[1]), "sweep": search.document()}


def _measured(order: Order, job: Job, folder: Path) -> dict[str, Any]:
    document = locust_run.measure(job, folder)
    if document is None:
        raise Unfinished
    told = {"command": order.command(job.model or document["model"] or "")}
    return {**document, **told, "slo": gate.judge(document, order.checks, order.baseline, order.tolerance)}


def _calibrated(order: Order, document: dict[str, Any]) -> dict[str, Any]:
    """The document with this client's own error at this load, and what that says about its figures."""
    if not order.calibrates:
        return document
    if sys.stderr.isatty():
        print("measuring this client's own error ", end="", file=sys.stderr, flush=True)
    found = calibration.like(document)
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    document = {**document, "client": {**document["client"], "calibration": found}}
    return {**document, "client": health.judged(document)}
