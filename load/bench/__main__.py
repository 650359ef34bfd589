"""`python -m load.bench`: the client beside the C reader and stock locust, in one run, and what it errs by."""

import argparse
import json
import tempfile
from pathlib import Path

from load.bench import rig, tls
from load.bench.rig import Run, Workload
from load.bench.truth import Truth, quantile

PACED = ("--ttft-ms", "50", "--itl-ms", "10")
SPEED = (Workload("paced 500", 500), Workload("unpaced 100", 100, ("--ttft-ms", "0", "--itl-ms", "0"), 7, 3.0, 256))
FIDELITY = (
    *(Workload(f"{streams} streams", streams) for streams in (50, 200, 500)),
    Workload("role early", 50, (*PACED, "--role", "early")),
    Workload("2 tokens/event", 50, (*PACED, "--tokens-per-event", "2")),
    Workload("4 events/write", 50, (*PACED, "--batch", "4")),
    Workload("split events", 50, (*PACED, "--split", "1")),
    Workload("jitter 150 ms", 200, (*PACED, "--jitter-ms", "150")),
)
MANY = 5000
OPEN = Workload("open streams", MANY, ("--ttft-ms", "500", "--itl-ms", "1000"), 30, 1.0, 60)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m load.bench", description=__doc__)
    parser.add_argument("--only", choices=("speed", "fidelity", "memory", "tls"), help="one part of the bench")
    parser.add_argument("--realtime", action="store_true", help="keep other programs off the two cores (needs root)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), realtime=args.realtime)
        rig.built(bench.folder)
        for name, part in (("speed", bench.speed), ("fidelity", bench.fidelity), ("memory", bench.memory)):
            if args.only in (None, name):
                part()
        if args.only in (None, "tls"):
            bench.tls()


class Bench:
    """Prints what it measures, part by part."""

    def __init__(self, folder: Path, *, realtime: bool) -> None:
        self.folder = folder
        self._realtime = realtime

    def speed(self) -> None:
        print(f"{'CPU per event':<22}{'client':<12}{'us/event':>10}{'events/s':>12}{'cores':>8}")
        for workload in SPEED:
            for client in ("C reader", "gateproof", "stock locust"):
                try:
                    run = self._run(workload, client)
                except RuntimeError as error:
                    print(f"{workload.name:<22}{client:<12}not measured: {str(error).splitlines()[-1]}", flush=True)
                    continue
                row = f"{run.cpu_per_event_s * 1e6:>10.2f}{run.events_per_s:>12.0f}{run.cpu:>8.2f}"
                print(f"{workload.name:<22}{client:<12}{row}", flush=True)

    def fidelity(self) -> None:
        print(
            f"\n{'error in ms':<18}{'client':<12}{'TTFT p50':>10}{'p99':>10}{'ITL p50':>10}{'p99':>10}{'us/event':>10}"
        )
        for workload in FIDELITY:
            for client in ("C reader", "gateproof"):
                run = self._run(workload, client)
                truth = Truth.read(run.truth, workload.tokens)
                errors = [
                    1000 * (self._told(run, client, name, share) - quantile(true, share))
                    for name, true in (("ttft", truth.ttft_s), ("itl", truth.itl_s))
                    for share in (0.5, 0.99)
                ]
                row = "".join(f"{error:>+10.3f}" for error in errors)
                print(f"{workload.name:<18}{client:<12}{row}{run.cpu_per_event_s * 1e6:>10.2f}", flush=True)

    def memory(self) -> None:
        few = self._run(Workload("few", 10, OPEN.server, 12, 1.0, OPEN.tokens), "gateproof")
        many = self._run(OPEN, "gateproof")
        each = (many.rss_bytes - few.rss_bytes) / (MANY - 10) / 1024
        print(f"\n{MANY} open streams in one process: {each:.1f} KiB each", flush=True)

    def tls(self) -> None:
        plain, secure = (tls.cpu_per_event_s(self.folder, secure=secure) for secure in (False, True))
        print(f"\nTLS, 100 streams: {secure * 1e6:.2f} us/event, {plain * 1e6:.2f} without", flush=True)

    def _run(self, workload: Workload, client: str) -> Run:
        figures = self.folder / "load.json"
        with rig.serving(self.folder, workload, realtime=self._realtime) as url:
            command = {
                "C reader": rig.reader(self.folder, url, workload),
                "gateproof": rig.ours(url, workload, figures),
                "stock locust": rig.stock(url, workload),
            }[client]
            run = rig.measured(self.folder, workload, command, url, realtime=self._realtime)
        if client == "gateproof":
            run.figures.update(json.loads(figures.read_text()))
            if run.figures["violations"] or run.figures["failed"]:
                raise SystemExit(f"{workload.name}: {run.figures['violations']} {run.figures['errors']}")
        elif client == "C reader":
            run.figures.update(json.loads(run.said.splitlines()[-1]))
        return run

    def _told(self, run: Run, client: str, name: str, share: float) -> float:
        """What the client says this percentile is, in seconds."""
        percentile = f"p{share * 100:.0f}"
        if client == "C reader":
            return float(run.figures[f"{name}_ms"][percentile]) / 1000
        return float(run.figures[f"{name}_s"][percentile])


if __name__ == "__main__":
    main()
