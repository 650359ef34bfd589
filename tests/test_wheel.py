"""The wheel: built, installed into an empty environment, used from a folder that is not the checkout."""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
KEY = "sk-tests-gateproof.key.0001"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a new environment that holds our wheel; its dependencies are those of this environment."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", str(folder), str(ROOT)], check=True, capture_output=True)
    venv.create(folder / "env", with_pip=False)
    site = next((folder / "env" / "lib").glob("python*")) / "site-packages"
    install = [sys.executable, "-m", "pip", "--python", str(folder / "env" / "bin" / "python"), "install", "--quiet"]
    wheel = next(folder.glob("gateproof-*.whl"))
    subprocess.run([*install, "--no-deps", str(wheel)], check=True, capture_output=True)
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "env" / "bin"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder with folders of our packages' names in it, as users' projects have them."""
    for name in ("load", "schemas", "tests", "conformance"):
        (tmp_path / name).mkdir()
        if name != "conformance":
            (tmp_path / name / "__init__.py").write_text("raise SystemExit('the wrong package was imported')\n")
    return tmp_path


def test_the_command_judges_a_gateway(installed: Path, elsewhere: Path, gateway_url: str) -> None:
    command = [
        str(installed / "gateproof"),
        "check",
        gateway_url + "/v1",
        "--api-key",
        KEY,
        "--only",
        "LIST,STREAM-001",
    ]
    done = subprocess.run(command, cwd=elsewhere, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "conformant" in done.stdout


def test_pytest_finds_the_suites_in_the_package(installed: Path, elsewhere: Path, gateway_url: str) -> None:
    command = [str(installed / "python"), "-P", "-m", "pytest", "--pyargs", "conformance", "-q"]
    command += ["--base-url", gateway_url + "/v1", "--gateproof-api-key", KEY, "--gateproof-only", "LIST"]
    done = subprocess.run(command, cwd=elsewhere, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "13 passed" in done.stdout


def test_every_command_is_there(installed: Path, elsewhere: Path) -> None:
    done = subprocess.run([str(installed / "gateproof"), "--help"], cwd=elsewhere, capture_output=True, text=True)
    assert all(name in done.stdout for name in ("check", "doctor", "explain", "serve", "load"))
    explained = subprocess.run(
        [str(installed / "gateproof"), "explain", "CHAT-018"], cwd=elsewhere, capture_output=True, text=True
    )
    assert "total_tokens" in explained.stdout
