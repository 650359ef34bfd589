"""The index of published reports: who is in it, in which order, and what leads where."""

import json
from pathlib import Path

import pytest

from conformance import catalogue
from conformance.comparing.matrix import published
from conformance.comparing.pages import matrix_page
from tests.conformance.comparing.runs import Document, altered, document, row
from tests.conftest import Command
from tests.load.documents import made_up

SOME = ("LIST-001", "CHAT-018", "HDR-001", "STREAM-038")
README = """# Best gateway 1.2, profile openai

## Reproduce

Start it:

```console
$ best-gateway serve
## not a heading
```

## Findings

Nothing.
"""


def put(folder: Path, name: str, report: Document | None = None, **files: str) -> None:
    place = folder / name
    place.mkdir()
    if report:
        (place / "report.json").write_text(json.dumps(report))
    for file, text in files.items():
        (place / file.replace("_", ".")).write_text(text)


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    folder = tmp_path / "reports"
    folder.mkdir()
    good = document(*SOME)
    put(folder, "good", good, README_md=README, report_html="<p>", load_json=json.dumps(made_up(5)))
    put(folder, "known", altered(good, row("CHAT-018", "known", "as ever")))
    put(folder, "blind", altered(good, row("CHAT-018", "untestable", "nothing came"), row("LIST-001", "fail", "no")))
    put(folder, "older", good | {"gateproof": {"version": "0.0.1", "catalogue_hash": "f" * 16}})
    put(folder, "only-load", load_json=json.dumps(made_up(5, cpu=2.0)))
    put(folder, "kill-matrix", matrix_json="{}")
    put(folder, "hostile", load_json='{"cases": []}')
    (folder / "README.md").write_text("Words.\n<!-- matrix -->\nold\n<!-- /matrix -->\nMore words.\n")
    return folder


def test_folders_without_a_report_are_left_out_and_the_best_comes_first(reports: Path) -> None:
    entries, complaints = published(reports)
    assert not complaints
    # Of "older" it can't be known whether it is of a part only.
    assert [entry.folder for entry in entries] == ["older", "good", "known", "blind", "only-load"]
    shares = {entry.folder: str(entry.run.musts) for entry in entries if entry.run}
    assert shares == {"older": "3 of 3", "good": "3 of 3", "known": "2 of 3", "blind": "1 of 3"}
    assert {entry.folder for entry in entries if entry.is_outdated} == {"older"}
    assert {entry.folder for entry in entries if entry.is_partial} == {"good", "known", "blind"}


def test_what_can_not_be_judged_for_another_reason_does_not_count(reports: Path) -> None:
    cut = altered(document(*SOME), row("CHAT-018", "untestable", "a bound of ours", blame="suite"))
    put(reports, "cut", cut)
    entries, _ = published(reports)
    run = next(entry.run for entry in entries if entry.folder == "cut")
    assert run and str(run.musts) == "2 of 2"


def test_a_readme_names_the_gateway_and_says_how_to_reproduce(reports: Path) -> None:
    entry = next(entry for entry in published(reports)[0] if entry.folder == "good")
    assert entry.title == "Best gateway 1.2"
    assert [(block.is_code, block.text) for block in entry.reproduce] == [
        (False, "Start it:"),
        (True, "$ best-gateway serve\n## not a heading"),
    ]


def test_a_run_of_the_whole_profile_is_no_part(reports: Path) -> None:
    """By the ids alone: what is asked for is in the run, whatever came of it."""
    first = document(*SOME)["requirements"][0]
    wanted = [found for found in catalogue.requirements().values() if not found.not_judged]
    rows = [first | {"id": found.id, "level": found.level.value} for found in wanted]
    put(reports, "whole", document(*SOME) | {"requirements": rows})
    entries, _ = published(reports)
    assert "whole" in {entry.folder for entry in entries if entry.run and not entry.is_partial}
    behind = {id for id, found in catalogue.requirements().items() if "scripted_upstream" in found.features}
    put(reports, "in-front", document(*SOME) | {"requirements": [row for row in rows if row["id"] not in behind]})
    assert not any(entry.is_partial for entry in published(reports)[0] if entry.folder == "in-front")
    short = [row for row in rows if row["id"] != "LIST-001"]
    put(reports, "short", document(*SOME) | {"requirements": short})
    assert next(entry for entry in published(reports)[0] if entry.folder == "short").is_partial


def test_the_page_links_every_requirement_to_its_report(reports: Path) -> None:
    page = matrix_page(published(reports)[0], "")
    assert '<a href="good/report.html#CHAT-018">CHAT-018</a>' in page
    assert '<a href="known/report.html' not in page
    assert '<a href="#known--CHAT">' in page and '<details class="item" id="known--CHAT">' in page
    assert "$ best-gateway serve" in page


def test_the_command_writes_the_index_and_the_table_of_the_readme(run: Command, reports: Path) -> None:
    done = run("gateproof", "matrix", "reports", "--output", "reports/index.html", "--output", "reports/README.md")
    assert done.returncode == 0, done.stderr
    first = next(line for line in done.stdout.splitlines() if line.startswith("Best gateway 1.2 (a part only)"))
    assert first.split()[-7:] == ["openai", "100%", "3/3", "1/1", "1/1", "1/1", "1/1"]
    assert "bottleneck: not to be trusted" in done.stdout
    readme = (reports / "README.md").read_text()
    assert readme.startswith("Words.\n<!-- matrix -->\n| gateway |") and readme.endswith(
        "<!-- /matrix -->\nMore words.\n"
    )
    assert "| [Best gateway 1.2](good/)† | openai | " in readme and "\nold\n" not in readme
    assert "| **66.6%** (2/3) |" in readme
    again = run("gateproof", "matrix", "reports")
    assert again.stdout.splitlines()[-1] == "written: reports/index.html"
    elsewhere = run("gateproof", "matrix", "reports", "--output", "page.html")
    assert elsewhere.returncode == 0
    assert '<a href="reports/good/report.html#CHAT-018">' in (reports.parent / "page.html").read_text()


def test_a_broken_report_is_told_in_one_line_and_the_others_are_shown(run: Command, reports: Path) -> None:
    put(reports, "broken", report_json="{")
    put(reports, "half", document(*SOME), load_json='{"ttft_s": 3, "arrivals": {}}')
    done = run("gateproof", "matrix", "reports")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "gateproof: left out: reports/broken/report.json: it is no JSON document",
        "gateproof: left out: reports/half/load.json: its members are not those of a load.json",
    ]
    assert "Best gateway 1.2" in (reports / "index.html").read_text()


def test_a_folder_without_reports_is_nothing_judged(run: Command, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert run("gateproof", "matrix", "empty").returncode == 5
    assert run("gateproof", "matrix", "missing").returncode == 4
