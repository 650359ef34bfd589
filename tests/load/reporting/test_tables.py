"""What is printed of a load.json, and its CSV files."""

import csv
import io
from typing import Any

import pytest

from load import gate, health
from load.command.sweep import Step, Sweep
from load.reporting import files, table
from tests.load.documents import made_up

HOSTILE = "\x1b[31m=cmd|' /C calc'!A0\nsecond line"


@pytest.fixture
def document() -> dict[str, Any]:
    return made_up(seconds=20)


def lines(document: dict[str, Any]) -> list[str]:
    return table.lines(document)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_times_are_those_of_the_document_in_milliseconds(document: dict[str, Any]) -> None:
    (line,) = [line for line in lines(document) if line.startswith("TTFT")]
    figures = document["ttft_s"]
    assert line.split()[1:] == [str(figures["count"]), *(table.ms(figures[name]) for name in table.COLUMNS)]


@pytest.mark.parametrize(
    ("arrivals", "said"),
    [
        ({"kind": "closed", "rate": None, "users": 1}, "  1 user  "),
        (
            {"kind": "step", "rate": 10.0, "users": None, "text": "step:rates=5/10,each=2s"},
            "  step:rates=5/10,each=2s  ",
        ),
    ],
)
def test_the_load_is_told_as_it_was_ordered(document: dict[str, Any], arrivals: dict[str, Any], said: str) -> None:
    assert said in lines(document | {"users": 1, "arrivals": arrivals})[0]


def test_a_client_that_was_the_bottleneck_is_told_last_and_why(document: dict[str, Any]) -> None:
    assert "NOT TO BE TRUSTED" not in "\n".join(lines(document))
    document["client"]["cpu"] = 0.97
    document["client"] = health.judged(document)
    *_, title, reason, helps = lines(document)
    assert title == "NOT TO BE TRUSTED: the client was the bottleneck" and "97% of its core" in reason
    assert helps.strip() == table.HELPS


@pytest.mark.parametrize("fails", [False, True])
def test_a_sweep_that_met_no_limit_says_so(document: dict[str, Any], fails: bool) -> None:
    search = Sweep.parse("5,10,20")
    search.steps = [Step(5, True), Step(10, True), Step(20, not fails, "ttft_p95 < 1ms: 2 ms" if fails else "")]
    (line,) = [line for line in lines(document | {"sweep": search.document()}) if "highest load that held" in line]
    end = "10 requests/s" if fails else "20 requests/s, and none higher was tried"
    assert line.strip() == f"the highest load that held: {end}"


def test_a_missed_slo_and_a_regression_are_told(document: dict[str, Any]) -> None:
    before = made_up(seconds=20)
    before["ttft_s"] = {**before["ttft_s"], "p50": 0.001}
    document["slo"] = gate.judge(document, gate.parse(["ttft_p95 < 1ms", "goodput > 0%"]), before)
    said = "\n".join(lines(document))
    assert "  MISSED  ttft_p95 < 1ms: " in said and "  held    goodput > 0%: " in said
    assert "  WORSE   ttft_p50: " in said
    assert "beside the earlier run (worse: by more than 10% " in said


def test_what_a_gateway_says_stays_on_its_line_and_moves_no_cursor() -> None:
    said = lines(made_up(seconds=60, hostile=HOSTILE))
    assert [line for line in said if "asleep" in line] and "calc" in said[0]
    assert not [line for line in said if not line.isprintable()]


def test_the_figures_of_every_scenario_are_a_row(document: dict[str, Any]) -> None:
    found = {row["scenario"]: row for row in rows(files.csvs(document)["load_figures.csv"])}
    assert list(found) == ["total", *document["scenarios"]]
    assert float(found["total"]["ttft_s.p95"]) == document["ttft_s"]["p95"]
    assert int(found["multi-turn"]["requests"]) == document["scenarios"]["multi-turn"]["requests"]
    assert found["total"]["per_stream.tokens_per_s.p50"] and found["total"]["retry_after.seen"] == "0"


def test_every_second_is_a_row(document: dict[str, Any]) -> None:
    found = rows(files.csvs(document)["load_series.csv"])
    assert [row["t_s"] for row in found] == [str(second) for second in range(20)]
    assert found[3]["ttft_p95_s"] == str(document["series"][3]["ttft_p95_s"])


def test_no_cell_is_a_formula() -> None:
    document = made_up(seconds=60)
    figures = next(iter(document["scenarios"].values()))
    figures["errors"], figures["error_examples"] = {"http 500": 2}, {"http 500": "=1+1"}
    found = rows(files.csvs(document)["load_problems.csv"])
    assert [row["example"] for row in found if row["kind"] == "http 500"] == ["'=1+1"]


def test_a_run_that_measured_nothing_has_tables(document: dict[str, Any]) -> None:
    document |= {"series": [], "scenarios": {}}
    assert files.csvs(document)["load_series.csv"] == ""
    assert len(rows(files.csvs(document)["load_figures.csv"])) == 1
