"""A run kept in a file: without its secrets, and judged again with the same verdicts."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from conformance.sending.archive import opened
from conformance.target import ConfigError
from tests.conformance.suites.defects import Answer, Asked, changed
from tests.conformance.suites.judged import KEY as JUDGED_KEY
from tests.conformance.suites.judged import gateway_app, on_stage
from tests.conftest import KEY, Command

SOME = "AUTH,CHAT-001,CHAT-018,STREAM-001,STREAM-026,HDR-004"


def verdicts(folder: Path) -> dict[str, Any]:
    report = json.loads((folder / "report.json").read_text())
    return {row["id"]: (row["verdict"], row["message"], row["tests"]) for row in report["requirements"]}


@pytest.mark.parametrize("name", ["run.json", "run.json.gz"])
def test_a_run_is_judged_again_with_the_same_verdicts(
    run: Command, gateway_url: str, tmp_path: Path, name: str
) -> None:
    words = ["--only", SOME, "--output"]
    first = run("gateproof", "check", gateway_url + "/v1", "--api-key", KEY, "--record", name, *words, "first")
    assert first.returncode == 0, first.stdout + first.stderr
    second = run("gateproof", "check", "--replay", name, *words, "second")
    assert second.returncode == 0, second.stdout + second.stderr
    assert verdicts(tmp_path / "first") == verdicts(tmp_path / "second")
    parallel = run("pytest", "--pyargs", "conformance", "-n", "2", "--gateproof-replay", name, "--gateproof-only", SOME)
    assert parallel.returncode == 0, parallel.stdout + parallel.stderr


def test_a_part_of_a_run_is_judged_again_as_that_part(run: Command, gateway_url: str, tmp_path: Path) -> None:
    words = ["--record", "run.json", "--only", "LIST-001,CHAT-001", "--output", "first"]
    first = run("gateproof", "check", gateway_url + "/v1", "--api-key", KEY, *words)
    assert first.returncode == 0, first.stdout + first.stderr
    second = run("gateproof", "check", "--replay", "run.json", "--output", "second")
    assert second.returncode == 0, second.stdout + second.stderr
    again = verdicts(tmp_path / "second")
    assert verdicts(tmp_path / "first").items() <= again.items()
    assert not any(said[0] == "error" for said in again.values())
    assert "EMB-001" not in again
    other = run("gateproof", "check", "--replay", "run.json", "--only", "EMB-001")
    said = "gateproof: --replay run.json: that run sent nothing of what --only names\n"
    assert (other.returncode, other.stderr) == (4, said)


def test_what_was_broken_is_broken_again_and_no_secret_is_kept(run: Command, tmp_path: Path) -> None:
    def leaking(asked: Asked, answer: Answer) -> Answer:
        sent = asked.header("authorization")
        if answer.status >= 400 and not answer.is_stream and answer.json:
            body = answer.json
            body["error"] = {"message": f"refused: {sent}", "type": "x", "param": None, "code": None}
            return answer.with_json(body)
        return answer

    with on_stage(changed(gateway_app(), leaking)) as url:
        words = ["--only", "AUTH,ERR-001,ERR-023", "--output"]
        first = run("gateproof", "check", url + "/v1", "--api-key", JUDGED_KEY, "--record", "run.json", *words, "first")
    assert first.returncode == 1, first.stdout + first.stderr
    second = run("gateproof", "check", "--replay", "run.json", *words, "second")
    assert second.returncode == 1
    told = {id: said[0] for id, said in verdicts(tmp_path / "first").items()}
    assert told["AUTH-009"] == "fail"
    assert told == {id: said[0] for id, said in verdicts(tmp_path / "second").items()}
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or JUDGED_KEY not in file.read_text("utf-8", "replace"), file


def test_a_run_is_kept_whole_or_not_at_all(run: Command, gateway_url: str, tmp_path: Path) -> None:
    words = ["check", gateway_url + "/v1", "--api-key", KEY, "--only", "LIST-001"]
    done = run("gateproof", *words, "--record", "no/such/folder/run.json")
    assert done.returncode == 4
    assert done.stderr.startswith("gateproof: --record no/such/folder/run.json: it can't be written")
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"\x1f\x8bnot gzip", gzip.compress(b"{}"), b'{"gateproof_recording": 99}', b"\xff\xfe"],
    ids=["empty", "an object", "an array", "broken gzip", "gzip of an object", "another version", "binary"],
)
def test_a_file_that_is_no_run_is_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"--replay .*run\.json: it "):
        opened(path)


def test_a_replay_is_aimed_as_it_was(run: Command, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    for words in (["http://127.0.0.1:9/v1"], ["--profile", "nemo"]):
        done = run("gateproof", "check", "--replay", "run.json", *words)
        assert done.returncode == 4
        assert "it can't go with" in done.stderr
    done = run("gateproof", "check", "--replay", "missing.json")
    assert (done.returncode, done.stderr) == (
        4, "gateproof: --replay missing.json: it can't be read (No such file or directory)\n",
    )  # fmt: skip
