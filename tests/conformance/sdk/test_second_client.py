"""--sdk-python as a user meets it: what is printed, what is written, and when it counts."""

import json
import sys
from pathlib import Path

import pytest

from schemas import violations
from tests.conftest import KEY, Command

BROKEN = """#!{python}
import json, sys, urllib.request
print(json.dumps({{"client": "openai-python", "version": "2.0.0", "python": "3.9"}}), flush=True)
for line in sys.stdin:
    job = json.loads(line)
    request = urllib.request.Request(job["options"]["base_url"] + "/chat/completions", json.dumps(job["body"]).encode())
    request.add_header("Authorization", "Bearer the-recorder-knows-the-key")
    request.add_header("Content-Type", "application/json")
    urllib.request.urlopen(request).read()
    said = {{"outcome": "raised", "call": job["kind"], "type": "TypeError", "bases": ["TypeError"]}}
    said.update(message="broken", cause="", status=None, body="NoneType", code=None, kind=None)
    said.update(request_id=None, where="x.py, f()", ours=False, trace="")
    print(json.dumps({{"number": job["number"], "outcome": said}}), flush=True)
"""


@pytest.fixture
def broken(tmp_path: Path) -> str:
    """An interpreter whose SDK raises whatever it gets."""
    file = tmp_path / "python-with-another-sdk"
    file.write_text(BROKEN.format(python=sys.executable))
    file.chmod(0o755)
    return str(file)


@pytest.mark.parametrize(("strict", "code"), [(False, 0), (True, 1)])
def test_its_failures_are_told_and_count_where_all_is_strict(
    run: Command, gateway_url: str, tmp_path: Path, broken: str, strict: bool, code: int
) -> None:
    words = ["--only", "SDK-001,CHAT-001", "--sdk-python", broken, "--output", "out", *["--strict"] * strict]
    done = run("gateproof", "check", gateway_url + "/v1", "--api-key", KEY, *words)
    assert done.returncode == code, done.stdout + done.stderr
    assert "openai-python 2.0.0: 1 fail" in done.stdout
    assert "SDK-001 (MUST)  seen: openai-python 2.0.0, create: TypeError: broken" in done.stdout
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert violations("report", report) == []
    assert {row["verdict"] for row in report["requirements"]} == {"pass"}
    assert [(row["version"], row["summary"]["fail"]) for row in report["clients"]] == [("2.0.0", 1)]
    assert KEY not in json.dumps(report)


def test_workers_of_xdist_tell_of_it_too(run: Command, gateway_url: str, broken: str) -> None:
    words = ["--only", "SDK-001", "--sdk-python", broken]
    options = [f"--gateproof-{word[2:]}" if word.startswith("--") else word for word in words]
    suites = ["--pyargs", "conformance.suites", "-n", "2", "-q", "-p", "no:cacheprovider"]
    done = run("pytest", *suites, "--base-url", gateway_url + "/v1", "--gateproof-api-key", KEY, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "openai-python 2.0.0: 1 fail" in done.stdout


def test_an_interpreter_without_the_sdk_ends_with_4(run: Command, gateway_url: str) -> None:
    done = run(
        "gateproof", "check", gateway_url + "/v1", "--api-key", KEY, "--only", "SDK-001", "--sdk-python", "/bin/true"
    )
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == "gateproof: --sdk-python: /bin/true ended before it had imported openai\n"
