"""`gateproof load` as a user runs it: one run, a sweep, comparisons, and every way in which nothing can be measured."""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import schemas
from load import command
from load.command import locust_run
from reference_gateway.server import running
from tests.conftest import ROOT, Command
from tests.load.gateways import Counted

KEY = "sk-load-tests.0001"


@pytest.fixture(scope="module")
def paced_url() -> Iterator[str]:
    """A gateway that requires KEY, with 20 ms to the first token and 5 ms between tokens, in a process of its own."""
    serve = [sys.executable, "-m", "conformance.cli", "serve", "--port", "0", "--token", KEY]
    process = subprocess.Popen([*serve, "--ttft", "0.02", "--itl", "0.005"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[-1] + "/v1"
    finally:
        process.terminate()
        process.communicate(timeout=20)


def loaded(run: Command, url: str, *words: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    env = {"LOAD_KEY": KEY}
    return run("gateproof", "load", url, "--api-key-env", "LOAD_KEY", "--no-calibration", *words, env=env, **options)


def figures(folder: Path) -> dict[str, Any]:
    return kept(folder / "out")


def kept(folder: Path) -> dict[str, Any]:
    """The load.json of a folder, which is as its schema says."""
    found: dict[str, Any] = json.loads((folder / "load.json").read_text())
    assert schemas.violations("load", found) == []
    return found


def good_code(document: dict[str, Any]) -> int:
    """The exit code of a run without a fault: how busy this machine is must not decide a test."""
    return 0 if document["client"]["trustworthy"] else 7


def test_a_run_is_measured_told_and_kept(run: Command, paced_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    done = loaded(run, paced_url, "--users", "4", "--duration", "2", "--output", str(folder))
    document = kept(folder)
    assert (done.returncode, done.stderr) == (good_code(document), "")
    assert document["requests"] > 4 and document["failed"] == 0 and document["client"]["errors"] == 0
    assert document["ttft_s"]["p50"] >= 0.020 and document["itl_s"]["mean"] > 0.004 < document["tpot_s"]["p50"]
    assert document["e2e_s"]["p50"] > document["ttft_s"]["p50"]
    assert document["events"] > document["tokens"] > document["requests"]
    assert document["events_per_s"] > document["tokens_per_s"] > 10
    assert [document[name]["count"] for name in ("ttft_s", "e2e_s")] == [document["requests"]] * 2
    assert re.search(r"^TTFT +\d+ +\d+\.\d\d ", done.stdout, re.MULTILINE)
    names = {path.name for path in folder.iterdir()}
    assert names >= {"load.json", "load.html", "locust.html", "locust_stats.csv", "locust_failures.csv"}
    assert not [name for name in names if "partial" in name or name.endswith(".log")]
    assert not [path for path in folder.iterdir() if KEY in path.read_text()]
    assert KEY not in done.stdout


def test_folders_of_the_user_with_our_names_are_no_trouble(run: Command, paced_url: str, tmp_path: Path) -> None:
    for name in ("load", "schemas", "tests", "conformance", "locust"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('the wrong package')\n")
    (tmp_path / "locust.conf").write_text("users = 77\nno-such-option = 1\n")
    done = loaded(run, paced_url, "--users", "1", "--duration", "1", "--output", "out")
    assert (done.returncode, done.stderr) == (good_code(figures(tmp_path)), "")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["http://127.0.0.1:9/v1"], 6, "can't be reached"),
        (["http://nowhere.invalid/v1"], 6, "can't be reached"),
        (["nonsense"], 4, "is not a URL"),
        ([], 4, "no gateway is named"),
        (["http://127.0.0.1:9/v1", "--users", "0"], 4, "--users"),
        (["http://127.0.0.1:9/v1", "--users", "many"], 4, "--users"),
        (["http://127.0.0.1:9/v1", "--duration", "soon"], 4, "--duration"),
        (["http://127.0.0.1:9/v1", "--spawn-rate", "-1"], 4, "--spawn-rate"),
        (["http://127.0.0.1:9/v1", "--header", "no colon"], 4, "--header"),
        (["http://127.0.0.1:9/v1", "--api-key-env", "NOT_SET"], 4, "NOT_SET"),
        (["http://127.0.0.1:9/v1", "--output", "/dev/null/x"], 4, "--output"),
        (["http://127.0.0.1:9/v1", "--scenario", "chat"], 4, "--scenario"),
        (["http://127.0.0.1:9/v1", "--rate", "0"], 4, "--rate"),
        (["http://127.0.0.1:9/v1", "--rate", "5", "--users", "3"], 4, "--users are for closed arrivals"),
        (["http://127.0.0.1:9/v1", "--arrivals", "ramp"], 4, "from= is missing"),
        (["http://127.0.0.1:9/v1", "--sweep", "9:1"], 4, "loads must rise"),
        (["http://127.0.0.1:9/v1", "--sweep", "1:9", "--rate", "3"], 4, "--sweep sets the load itself"),
        (["http://127.0.0.1:9/v1", "--sweep", "1:9", "--arrivals", "ramp:from=1,to=2,over=9"], 4, "its own rates"),
        (["http://127.0.0.1:9/v1", "--slo", "ttft_p59 < 1s"], 4, "did you mean ttft_p"),
        (["http://127.0.0.1:9/v1", "--baseline", "nowhere.json"], 4, "--baseline nowhere.json"),
        (["http://127.0.0.1:9/v1", "--tolerance", "5%"], 4, "--tolerance is of --baseline"),
        (["http://127.0.0.1:9/v1", "--tolerance", "some"], 4, "--tolerance"),
        (["http://127.0.0.1:9/v1", "--prompts", "nowhere.jsonl"], 4, "--prompts"),
        (["http://127.0.0.1:9/v1", "--profile", "opnai"], 4, "did you mean 'openai'"),
        (["http://127.0.0.1:9/v1", "--direct", "provider"], 4, "is not a URL"),
    ],
)
def test_what_can_t_work_is_told_in_one_line(run: Command, words: list[str], code: int, says: str) -> None:
    done = run("gateproof", "load", *words)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1)
    assert says in done.stderr


def test_a_refused_key_is_told_and_not_shown(run: Command, paced_url: str) -> None:
    done = run("gateproof", "load", paced_url, "--api-key", "sk-wrong-key-9", "--duration", "1")
    assert (done.returncode, done.stderr.count("\n")) == (6, 1)
    assert "refuses the API key" in done.stderr and "sk-wrong-key-9" not in done.stderr


def test_a_model_that_is_not_there_measures_nothing(run: Command, paced_url: str, tmp_path: Path) -> None:
    done = loaded(run, paced_url, "--model", "no-such", "--duration", "1", "--output", str(tmp_path / "out"))
    assert (done.returncode, done.stderr.count("\n")) == (5, 1)
    assert not (tmp_path / "out" / "load.json").exists()


def measured(url: str, output: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """What the command says of a second of this load (three users if none is named), in this process."""
    parser = argparse.ArgumentParser()
    command.configure(parser)
    load = words or ("--users", "3")
    args = [url, *load, "--duration", "1", "--no-calibration", "--output", str(output)]
    code = command.run(parser.parse_args(args))
    return code, *capsys.readouterr()


def test_a_run_whose_requests_all_fail_ends_with_1_and_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "times").write_text("0\n0.1\n0.2\n0.3\n")
    with running(Counted(status=500).app) as url:
        code, said, _ = measured(url + "/v1", tmp_path, capsys, "--arrivals", f"replay:{tmp_path}/times")
    document = kept(tmp_path)
    assert code == 1
    assert document["errors"] == {"http 500": 4} and document["requests"] == 4
    assert "http 500: the model is asleep" in said


def test_a_run_in_which_nothing_ends_measures_nothing_and_keeps_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locust_run, "DRAIN_S", 1)
    with running(Counted(hangs=True).app, drain_timeout_s=0.1) as url:
        code, said, complained = measured(url + "/v1", tmp_path, capsys)
    assert code == 5
    assert "nothing was measured" in complained and "unfinished 3" in said
    assert list(tmp_path.iterdir()) == []


