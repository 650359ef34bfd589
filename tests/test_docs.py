"""Every command of the README and of docs/ is run, as it stands there but for the address, against a bundled gateway.

A command is a line that begins with `$ ` in a block ```console. Those of one document run one after another in one
folder, where a check has left report/ and last/; python and pytest in the checkout. A block with a title in its first
line (```toml title="FILE") is written to that file when it is come to; or quoted from it, if it is one of ours.
A command ends with 0, unless its comment says `ends with N`.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from reference_gateway.app import create_app
from reference_gateway.config import parse
from reference_gateway.faults import FAULTS
from reference_gateway.gateway import Gateway
from reference_gateway.scripted import scripted
from reference_gateway.scripted.command import filled, snippets
from reference_gateway.server import running
from tests.conformance.suites.judged import gateway_app
from tests.conftest import BIN, CALLERS, ROOT

KEY = "sk-local-key"
PROVIDER_KEY = "sk-upstream"
DEFECT = "chat-one-choice-for-two"
"""What is wrong with the gateway that documents have at port 8001."""
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NOT_RUN = {
    "make ": "a verb that sets up an environment of its own; CI runs them, or their scripts have tests",
    "gateproof serve": "it serves until it is stopped; one is running here, and tests/reference_gateway starts it",
    "gateproof upstream": "it serves until it is stopped; one is running here, and tests/reference_gateway starts it",
    "locust ": "its page is served until it is stopped; tests/load/test_locust.py runs it",
}
"""How a command begins that can't be run here, and why."""
IN_CHECKOUT = ("python ", "pytest -q tests/")
SMALLER = (
    (r"--duration \S+", "--duration 1"),
    (r"--users \d+", "--users 2"),
    (r"--rate \d+", "--rate 5"),
    (r"--sweep \S+", "--sweep 2:4"),
    (r"^gateproof load (\S+)(?!.*--duration)", r"gateproof load \1 --duration 1"),
    (r"^gateproof load (\S+)", r"gateproof load \1 --no-calibration"),
)
"""A load of seconds in place of minutes."""
ENDS_WITH = {
    "gateproof load": {
        0,
        1,
        7,
    },  # an SLO is missed, or the client is the bottleneck, where a machine is busy with tests
    "gateproof trace": {1},  # these reports are of a part of what their profile asks for
}
ONLY = "LIST,CHAT-001,CHAT-023,AUTH-004"
"""What a check judges that does not choose for itself."""


@dataclass(frozen=True)
class Step:
    """A command of a document, or a file that it shows."""

    line: int
    text: str
    file: str = ""

    @property
    def expected(self) -> set[int]:
        if said := re.search(r"# .*\bends with (\d)", self.text):
            return {int(said[1])}
        return next((codes for start, codes in ENDS_WITH.items() if self.text.startswith(start)), {0})


def steps(path: Path) -> Iterator[Step]:
    text = path.read_text("utf-8")
    for block in re.finditer(r"^```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        language, file, content = block.groups()
        line = text[: block.start()].count("\n") + 2
        if file:
            yield Step(line, content, file)
        if language == "console":
            joined = content.replace("\\\n", "")
            yield from (Step(line, said[2:]) for said in joined.splitlines() if said.startswith("$ "))


def reason(command: str) -> str | None:
    """Why a command is not run; None if it is."""
    return next((why for start, why in NOT_RUN.items() if command.startswith(start)), None)


@pytest.fixture(scope="module")
def gateways() -> Iterator[dict[str, str]]:
    """The addresses that documents use, and what serves there now."""
    good, broken = gateway_app(key=KEY), FAULTS[DEFECT].wrap(gateway_app(key=KEY))
    with running(good) as url, running(broken) as broken_url, _standing() as (standing_url, provider_url):
        yield {
            r"http://127\.0\.0\.1:8002": standing_url,
            r"http://127\.0\.0\.1:9000": provider_url,
            r"http://127\.0\.0\.1:8001": broken_url,
            r"https?://(127\.0\.0\.1:8000|(gw|gateway|provider)(\.example)?)(?=[/ ']|$)": url,
            r"(?<= )URL(?= |$)": f"{url}/v1",
        }


@contextmanager
def _standing() -> Iterator[tuple[str, str]]:
    """A gateway that has a scripted provider, as `gateproof upstream --snippet gateproof` tells: the URLs of both."""
    with running(scripted(gateway_app(key=PROVIDER_KEY), PROVIDER_KEY)) as provider_url:
        config = parse(filled(snippets()["gateproof"], provider_url, PROVIDER_KEY))
        with running(create_app(Gateway.open(config, tokens=[KEY], seed=1))) as url:
            yield url, provider_url


@pytest.fixture
def folder(gateways: dict[str, str], tmp_path: Path) -> Path:
    url = gateways[r"(?<= )URL(?= |$)"]
    done = _run(f"gateproof check {url} --api-key {KEY} --output report", tmp_path, {"GATEPROOF_ONLY": ONLY})
    assert done.returncode == 0, done.stdout + done.stderr
    for copy in ("last", "reports/ours"):
        shutil.copytree(tmp_path / "report", tmp_path / copy)
    return tmp_path


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_every_command_of_a_document_works(path: Path, folder: Path, gateways: dict[str, str]) -> None:
    env = {"GATEPROOF_ONLY": ONLY, "GATEPROOF_API_KEY": KEY, "GATEWAY_KEY": KEY}
    for step in steps(path):
        where = f"{path.name}, block at line {step.line}: {step.text}"
        if (ROOT / step.file).is_file():
            assert step.text in (ROOT / step.file).read_text("utf-8"), where
        elif step.file:
            (folder / step.file).write_text(re.sub(r"(?<=expires = )\d{4}", "2099", _here(step.text, gateways)))
        elif set_now := re.match(r"export (\w+)=", step.text):
            assert set_now[1] in env, where
        elif reason(step.text) is None:
            done = _run(_here(step.text, gateways), ROOT if step.text.startswith(IN_CHECKOUT) else folder, env)
            assert done.returncode in step.expected, f"{where}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
            assert "Traceback" not in done.stderr, where


def test_whatever_is_left_out_is_in_a_document() -> None:
    said = [step.text for path in DOCUMENTS for step in steps(path)]
    assert [start for start in NOT_RUN if not any(text.startswith(start) for text in said)] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_links_and_files_that_a_document_names_are_there(path: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", path.read_text("utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def _here(command: str, gateways: dict[str, str]) -> str:
    for pattern, url in gateways.items():
        command = re.sub(pattern, url, command)
    if command.startswith("gateproof load"):
        for pattern, smaller in SMALLER:
            command = re.sub(pattern, smaller, command)
    return command


def _run(command: str, folder: Path, env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith(CALLERS)}
    kept |= env | {"PATH": f"{BIN}{os.pathsep}{kept['PATH']}", "NO_COLOR": "1"}
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=folder, env=kept, capture_output=True, text=True, timeout=180
    )
