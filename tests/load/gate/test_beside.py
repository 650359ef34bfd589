"""`gateproof compare` of two load.json: what became worse, and what can't be compared."""

import json
from pathlib import Path

from tests.conftest import Command
from tests.load.documents import made_up


def slower(by: float) -> dict[str, object]:
    document = made_up(5)
    return document | {"ttft_s": {name: (value or 0) * by for name, value in document["ttft_s"].items()}}


def compare(run: Command, tmp_path: Path, before: object, now: object) -> tuple[int, str]:
    (tmp_path / "a.json").write_text(json.dumps(before))
    (tmp_path / "b.json").write_text(json.dumps(now))
    done = run("gateproof", "compare", "a.json", "b.json", "--output", "c.html")
    return done.returncode, done.stdout + done.stderr


def test_a_slower_gateway_is_a_regression(run: Command, tmp_path: Path) -> None:
    code, said = compare(run, tmp_path, made_up(5), slower(2))
    assert code == 1
    assert "Worse: 2. By more than 10%" in said
    assert "ttft_p50" in said and "+100.0%" in said
    assert "<h2>Worse: 2</h2>" in (tmp_path / "c.html").read_text()


def test_the_same_load_is_none(run: Command, tmp_path: Path) -> None:
    code, said = compare(run, tmp_path, made_up(5), made_up(5))
    assert (code, said.splitlines()[-2]) == (0, "no regression in 14 figures")


def test_another_load_is_not_compared(run: Command, tmp_path: Path) -> None:
    code, said = compare(run, tmp_path, made_up(5), made_up(5) | {"max_tokens": 7})
    assert code == 5
    assert "nothing can be compared: max tokens was 64 and is 7" in said


def test_an_earlier_run_that_proves_nothing_is_not_compared(run: Command, tmp_path: Path) -> None:
    code, said = compare(run, tmp_path, made_up(5, cpu=2.0), made_up(5))
    assert code == 5
    assert "nothing can be compared: the earlier run was itself not to be trusted" in said


def test_a_client_that_gave_out_proves_nothing(run: Command, tmp_path: Path) -> None:
    assert compare(run, tmp_path, made_up(5), made_up(5, cpu=2.0))[0] == 7


def test_a_report_and_a_load_are_of_different_kinds(run: Command, tmp_path: Path) -> None:
    code, said = compare(run, tmp_path, made_up(5), {"requirements": [], "gateproof": {}})
    assert code == 4
    assert said == "gateproof: a.json and b.json can't be compared: they are of different kinds\n"


def test_half_a_load_is_one_line(run: Command, tmp_path: Path) -> None:
    code, said = compare(run, tmp_path, made_up(5), {"ttft_s": {}, "arrivals": {}})
    assert code == 4
    assert said.startswith("gateproof: a.json and b.json can't be compared: ") and said.count("\n") == 1
