"""A scratch repository's job on GitHub, from end to end: the steps of action.yml run in a shell with the files and the
environment that GitHub's runner gives them.

Only the installation is not run here: the environment of these tests stands in for the one that it would make.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import BIN, CALLERS, KEY, ROOT

ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
EXPRESSION = re.compile(r"\$\{\{\s*(.+?)\s*\}\}")
DEFECT, BROKEN = "stream-declared-as-json", "STREAM-001"
SOME = "--only LIST,STREAM-001,STREAM-002"


@dataclass
class Job:
    """What a job has become: whether it is green, its log, the action's outputs and the step's summary."""

    code: int
    log: str
    summary: str
    outputs: dict[str, str] = field(default_factory=dict)

    @property
    def is_green(self) -> bool:
        return self.code == 0


Runs = Callable[..., Job]


@pytest.fixture
def job(tmp_path: Path) -> Runs:
    """Runs the action in the workspace of a scratch repository, with these inputs, as GitHub's runner does."""
    workspace, temp = tmp_path / "workspace", tmp_path / "temp"
    workspace.mkdir()
    temp.mkdir()

    def job(**given: str) -> Job:
        inputs = {name: str(row.get("default", "")) for name, row in ACTION["inputs"].items()}
        assert given.keys() <= inputs.keys()
        context = {f"inputs.{name}": value for name, value in (inputs | given).items()}
        context["steps.install.outputs.python"] = sys.executable
        summary = temp / "summary"
        done = Job(0, "", "")
        for step in ACTION["runs"]["steps"]:
            if "run" not in step or step["id"] == "install":
                continue
            code, log, outputs = _run_step(step, context, workspace, temp)
            context |= {f"steps.{step['id']}.outputs.{name}": value for name, value in outputs.items()}
            done.code, done.log = code, done.log + log
            if code:
                break
        done.summary = summary.read_text("utf-8") if summary.exists() else ""
        done.outputs = {name: _filled(row["value"], context) for name, row in ACTION["outputs"].items()}
        return done

    return job


