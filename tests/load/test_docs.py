"""docs/load.md names nothing that is not there."""

import re

from load.arrivals.schedule import Schedule
from tests.conftest import ROOT, Command

PAGE = (ROOT / "docs" / "load.md").read_text("utf-8")


def test_every_option_that_the_page_names_exists(run: Command) -> None:
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*[a-z]", PAGE))
    told = run("gateproof", "load", "--help").stdout + run("locust", "--help").stdout
    told += (ROOT / "load" / "locustfile.py").read_text("utf-8")
    assert named - set(re.findall(r"--[a-z][a-z-]*[a-z]", told)) == set()


def test_every_schedule_that_the_page_names_is_one() -> None:
    named = re.findall(r"^\| `([a-z]+:[^`]+)`", PAGE, re.MULTILINE)
    assert len(named) == 4
    assert [Schedule.parse(text, None) for text in named if not text.startswith("replay")]


def test_every_file_that_the_page_names_is_there() -> None:
    assert all((ROOT / path).exists() for path in re.findall(r"\b(?:load|schemas)/[a-z_.]+\.(?:py|json)\b", PAGE))
