"""The completion scripts: in a real bash, and as far as other shells are there."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Command

ASK = """
source ./gateproof.bash
words=$(complete -p gateproof); words=${words#*-F }; function=${words%% *}
COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 ))
"$function" gateproof "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("completion") / "gateproof.bash"


def completed(folder: Path, *words: str) -> list[str]:
    done = subprocess.run(
        ["bash", "--norc", "-c", ASK, "bash", *words], capture_output=True, text=True, cwd=folder, timeout=30
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_real_bash_completes_commands_options_and_names(run: Command, script: Path) -> None:
    if not shutil.which("bash"):
        pytest.skip("there is no bash")
    done = run("gateproof", "completion", "bash")
    assert (done.returncode, done.stderr) == (0, "")
    script.write_text(done.stdout)
    (script.parent / "kept-run.json.gz").touch()
    for words, expected in (
        (["gateproof", "che"], ["check"]),
        (["gateproof", "check", "--prof"], ["--profile"]),
        (["gateproof", "check", "--profile", "nem"], ["nemo", "nemo-upstream"]),
        (["gateproof", "check", "--profile", "nemo", "--update-b"], ["--update-baseline"]),
        (["gateproof", "explain", "CHAT-001", "STREAM-03"], [f"STREAM-03{n}" for n in range(10)]),
        (["gateproof", "check", "--only", "AUTH-00"], [f"AUTH-00{n}" for n in range(1, 10)]),
        (["gateproof", "check", "--without", "emb"], ["embeddings"]),
        (["gateproof", "check", "--feature", "+tool"], ["+tools"]),
        (["gateproof", "check", "--replay", "kept"], ["kept-run.json.gz"]),
        (["gateproof", "load", "--scenario", "chat-p"], ["chat-plain"]),
        (["gateproof", "completion", "f"], ["fish"]),
    ):
        assert completed(script.parent, *words) == expected, words


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_another_shell_can_read_its_script(run: Command, tmp_path: Path, shell: str) -> None:
    done = run("gateproof", "completion", shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(word in done.stdout for word in ("check", "update-baseline", "nemo-upstream", "CHAT-018"))
    if shutil.which(shell):
        (tmp_path / "script").write_text(done.stdout)
        read = subprocess.run([shell, "-n", "script"], capture_output=True, text=True, cwd=tmp_path, timeout=30)
        assert (read.returncode, read.stderr) == (0, "")
