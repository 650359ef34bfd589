"""The command as a user meets it: what it prints, and the code it ends with."""

import http.server
import json
import shlex
import threading
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.cli import commands, parser
from conformance.rendering import RENDERERS
from conformance.reporting.report import tool_version
from schemas import violations
from tests.conftest import KEY, Command

SOME = "LIST,STREAM-001,CHAT-018,AUTH-004"


@pytest.fixture(scope="module")
def html_url() -> Iterator[str]:
    """A plain web server that answers everything with a page."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = b"<html><body>welcome</body></html>"
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        do_POST = do_PUT = do_DELETE = do_GET

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_a_conformant_gateway_ends_with_0_and_leaves_a_report(run: Command, gateway_url: str, tmp_path: Path) -> None:
    done = run("gateproof", "check", gateway_url + "/v1", "--api-key", KEY, "--only", SOME, "--output", "out")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert violations("report", report) == []
    assert report["conformant"]
    assert report["target"]["model_chosen"] == "listed"
    assert report["cost"]["requests"] > 3
    assert report["cost"]["completion_tokens"] > 0
    suite = ElementTree.parse(tmp_path / "out" / "junit.xml").getroot().find("testsuite")
    assert suite is not None
    assert int(suite.get("tests", 0)) == len(report["requirements"])
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"allure-results", "junit.xml", "report.json", *filter(None, RENDERERS.values())}
    results = [json.loads(p.read_text()) for p in (tmp_path / "out" / "allure-results").glob("*-result.json")]
    labels = {label["name"]: label["value"] for label in results[0]["labels"]}
    assert labels["epic"] == "openai"
    assert any(result.get("attachments") for result in results)


def test_no_secret_is_written_anywhere(run: Command, gateway_url: str, tmp_path: Path) -> None:
    secret_header = "X-Api-Key: very-secret-value-123"
    done = run(
        "gateproof", "check", gateway_url + "/v1", "--header", secret_header, "--only", "AUTH,LIST,ERR-001",
        "--output", "out", env={"GATEPROOF_API_KEY": KEY},
    )  # fmt: skip
    written = "".join(p.read_text() for p in (tmp_path / "out").rglob("*") if p.is_file())
    for text in (done.stdout, done.stderr, written):
        assert KEY not in text
        assert "very-secret-value-123" not in text
    assert "$API_KEY" in written


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["check", "http://127.0.0.1:9/v1"], 6, "can't be reached"),
        (["check", "{gateway}/v1", "--api-key", "sk-wrong"], 6, "refuses the API key (HTTP 401)"),
        (["check", "{gateway}/v1"], 6, "asks for an API key"),
        (["check", "{gateway}/v2", "--api-key", KEY], 6, "/v1 looks right"),
        (["check", "{html}"], 6, "no OpenAI-compatible API"),
        (["check", "{html}", "--model", "m"], 6, "no OpenAI-compatible API"),
        (["check", "{gateway}/v1", "--only", "CHAT-0188"], 4, "CHAT-018"),
        (["check", "{gateway}/v1", "--profile", "opneai"], 4, "did you mean 'openai'"),
        (["check", "{gateway}/v1", "--feature", "+telepathy"], 4, "no such feature"),
        (["check", "{gateway}/v1", "--feature", "+tolls"], 4, "did you mean 'tools'"),
        (["check", "{gateway}/v1", "--modle", "x"], 4, "unknown option --modle, did you mean '--model'"),
        (["check", "{gateway}/v1", "--mode", "x"], 4, "unknown option --mode, did you mean '--model'"),
        (["check", "{gateway}/v1", "extra"], 4, "unrecognized arguments: extra"),
        (["check", "{gateway}/v1", "--only", "STREM"], 4, "there is no area 'STREM', did you mean 'STREAM'"),
        (["check", "{gateway}/v1", "--baseline", "none.toml"], 4, "baseline none.toml: it can't be read"),
        (["check", "{gateway}/v1", "--plan", "--update-baseline"], 4, "--plan judges nothing"),
        (["load", "--durtion", "5"], 4, "unknown option --durtion, did you mean '--duration'"),
        (["trace", "--hepl"], 4, "unknown option --hepl, did you mean '--help'"),
        (["--vresion"], 4, "unknown option --vresion, did you mean '--version'"),
        (["completion", "tcsh"], 4, "invalid choice: 'tcsh'"),
        (["check", "{gateway}/v1", "--concurrency", "many"], 4, "invalid int value"),
        (["check", "{gateway}/v1", "--output", "/proc/nowhere"], 4, "can't be written"),
        (["check"], 4, "no gateway is named"),
        (["check", "{gateway}/v1", "--api-key", KEY, "--only", "NAME-005"], 5, "nothing was judged"),
        (["explain", "CHAT-999"], 4, "the nearest are"),
        (["nonsense"], 4, "there is no command 'nonsense' (check, doctor, "),
        (["chek", "{gateway}/v1"], 4, "there is no command 'chek', did you mean 'check'"),
        ([], 4, "COMMAND"),
    ],
)
def test_what_goes_wrong_is_one_line_and_a_code(
    run: Command, gateway_url: str, html_url: str, words: list[str], code: int, sentence: str
) -> None:
    done = run("gateproof", *(word.format(gateway=gateway_url, html=html_url) for word in words))
    assert (done.returncode, done.stdout) == (code, "")
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_a_broken_gateway_ends_with_1_and_a_curl_line(run: Command, gateway_url: str) -> None:
    words = ["--api-key", KEY, "--only", "LIST-006,LIST-001", "--model", "no-such-model"]
    done = run("gateproof", "check", gateway_url + "/v1", *words)
    assert done.returncode == 1
    assert "LIST-006 (MUST)" in done.stdout
    assert "seen: not listed: no-such-model" in done.stdout
    assert "curl -sS" in done.stdout
    assert "NOT conformant" in done.stdout
    assert "\x1b" not in done.stdout


def test_doctor_says_what_works(run: Command, gateway_url: str) -> None:
    done = run("gateproof", "doctor", gateway_url + "/v1", env={"GATEPROOF_API_KEY": KEY})
    assert done.returncode == 0, done.stderr
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [
        ["ok", step] for step in ("name", "connect", "models", "chat")
    ]


@pytest.mark.parametrize(
    ("url", "step", "advice"),
    [
        ("http://no-such-host.invalid/v1", "name", "spelling"),
        ("http://127.0.0.1:9/v1", "connect", "running"),
        ("{gateway}/v1", "key", "--api-key-env"),
    ],
)
def test_doctor_says_what_to_do_next(run: Command, gateway_url: str, url: str, step: str, advice: str) -> None:
    done = run("gateproof", "doctor", url.format(gateway=gateway_url))
    assert done.returncode == 6
    assert f"NO  {step}" in done.stdout
    assert advice in done.stdout


def test_explain_tells_the_whole_requirement(run: Command) -> None:
    done = run("gateproof", "explain", "chat-018")
    assert done.returncode == 0
    assert all(word in done.stdout for word in ("MUST", "must hold", "judged by", "source", "who breaks"))
    several = run("gateproof", "explain", "chat-018", "LIST-001").stdout
    assert several.count("\n\n") == 1 and several.endswith(".\n")
    assert "models-list" in several, "a word with a hyphen is torn apart"


def test_an_expired_token_is_renewed(run: Command, gateway_url: str, tmp_path: Path) -> None:
    """The first token that the command prints is refused; on 401 it is run again and prints the right one."""
    script = tmp_path / "token.sh"
    script.write_text(f"[ -f used ] && echo {KEY} || {{ touch used; echo expired.token; }}\n")
    words = ["--api-key-command", f"sh {script}", "--only", "LIST-001"]
    done = run("gateproof", "check", gateway_url + "/v1", *words)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", commands())
def test_every_command_has_help_with_examples_that_it_would_take(name: str) -> None:
    found = parser(name)[1][name]
    lines = [line.strip() for line in str(found.epilog).splitlines()]
    assert lines[0] == "Examples:"
    for line in lines[1:]:
        words = shlex.split(line.split("     ")[0].split(" > ")[0])
        assert words[:2] == ["gateproof", name]
        found.check(words[2:])
        found.parse_args(words[2:])


def test_the_version_is_told(run: Command) -> None:
    assert run("gateproof", "--version").stdout == f"gateproof {tool_version()}\n"
    assert "Examples:" in run("gateproof", "--help").stdout