LATE = """Traceback (most recent call last):
  File "/x/locust/stats.py", line 1171, in stats_writer
    self.requests_csv_filehandle.seek(requests_csv_data_start)
ValueError: I/O operation on closed file.
2026-01-01T00:00:00Z <Greenlet at 0x1: stats_writer> failed with ValueError
"""
BROKEN = """[2026] host/ERROR: boom
Traceback (most recent call last):
  File "/x/user.py", line 1, in act
    1 / 0
ZeroDivisionError: division by zero
[2026] more
"""


@pytest.mark.parametrize(
    ("log", "said"), [("", ""), (LATE, ""), (BROKEN, "ZeroDivisionError: division by zero"), (BROKEN + LATE, "ZeroDiv")]
)
def test_what_broke_in_locust_is_told_but_not_that_its_files_were_closed(tmp_path: Path, log: str, said: str) -> None:
    (tmp_path / locust_run.LOG).write_text(log)
    assert locust_run.crash(tmp_path).startswith(said) and bool(locust_run.crash(tmp_path)) is bool(said)


def test_a_missed_slo_ends_with_1_and_a_held_one_does_not(run: Command, paced_url: str, tmp_path: Path) -> None:
    words = ["--rate", "20", "--duration", "1", "--output", "out", "--slo", "error_rate < 1%"]
    held = loaded(run, paced_url, *words)
    assert held.returncode == good_code(figures(tmp_path))
    missed = loaded(run, paced_url, *words, "--slo", "ttft_p95 < 1ms")
    assert missed.returncode in (1, good_code(figures(tmp_path)))
    assert [check["held"] for check in figures(tmp_path)["slo"]["checks"]] == [True, False]


