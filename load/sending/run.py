"""One locust process's part in a run: its share of open arrivals, and a stop that lets what was sent come to an end and
brings what was measured to the master."""
# mypy: allow-untyped-calls

from pathlib import Path
from time import perf_counter
from typing import Any

import gevent
from locust.env import Environment
from locust.event import Events
from locust.runners import LocalRunner, MasterRunner, WorkerRunner

from conformance.target import ConfigError
from load import progress
from load.arrivals.shares import Share, shares
from load.arrivals.traffic import Traffic
from load.options import PREFIX, Settings, settings_of
from load.session import SESSION

SHARE, ENDED, STOP, STOPPED = (f"gateproof_{word}" for word in ("share", "ended", "stop", "stopped"))
"""Messages between a master and its workers."""
LOOK_S = 1.0
"""How often a master looks whether its workers are still the same."""
TELL_S = 1.0
ANSWER_S = 20.0
"""How much longer than its workers a master waits for what they measured; not for one whose heart has stopped."""


class Run:
    """What this process sends in the run that is on. `settings` are those of the run; while `is_stopping`, nothing new
    begins and what is open may end."""

    def __init__(self) -> None:
        self.settings = Settings()
        self.is_stopping = False
        self._share = Share()
        self._names: list[str] = []
        self._traffic: Traffic | None = None
        self._sharing: Any = None
        self._telling: Any = None
        self._timing: Any = None
        self._stop_timeout_s: float | None = None
        self._ended: set[str] = set()
        self._stopped: set[str] = set()
        self._took_part: set[str] = set()

    @property
    def is_open(self) -> bool:
        """Whether requests start on a schedule; users have nothing to do then."""
        return self.settings.schedule is not None

    def prepare(self, environment: Environment, **_: Any) -> None:
        """Reads the options of a run that starts. To be called before anybody else hears of it."""
        options: Any = environment.parsed_options
        try:
            self.settings = settings_of(options)
        except ConfigError:  # said by the plan, which reads them again
            self.settings = Settings()
        setattr(options, f"{PREFIX}slo", list(self.settings.slo))
        setattr(options, f"{PREFIX}stall", self.settings.stall_s)
        setattr(options, f"{PREFIX}max_tokens", self.settings.max_tokens)

    def install(self, events: Events) -> None:
        """Listens to the events of a locust process. To be called after the session listens to them."""
        events.init.add_listener(self._on_init)
        events.test_start.add_listener(self._on_start)
        events.test_stopping.add_listener(self._on_stopping)
        events.test_stop.add_listener(self._on_stop)

    def _on_init(self, environment: Environment, **_: Any) -> None:
        gevent.get_hub().loop.update_now()  # else locust's run time counts from before all that was imported
        runner: Any = environment.runner
        if isinstance(runner, WorkerRunner):
            runner.register_message(SHARE, self._take_share)
            runner.register_message(STOP, self._stop_and_tell, concurrent=True)
        elif isinstance(runner, MasterRunner):
            runner.register_message(ENDED, lambda environment, msg: self._ended.add(msg.node_id))
            runner.register_message(STOPPED, self._take_last)

    def _on_start(self, environment: Environment, **_: Any) -> None:
        self.is_stopping = False
        runner, schedule = environment.runner, self.settings.schedule
        told = (
            {"kind": schedule.kind, "rate": schedule.peak(), "users": None, "text": schedule.text} if schedule else {}
        )
        SESSION.arrivals = told
        if not isinstance(runner, WorkerRunner):
            options: Any = environment.parsed_options
            if self._telling is None and options.gateproof_progress:
                self._telling = gevent.spawn(self._tell, Path(options.gateproof_progress))
            self._share, self._names = Share(max_in_flight=self.settings.max_in_flight), self._chosen(environment)
            self._ended.clear()
            self._took_part = set(_workers(runner)) if isinstance(runner, MasterRunner) else set()
            if self.settings.length_s and not (schedule and isinstance(runner, LocalRunner)):
                self._timing = gevent.spawn(self._quit_in_time, runner, self.settings.length_s)
        if schedule is None:
            return
        if isinstance(runner, MasterRunner):
            self._sharing = gevent.spawn(self._share_out, runner, self._tell_shares(runner))
        else:
            self._traffic = Traffic(
                environment, self.settings, self._names, lambda: self._share, lambda: self._end(runner)
            )

    def _chosen(self, environment: Environment) -> list[str]:
        """The names of the scenarios that the user classes of this run stand for."""
        scenarios = {getattr(found, "scenario", "") for found in environment.user_classes}
        return sorted(scenario or self.settings.scenario for scenario in scenarios)

    def _tell(self, path: Path) -> None:
        """Leaves the figures of the last second in this file, every second until the process ends."""
        while True:
            gevent.sleep(TELL_S)
            rows = SESSION.series
            totals = {name: sum(row[name] for row in rows) for name in ("started", "ended", "failed")}
            progress.write(path, {**(rows[-2] if len(rows) > 1 else {}), **totals})

    # A master and its workers

    def _tell_shares(self, runner: Any) -> set[str]:
        """Tells every worker its share, and returns their ids."""
        workers = _workers(runner)
        for worker, share in shares(workers, self.settings.max_in_flight).items():
            data = {"share": [share.index, share.of, share.max_in_flight], "names": self._names}
            runner.send_message(SHARE, data, client_id=worker)
        return set(workers)

    def _share_out(self, runner: Any, told: set[str]) -> None:
        """Splits the schedule again whenever a worker came or went."""
        while True:
            gevent.sleep(LOOK_S)
            if told != set(_workers(runner)):
                told = self._tell_shares(runner)

    def _take_share(self, environment: Environment, msg: Any) -> None:
        self._share, self._names = Share(*msg.data["share"]), msg.data["names"]

    # The end

    def _end(self, runner: Any) -> None:
        """The schedule is over in this process: a run of our own command ends then, others when locust's time is up."""
        if isinstance(runner, WorkerRunner):
            runner.send_message(ENDED)
        elif self.settings.length_s:
            gevent.spawn(runner.quit)

    def _quit_in_time(self, runner: Any, length_s: float) -> None:
        """Ends a run with users after its length, and one with open arrivals when all workers have sent theirs.

        Locust's own --run-time begins before the process has come to rest, so runs would be too short by as much.
        """
        until_s = perf_counter() + length_s
        while perf_counter() < until_s:
            gevent.sleep(until_s - perf_counter())
        while self.is_open and not self._ended >= set(_workers(runner)):
            gevent.sleep(0.05)
        gevent.spawn(runner.quit)

    def _on_stopping(self, environment: Environment, **_: Any) -> None:
        """Before locust stops its users: it would not wait for open arrivals, and a headless master for no worker."""
        runner: Any = environment.runner
        timeout_s = float(environment.stop_timeout or 0)
        if isinstance(runner, MasterRunner):
            if not self.is_stopping:  # locust stops once more when the last worker goes while the first stop waits
                self._stop_workers(runner, timeout_s)
        else:
            self._stop(timeout_s)
            self._stop_timeout_s, environment.stop_timeout = timeout_s, 0.0

    def _on_stop(self, environment: Environment, **_: Any) -> None:
        if self._stop_timeout_s is not None:
            environment.stop_timeout = self._stop_timeout_s
            self._stop_timeout_s = None

    def _stop_workers(self, runner: Any, timeout_s: float) -> None:
        """Has the workers stop and tell what they measured, and notes how many of them did not."""
        self.is_stopping = True
        self._end_sharing()
        told = set(_workers(runner))
        self._took_part |= told
        self._stopped.clear()
        runner.send_message(STOP, {"timeout_s": timeout_s})
        until_s = perf_counter() + timeout_s + ANSWER_S
        while (told & set(_workers(runner))) - self._stopped and perf_counter() < until_s:
            gevent.sleep(0.05)
        SESSION.lost = len(self._took_part - self._stopped)

    def _stop_and_tell(self, environment: Environment, msg: Any) -> None:
        """Ends the test in this worker, and tells that with all that was measured and not yet told, in one message.

        Locust's own last report comes when its master has begun to quit, and half a second later nobody hears it.
        """
        runner: Any = environment.runner
        environment.stop_timeout = msg.data["timeout_s"]
        runner.stop()
        report: dict[str, Any] = {}
        environment.events.report_to_master.fire(client_id=runner.client_id, data=report)
        runner.send_message(STOPPED, report)

    def _take_last(self, environment: Environment, msg: Any) -> None:
        environment.events.worker_report.fire(client_id=msg.node_id, data=msg.data)
        self._stopped.add(msg.node_id)

    def _stop(self, timeout_s: float) -> None:
        """Sends nothing new, lets what is open end within this time, and gives up the rest of open arrivals."""
        self.is_stopping = True
        until_s = perf_counter() + timeout_s
        if self._traffic:
            self._traffic.stop()
        while SESSION.active and perf_counter() < until_s:
            gevent.sleep(0.02)
        if self._traffic:
            self._traffic.kill()
            self._traffic = None

    def _end_sharing(self) -> None:
        if self._sharing is not None:
            self._sharing.kill()
            self._sharing = None


def _workers(runner: Any) -> list[str]:
    return [node.id for node in (*runner.clients.ready, *runner.clients.spawning, *runner.clients.running)]


RUN = Run()
"""The run of this process: locust makes its user objects itself, so they can't be given one."""
