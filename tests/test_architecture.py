"""The arrows between the packages, and what may never be imported where."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("conformance", "load", "schemas", "reference_gateway")
ALLOWED = {
    "schemas": set(),
    "reference_gateway": {"schemas"},
    "conformance": {"schemas"},
    "load": {"schemas", "conformance"},
}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_the_design_allows(package: str) -> None:
    wrong = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in (ROOT / package).rglob("*.py")
        for name in _imports(file)
        if name in PACKAGES and name != package and name not in ALLOWED[package]
    ]
    assert not wrong


@pytest.mark.parametrize("module", ["exchange", "sse", "catalogue", "verdict", "shape"])
def test_the_record_and_the_rules_import_no_http_client_and_no_pytest(module: str) -> None:
    assert not _imports(ROOT / "conformance" / f"{module}.py") & {"httpx", "httpcore", "h11", "pytest", "openai"}


@pytest.mark.parametrize("file", sorted((ROOT / "conformance" / "rules").rglob("*.py")), ids=lambda file: file.stem)
def test_rules_know_nothing_of_where_an_exchange_came_from(file: Path) -> None:
    tree = ast.parse(file.read_text("utf-8"))
    modules = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    beyond = ("conformance.sending", "conformance.probe", "conformance.judging", "conformance.reporting")
    assert not [module for module in modules if module.startswith(beyond)]


def test_suites_send_nothing_and_know_no_vendor() -> None:
    text = "".join(file.read_text("utf-8").lower() for file in (ROOT / "conformance" / "suites").rglob("*.py"))
    assert "await" not in text
    assert not [name for name in ("litellm", "vllm", "nvidia", "watsonx", "nemo ", "ollama") if name in text]


@pytest.mark.parametrize(
    "module",
    [
        *("conformance.plugin", "conformance.cli", "load.metrics", "load.command", "load.gate", "load.health"),
        *("load.calibration", "load.overhead", "load.reporting.table", "load.reporting.files", "load.reporting.page"),
        "load.command.sweep",
    ],
)
def test_nothing_but_locusts_own_processes_imports_locust(module: str) -> None:
    code = f"import sys, {module}; print({{'locust', 'gevent'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "set()"


def test_the_pytest_plugin_is_light() -> None:
    code = "import sys, conformance.plugin; print({'httpcore', 'jsonschema', 'asyncio', 'ssl'} & set(sys.modules))"
    bare = "import sys, pytest; print({'httpcore', 'jsonschema', 'asyncio', 'ssl'} & set(sys.modules))"
    plugin, pytest_alone = (
        subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, cwd=ROOT, check=True).stdout
        for words in (code, bare)
    )
    assert plugin == pytest_alone


def test_no_file_is_too_long() -> None:
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    assert not [f"{file} {count}" for file in files if (count := len(file.read_text("utf-8").splitlines())) > 450]


def test_no_folder_is_too_full() -> None:
    folders = {file.parent for package in PACKAGES for file in (ROOT / package).rglob("*.py")}
    assert not [f"{folder} {count}" for folder in folders if (count := len(list(folder.glob("*.py")))) > 18]


def _imports(file: Path) -> set[str]:
    tree = ast.parse(file.read_text("utf-8"))
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return {name.split(".")[0] for name in names}