def test_a_run_is_compared_with_an_earlier_one(run: Command, paced_url: str, tmp_path: Path) -> None:
    words = ["--rate", "20", "--duration", "1", "--max-tokens", "5", "--output", "out"]
    loaded(run, paced_url, *words)
    baseline = figures(tmp_path) | {"client": {**figures(tmp_path)["client"], "trustworthy": True}}
    baseline["ttft_s"]["p50"] = baseline["ttft_s"]["p95"] = 0.001
    (tmp_path / "before.json").write_text(json.dumps(baseline))
    done = loaded(run, paced_url, *words, "--baseline", "before.json", "--tolerance", "25%")
    compared = figures(tmp_path)["slo"]["baseline"]
    assert done.returncode in (1, 7) and compared["comparable"] and not compared["held"]
    assert compared["tolerance"] == 0.25 and "worse: by more than 25%" in done.stdout
    assert {"ttft_p50", "ttft_p95"} <= {row["name"] for row in compared["figures"] if row["regressed"]}


def test_a_host_alone_is_enough_and_open_arrivals_are_as_many_as_asked(
    run: Command, paced_url: str, tmp_path: Path
) -> None:
    words = ["--arrivals", "step:rates=5/15,each=1s", "--processes", "2", "--max-tokens", "3", "--output", "out"]
    done = loaded(run, paced_url.removesuffix("/v1"), *words)
    document = figures(tmp_path)
    assert done.returncode == good_code(document), done.stderr
    assert (document["requests"], document["base_url"]) == (20, paced_url)
    assert document["arrivals"]["text"] == "step:rates=5/15,each=1s"


def test_a_sweep_finds_the_load_at_which_a_gateway_gives_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    measure = locust_run.measure

    def measured_at_leisure(job: locust_run.Job, folder: Path) -> dict[str, Any]:
        document = measure(job, folder) or {}
        return document | {"client": document["client"] | {"trustworthy": True, "reasons": []}}

    monkeypatch.setattr(locust_run, "measure", measured_at_leisure)
    with running(Counted(texts=1, gap_s=0.05, at_once=1).app) as url:
        words = ["--sweep", "2,4,200", "--arrivals", "constant", "--slo", "error_rate < 60%"]
        code, said, _ = measured(url + "/v1", tmp_path, capsys, *words)
    sweep = kept(tmp_path)["sweep"]
    assert [step["rate"] for step in sweep["steps"]] == [2, 4, 200]
    assert sweep["knee"] == 4 and "error_rate" in sweep["steps"][-1]["why"]
    assert code == 0 and "rate 4: held" in said


def test_pairs_through_the_gateway_and_straight_to_the_provider(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    via, provider = Counted(texts=4, gap_s=0.02), Counted(texts=4, gap_s=0.02)
    with running(via.app) as url, running(provider.app) as direct:
        measured(url + "/v1", tmp_path, capsys, "--rate", "10", "--direct", direct + "/v1")
    document = kept(tmp_path)
    overhead = document["overhead"]
    assert overhead["pairs"] == len(via.bodies) == len(provider.bodies) > 3
    assert document["lateness_s"]["count"] == overhead["pairs"]
    assert sorted(map(json.dumps, via.bodies)) == sorted(map(json.dumps, provider.bodies))


def test_scenarios_without_chat_need_no_chat_model(run: Command, paced_url: str, tmp_path: Path) -> None:
    done = loaded(run, paced_url, "--scenario", "embeddings", "--users", "2", "--duration", "1", "--output", "out")
    document = figures(tmp_path)
    assert done.returncode == good_code(document), done.stderr
    assert document["requests"] > 0 and "embedding" in document["model"]


def test_our_modules_leave_the_process_as_it_was() -> None:
    modules = "load.metrics, load.client.reply, load.command, load.client.endpoint, load.reporting, load.scenarios"
    code = f"import sys, {modules}\n"
    code += "print({'locust', 'gevent'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "set()\n"
