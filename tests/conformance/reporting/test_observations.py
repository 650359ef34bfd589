"""What a run finds out beside its verdicts: the wire shape of watsonx.ai, the reading of NeMo's naming rule."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import schemas
from conformance.names import READINGS
from conformance.profiles import names, profile
from conformance.reporting.observations import OBSERVATIONS
from reference_gateway.app import create_app
from reference_gateway.config import Config, Shapes, default_config, with_settings
from reference_gateway.gateway import Gateway
from reference_gateway.server import running
from tests.conftest import Command

from ..suites.judged import KEY

WATSONX = "/ml/gateway/v1"
NEMO = "/apis/inference-gateway/v2/workspaces/default/openai/-/v1"
RECORDED = 'recorded (errors have no type, finish_reason is "" until the end, the chunk with usage has a choice)'


def checked(run: Command, folder: Path, config: Config, path: str, dialect: str, *words: str) -> tuple[str, Any]:
    """What is printed, and the report, which is valid; nothing is red."""
    with running(create_app(Gateway.open(config, tokens=[KEY], seed=1))) as url:
        given = ["--profile", dialect, "--api-key", KEY, "--output", "out", *words]
        done = run("gateproof", "check", url + path, *given)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((folder / "out" / "report.json").read_text())
    assert schemas.violations("report", report) == []
    return done.stdout, report


def quick() -> Config:
    return with_settings(default_config(), {"ttft_s": 0.0, "itl_s": 0.0})


@pytest.mark.parametrize("name", names())
def test_a_profile_tells_what_can_be_told(name: str) -> None:
    assert set(profile(name).tells) <= OBSERVATIONS.keys()


def test_the_watsonx_profile_takes_both_shapes_and_says_which(run: Command, tmp_path: Path) -> None:
    printed, report = checked(run, tmp_path, quick(), WATSONX, "watsonx")
    assert "wire shape: openai\n" in printed
    assert report["target"]["observed"] == {"wire shape": "openai"}
    assert report["summary"]["known"] == 0
    recorded = replace(quick(), watsonx_shapes=Shapes.RECORDED)
    printed, report = checked(run, tmp_path, recorded, WATSONX, "watsonx")
    assert f"wire shape: {RECORDED}\n" in printed
    known = {row["id"] for row in report["requirements"] if row["verdict"] == "known"}
    assert known == {"STREAM-024", "STREAM-031"}
    assert report["summary"]["warn"] == report["summary"]["fail"] == 0


@pytest.mark.parametrize("reading", READINGS)
def test_the_reading_that_a_gateway_follows_is_told(run: Command, tmp_path: Path, reading: str) -> None:
    config = replace(quick(), entity_name_pattern=re.compile(READINGS[reading]))
    printed, _ = checked(run, tmp_path, config, NEMO, "nemo", "--only", "NAME-020")
    assert f"entity names: as by reading {reading} of the naming rule\n" in printed


def test_nothing_is_told_of_what_was_not_asked(run: Command, tmp_path: Path) -> None:
    _, report = checked(run, tmp_path, quick(), NEMO, "nemo", "--only", "LIST-001")
    assert report["target"]["observed"] == {}
