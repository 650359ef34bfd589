"""What is found where only a host is named."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

import schemas
from conformance.sending.dialects import located
from conformance.target import Target, load
from reference_gateway.server import running
from tests.conftest import Command

from ..suites.judged import KEY, gateway_app

NEMO = "/apis/inference-gateway/v2/workspaces/default/openai/-/v1"


class Only:
    """A gateway that serves what is below one prefix, at another if one is named, and says 404 to all else."""

    def __init__(self, app: ASGIApp) -> None:
        self.app, self.prefix, self.shown_at = app, "/", "/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            below = scope["path"].startswith(self.shown_at)
            path = self.prefix + scope["path"].removeprefix(self.shown_at) if below else "/gateproof-nowhere"
            scope = {**scope, "path": path, "raw_path": path.encode()}
        await self.app(scope, receive, send)

    def serving(self, prefix: str, shown_at: str | None = None) -> None:
        self.prefix, self.shown_at = prefix, shown_at or prefix


@pytest.fixture(scope="module")
def gateway() -> Iterator[tuple[Only, str]]:
    app = Only(gateway_app())
    with running(app) as url:
        yield app, url


def found(url: str, **options: Any) -> Target:
    target = replace(Target(url, api_key=KEY, profile_given="profile" in options), **options)
    return asyncio.run(located(target))


@pytest.mark.parametrize(
    ("prefix", "profile", "path"),
    [
        ("/v1/", "openai", "/v1"),
        ("/ml/", "watsonx", "/ml/gateway/v1"),
        ("/apis/", "nemo", NEMO),
    ],
)
def test_the_dialect_is_found_by_its_path(gateway: tuple[Only, str], prefix: str, profile: str, path: str) -> None:
    app, url = gateway
    app.serving(prefix)
    target = found(url)
    assert (target.profile, target.base_url) == (profile, url + path)
    assert target.found == f"{profile} at {path} (it lists models)"


def test_an_api_at_the_root_is_found(gateway: tuple[Only, str]) -> None:
    app, url = gateway
    app.serving("/v1/", "/")
    target = found(url)
    assert (target.profile, target.base_url, target.found) == ("openai", url, "openai at / (it lists models)")


def test_where_several_fit_the_usual_one_is_taken_and_the_others_are_named(gateway: tuple[Only, str]) -> None:
    app, url = gateway
    app.serving("/")
    assert found(url).found == "openai at /v1 (it lists models); nemo, watsonx would fit as well (--profile)"


@pytest.mark.parametrize("profile", ["nemo", "nemo-upstream", "watsonx"])
def test_a_profile_that_is_given_is_only_given_its_path(gateway: tuple[Only, str], profile: str) -> None:
    app, url = gateway
    app.serving("/")
    target = found(url, profile=profile)
    assert target.profile == profile
    assert target.base_url == url + (NEMO if profile.startswith("nemo") else "/ml/gateway/v1")


def test_the_workspace_that_is_given_is_asked(gateway: tuple[Only, str]) -> None:
    app, url = gateway
    app.serving("/apis/")
    assert found(url, workspace="system").base_url == url + NEMO.replace("default", "system")
    assert found(url, workspace="empty").found.endswith("(its list of models is empty)")


def test_a_url_with_a_path_is_left_alone(gateway: tuple[Only, str]) -> None:
    app, url = gateway
    app.serving("/apis/")
    assert found(url + "/v1") == Target(url + "/v1", api_key=KEY, profile_given=False)


@pytest.mark.parametrize("key", ["sk-wrong", None])
def test_a_gateway_that_asks_for_a_key_everywhere_tells_nothing(gateway: tuple[Only, str], key: str | None) -> None:
    app, url = gateway
    app.serving("/")
    assert found(url, api_key=key) == Target(url, api_key=key, profile_given=False)


def test_nothing_is_found_where_nothing_is(gateway: tuple[Only, str]) -> None:
    app, url = gateway
    app.serving("/nothing/")
    assert found(url).found == ""
    assert found("http://127.0.0.1:9").found == ""


def test_a_profile_is_given_by_flag_environment_or_file(tmp_path: Path) -> None:
    assert not load({}, "http://h", tmp_path)[0].profile_given
    assert load({"profile": "nemo"}, "http://h", tmp_path)[0].profile_given


def test_the_command_says_which_it_took(gateway: tuple[Only, str], run: Command, tmp_path: Path) -> None:
    app, url = gateway
    app.serving("/apis/")
    done = run("gateproof", "check", url, "--api-key", KEY, "--only", "NAME-001", "--output", "out")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"found: nemo at {NEMO} (it lists models)\n" in done.stdout
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert schemas.violations("report", report) == []
    assert report["target"]["found"] == f"nemo at {NEMO} (it lists models)"
    assert report["profile"] == "nemo"
    doctor = run("gateproof", "doctor", url, "--api-key", KEY)
    assert doctor.returncode == 0
    assert f"ok  dialect  nemo at {NEMO}" in doctor.stdout


@pytest.mark.parametrize("workers", [[], ["-n2"]])
def test_pytest_finds_it_as_well(gateway: tuple[Only, str], run: Command, tmp_path: Path, workers: list[str]) -> None:
    app, url = gateway
    app.serving("/apis/")
    words = ["--gateproof-api-key", KEY, "--gateproof-only", "NAME-001,LIST-001", "--gateproof-output", "out", *workers]
    done = run("pytest", "--pyargs", "conformance", "--base-url", url, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["target"]["found"] == f"nemo at {NEMO} (it lists models)"


def test_the_command_ends_as_ever_where_nothing_is_found(gateway: tuple[Only, str], run: Command) -> None:
    app, url = gateway
    app.serving("/nothing/")
    for command in ("check", "doctor"):
        assert run("gateproof", command, url, "--api-key", KEY).returncode == 6
