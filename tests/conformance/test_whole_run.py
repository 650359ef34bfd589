"""The whole suite against the bundled gateway, in each of its dialects: nothing broken, nothing left unexplained."""

import json
from pathlib import Path

from conformance.catalogue import requirement, requirements
from conformance.features import FEATURES
from reference_gateway.scripted import before
from tests.conformance.suites.ups.test_ups import KEY as PROXY_KEY
from tests.conformance.suites.ups.test_ups import PROVIDER_KEY, standing
from tests.conftest import KEY, Command

DIALECTS = {
    "openai": "/v1",
    "watsonx": "/ml/gateway/v1",
    "nemo": "/apis/inference-gateway/v2/workspaces/default/openai/-/v1",
}

RESPONSES = {"SDK-027", "SDK-028", *(id for id in requirements() if id.startswith("RESP-"))} - {"RESP-015", "RESP-017"}
NOT_OFFERED = {
    "openai": {"CHAT-080", "ERR-029", "ERR-030", "HDR-009"},
    "watsonx": {"ERR-029", "ERR-030", "HDR-009", *RESPONSES},
    "nemo": {"CHAT-061", "CHAT-109", "ERR-029", "ERR-030", "HDR-009", "SEC-006", *RESPONSES},
}
"""Beside what is judged on request alone: a small context, limits of the rate, other origins, responses beside
OpenAI's own dialect; its first model there is blind."""


def test_the_bundled_gateway_is_conformant_and_every_requirement_is_judged_or_has_a_reason(
    run: Command, gateway_url: str, tmp_path: Path
) -> None:
    for profile, path in DIALECTS.items():
        words = ["--profile", profile, "--output", profile]
        done = run("gateproof", "check", gateway_url + path, *words, env={"GATEPROOF_API_KEY": KEY})
        assert done.returncode == 0, done.stdout + done.stderr
        report = json.loads((tmp_path / profile / "report.json").read_text())
        others = {row["id"]: row["verdict"] for row in report["requirements"] if row["verdict"] != "pass"}
        unasked = {id for id in others if any(FEATURES[name].on_request for name in requirement(id).features)}
        assert others == dict.fromkeys(unasked | NOT_OFFERED[profile], "not-applicable"), profile
        assert len(report["requirements"]) >= 350
        assert "fails" not in {feature["state"] for feature in report["features"].values()}
    with standing() as (url, upstream):
        options = {"upstream": upstream, "upstream_key": PROVIDER_KEY, "upstream_timeout": "3", "api_key": PROXY_KEY}
        options |= before.models() | {"only": "UPS,RESP,SDK-018"}
        words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
        done = run(
            "gateproof",
            "check",
            url,
            *words,
            "--output",
            "provider",
        )
        assert done.returncode == 0, done.stdout + done.stderr
    traced = run("gateproof", "trace", *(f"{name}/report.json" for name in (*DIALECTS, "provider")))
    assert traced.returncode == 0, traced.stdout
    assert "NEITHER" not in traced.stdout


def test_an_empty_workspace_is_judged_when_it_is_named(run: Command, gateway_url: str) -> None:
    words = ["--profile", "nemo", "--empty-workspace", "empty", "--only", "LIST-012", "--api-key", KEY]
    done = run("gateproof", "check", gateway_url + DIALECTS["nemo"], *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 requirement in" in done.stdout