def _run_step(
    step: dict[str, Any], context: dict[str, str], workspace: Path, temp: Path
) -> tuple[int, str, dict[str, str]]:
    """One step: its exit code, what it printed, and its outputs."""
    assert step["shell"] == "bash"
    script, output = temp / "script.sh", temp / "output"
    script.write_text(_filled(step["run"], context))
    output.write_text("")
    env = {name: value for name, value in os.environ.items() if not name.startswith(CALLERS)}
    env |= {name: _filled(value, context) for name, value in step.get("env", {}).items()}
    env |= {"GITHUB_ACTIONS": "true", "CI": "true", "RUNNER_TEMP": str(temp), "GITHUB_WORKSPACE": str(workspace)}
    env |= {"GITHUB_ACTION_PATH": str(ROOT), "GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(temp / "summary")}
    command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)]
    done = subprocess.run(
        command, cwd=workspace, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120
    )
    found = re.findall(r"^(.+?)<<(\w+)\n(.*?)\n\2$", output.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return done.returncode, done.stdout, {name: value for name, _, value in found}


def _filled(text: str, context: dict[str, str]) -> str:
    """The text with its expressions replaced; what there is no value of becomes nothing, as in a job."""
    return EXPRESSION.sub(lambda found: context.get(found[1], ""), text)


def baseline(workspace: Path, id: str, expires: date) -> str:
    """A reviewed baseline in the scratch repository: this one requirement is known to fail until then."""
    (workspace / "known.toml").write_text(
        f'[[known]]\nid = "{id}"\nreason = "the proxy rewrites the type"\nowner = "team-edge"\nexpires = {expires}\n'
    )
    return "known.toml"


SOON, LONG_AGO = date.today() + timedelta(days=30), date.today() - timedelta(days=30)


@pytest.fixture(scope="module")
def broken_url() -> Iterator[str]:
    """A bundled gateway with a defect, as after a regression."""
    command = [str(BIN / "gateproof"), "serve", "--defect", DEFECT, "--token", KEY, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as gateway:
        assert gateway.stdout is not None
        yield gateway.stdout.readline().removeprefix("listening on ").strip()
        gateway.terminate()


def test_a_conformant_gateway_is_green_and_its_report_is_there(job: Runs, gateway_url: str, tmp_path: Path) -> None:
    done = job(url=gateway_url + "/v1", key=KEY, args=SOME)
    assert done.is_green, done.log
    assert done.outputs["exit-code"] == "0"
    assert done.outputs["failed"] == "0"
    assert int(done.outputs["passed"]) >= 13
    assert done.outputs["report"] == "gateproof-report/report.json"
    folder = tmp_path / "workspace" / "gateproof-report"
    assert {"report.json", "junit.xml", "report.md", "report.sarif", "badge.svg"} <= {p.name for p in folder.iterdir()}
    assert "## ✅ conformant" in done.summary
    assert "::error" not in done.log
    assert KEY not in done.log + done.summary


def test_a_regression_is_red_and_annotated(job: Runs, broken_url: str) -> None:
    done = job(url=broken_url + "/v1", key=KEY, args=SOME)
    assert not done.is_green
    assert done.outputs["exit-code"] == "1"
    assert done.outputs["failed"] == "1"
    assert f"::error title={BROKEN} fail (MUST)::" in done.log
    assert "## ❌ NOT conformant: 1 of" in done.summary


def test_a_reviewed_baseline_makes_it_green(job: Runs, broken_url: str, tmp_path: Path) -> None:
    known = baseline(tmp_path / "workspace", BROKEN, SOON)
    done = job(url=broken_url + "/v1", key=KEY, args=SOME, baseline=known)
    assert done.is_green, done.log
    assert f"KNOWN        {BROKEN}" in done.log
    assert "the proxy rewrites the type" in done.summary
    assert "::error" not in done.log


def test_a_stale_baseline_is_red(job: Runs, gateway_url: str, tmp_path: Path) -> None:
    known = baseline(tmp_path / "workspace", BROKEN, SOON)
    done = job(url=gateway_url + "/v1", key=KEY, args=SOME, baseline=known)
    assert (done.is_green, done.outputs["failed"]) == (False, "1")
    assert f"::error title={BROKEN} stale (MUST)::" in done.log


def test_an_expired_baseline_is_red(job: Runs, broken_url: str, tmp_path: Path) -> None:
    known = baseline(tmp_path / "workspace", BROKEN, LONG_AGO)
    done = job(url=broken_url + "/v1", key=KEY, args=SOME, baseline=known)
    assert (done.is_green, done.outputs["failed"]) == (False, "1")
    assert f"::error title={BROKEN} " in done.log
    assert str(LONG_AGO) in done.log


def test_nothing_of_an_input_is_ever_a_command(job: Runs, gateway_url: str, tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    evil = f"$(touch {mark})`touch {mark}`\"; touch {mark}; '\ntouch {mark}\n"
    for name in ("url", "profile", "key", "baseline", "output", "args"):
        sound = {"url": gateway_url + "/v1", "key": KEY, "args": "--only LIST-001"}
        done = job(**sound | {name: sound.get(name, "") + evil})
        assert not mark.exists(), name
        assert done.is_green == (name == "output"), (name, done.log)
    assert not [step for step in ACTION["runs"]["steps"] if EXPRESSION.search(step.get("run", ""))]


def test_what_is_wrong_with_the_inputs_is_said_and_is_no_verdict(job: Runs) -> None:
    for inputs, says in (
        ({"url": ""}, "no gateway is named"),
        ({"url": "http://127.0.0.1:9/v1", "args": '--only "CHAT'}, "input args: No closing quotation"),
        ({"url": "http://127.0.0.1:9/v1", "output": ""}, "input output: a folder for the report is needed"),
    ):
        done = job(**inputs)
        assert (done.code, done.outputs["exit-code"], done.outputs["report"]) == (4, "4", ""), done.log
        assert says in done.log


def test_a_gateway_that_is_down_ends_with_6_and_leaves_no_report_of_before(job: Runs, tmp_path: Path) -> None:
    folder = tmp_path / "workspace" / "gateproof-report"
    folder.mkdir()
    (folder / "report.json").write_text("of an earlier step")
    done = job(url="http://127.0.0.1:9/v1")
    assert (done.code, done.outputs["exit-code"], done.outputs["report"]) == (6, "6", "")


def test_quoted_words_of_args_reach_the_check(job: Runs, gateway_url: str) -> None:
    done = job(url=gateway_url + "/v1", key=KEY, args="--only 'LIST-001, LIST-002' --header 'X-Project: a b'")
    assert done.is_green, done.log
    assert "2 requirements in" in done.log


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_our_workflows_use_the_action_with_inputs_that_it_has(file: Path) -> None:
    workflow = yaml.safe_load(file.read_text("utf-8"))
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert all(step["with"].keys() <= ACTION["inputs"].keys() for step in steps if step.get("uses") == "./")
    assert file.name != "gateway.yml" or [step for step in steps if step.get("uses") == "./"]
