"""What the bench measures, part by part: workloads, the clients that are held against them, and a row for each."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from load.bench import rig, tls
from load.bench.rig import Run, Workload
from load.bench.table import Row
from load.bench.truth import Truth, quantile

READER, OURS, STOCK = "C reader", "gateproof", "stock locust"
PACED = ("--ttft-ms", "50", "--itl-ms", "10")
FLOOD = ("--ttft-ms", "0", "--itl-ms", "0")
TRAPS = (
    Workload("role early", 50, (*PACED, "--role", "early"), 5, 2.0),
    Workload("2 tokens an event", 50, (*PACED, "--tokens-per-event", "2"), 5, 2.0),
    Workload("4 events a write", 50, (*PACED, "--batch", "4"), 5, 2.0),
    Workload("events in two writes", 50, (*PACED, "--split", "1"), 5, 2.0),
    Workload("starts jitter 150 ms", 200, (*PACED, "--jitter-ms", "150"), 5, 2.0),
)
FEW, MANY = 10, 5000
OPEN = ("--ttft-ms", "500", "--itl-ms", "1000")
STREAMS_A_WORKER = 200
ROUNDS = 3
"""How often the two figures are measured that stand for all: the median counts, by CPU per event."""


@dataclass(frozen=True, slots=True)
class Bench:
    """Runs clients against the C server, which stands in `folder`, as the reader does. Each part yields its rows.

    Raises RuntimeError where one of our own runs breaks a rule, fails, or reads nothing.
    """

    folder: Path
    realtime: bool = False

    def paced(self) -> Iterator[Row]:
        """500 streams, an event every 10 ms each: 50,000 events/s"""
        yield from self._compared("paced", Workload("500 streams, 10 ms", 500), (READER, OURS, STOCK), ROUNDS)

    def unpaced(self) -> Iterator[Row]:
        """100 streams, as fast as they are read"""
        workload = Workload("100 streams, no pause", 100, FLOOD, 6, 3.0, 256)
        yield from self._compared("unpaced", workload, (READER, OURS, STOCK), ROUNDS, truth=False)

    def fidelity(self) -> Iterator[Row]:
        """what TTFT and ITL err by at 50 and 200 streams (500: see paced)"""
        for streams in (50, 200):
            yield from self._compared("fidelity", Workload(f"{streams} streams, 10 ms", streams, PACED, 6, 3.0))

    def traps(self) -> Iterator[Row]:
        """what they err by where events are not one a write and one a token"""
        for workload in TRAPS:
            yield from self._compared("traps", workload)

    def requests(self) -> Iterator[Row]:
        """what a request costs, whatever its answer: answers of two tokens"""
        workload = Workload("2 tokens an answer", 100, FLOOD, 5, 2.0, 2)
        run = self._run(workload, OURS)
        per_request = run.figures["events"] / run.figures["requests"]
        remark = f"{run.cpu_per_event_s * per_request * 1e6:.0f} us a request of {per_request:.0f} events"
        yield Row("requests", workload.name, OURS, run.us, run.events_per_s, run.cpu, remark=remark)

    def tls(self) -> Iterator[Row]:
        """100 streams with TLS and without, from a small asyncio server"""
        plain, secure = (tls.run(self.folder, secure=secure, realtime=self.realtime) for secure in (False, True))
        for name, run in ((f"{tls.STREAMS} streams, no TLS", plain), (f"{tls.STREAMS} streams, TLS", secure)):
            remark = f"TLS: {secure.us - plain.us:+.2f} us an event" if run is secure else ""
            yield Row("tls", name, OURS, run.us, run.events_per_s, run.cpu, remark=remark)

    def open(self) -> Iterator[Row]:
        """5,000 streams open at once, and the memory of each"""
        few, many = (
            self._run(Workload(f"{streams} streams, 1 s", streams, OPEN, seconds, 2.0, 60), OURS)
            for streams, seconds in ((FEW, 10), (MANY, 25))
        )
        each = (many.rss_bytes - few.rss_bytes) / (MANY - FEW) / 1000
        remark = f"{many.streams} streams open, {each:.1f} KB each"
        yield Row("open", f"{MANY} streams, 1 s", OURS, many.us, many.events_per_s, many.cpu, remark=remark)

    def workers(self) -> Iterator[Row]:
        """two worker processes against one, with twice the streams"""
        runs = []
        for workers in (1, 2):
            name = f"{workers} x {STREAMS_A_WORKER} streams, 10 ms"
            run = self._run(Workload(name, workers * STREAMS_A_WORKER, PACED, 7, 3.0), OURS, workers)
            runs.append(run)
            remark = f"{runs[-1].events_per_s / runs[0].events_per_s:.2f} times the events of one" if runs[1:] else ""
            yield Row("workers", name, OURS, run.us, run.events_per_s, run.cpu, self._errors(run), remark)

    def _compared(
        self,
        part: str,
        workload: Workload,
        clients: tuple[str, ...] = (READER, OURS),
        rounds: int = 1,
        *,
        truth: bool = True,
    ) -> Iterator[Row]:
        """One row a client, which is that of its median round; the clients take turns."""
        rows: dict[str, list[Row]] = {client: [] for client in clients}
        remark = f"median of {rounds}" if rounds > 1 else ""
        for _ in range(rounds):
            for client in clients:
                run = self._run(workload, client)
                errors = self._errors(run) if truth else None
                row = Row(part, workload.name, client, run.us, run.events_per_s, run.cpu, errors, remark)
                rows[client].append(row)
        for found in rows.values():
            yield sorted(found, key=lambda row: row.us or 0.0)[rounds // 2]

    def _run(self, workload: Workload, client: str, workers: int = 0) -> Run:
        figures = self.folder / "figures.json"
        figures.unlink(missing_ok=True)
        with rig.serving(self.folder, workload, realtime=self.realtime) as url:
            command = {
                READER: rig.reader(self.folder, url, workload),
                OURS: rig.ours(url, workload, figures, workers),
                STOCK: rig.stock(url, workload),
            }[client]
            run = rig.measured(self.folder, workload, command, url, realtime=self.realtime, spread=bool(workers))
        if client == READER:
            told = json.loads(run.said.splitlines()[-1])
            run.figures["events"] = told["events"]
            for name in ("ttft", "itl"):
                run.figures[f"{name}_s"] = {share: value / 1000 for share, value in told[f"{name}_ms"].items()}
            return run
        run.figures.update(json.loads(figures.read_text()))
        if client == OURS and (run.figures["violations"] or run.figures["failed"]):
            raise RuntimeError(f"{workload.name}: {run.figures['violations']} {run.figures['errors']}")
        return run

    def _errors(self, run: Run) -> tuple[float, ...]:
        """What the client said of TTFT and ITL, less what the server knows: p50 and p99 of each, in milliseconds."""
        truth = Truth.read(run.truth, run.tokens)
        return tuple(
            1000 * (run.figures[f"{name}_s"][f"p{share * 100:.0f}"] - quantile(true, share))
            for name, true in (("ttft", truth.ttft_s), ("itl", truth.itl_s))
            for share in (0.5, 0.99)
        )


PARTS = ("paced", "unpaced", "fidelity", "traps", "requests", "tls", "open", "workers")
