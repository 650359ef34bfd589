"""HTTPS with a certificate made on the fly."""

import ssl
from pathlib import Path

import httpx
import pytest

from reference_gateway.server import running_gateway
from reference_gateway.tls import self_signed

from .test_serve import BODY, start


def test_a_client_that_trusts_the_authority_gets_answers_and_streams(tmp_path: Path) -> None:
    certificate = self_signed("0.0.0.0", "example.test")
    (tmp_path / "authority.pem").write_bytes(certificate.authority_pem)
    context = ssl.create_default_context(cafile=str(tmp_path / "authority.pem"))
    with running_gateway(certificate=certificate) as url, httpx.Client(base_url=url, verify=context) as client:
        assert url.startswith("https://127.0.0.1:")
        assert client.get("/v1/models").status_code == 200
        assert client.post("/v1/chat/completions", json=BODY).text.endswith("data: [DONE]\n\n")
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(f"{url}/v1/models")


def test_the_command_writes_what_clients_have_to_trust(tmp_path: Path) -> None:
    process = start("--port", "0", "--tls-cert-out", str(tmp_path / "cert.pem"))
    assert process.stdout is not None
    try:
        url = process.stdout.readline().split()[-1]
        context = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
        assert url.startswith("https://127.0.0.1:")
        with httpx.Client(verify=context) as client:
            assert client.get(f"{url}/v1/models").status_code == 200
            process.terminate()
            assert process.wait(3) == 0
        assert process.stderr is not None and process.stderr.read() == ""
    finally:
        process.kill()
        process.communicate()


def test_a_certificate_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    process = start("--port", "0", "--tls", "--tls-cert-out", str(tmp_path / "no" / "cert.pem"))
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err.count("\n")) == (4, 1)
    assert "cert.pem: no such file or directory" in err
