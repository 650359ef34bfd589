"""The main job, end to end: start the bundled gateway, judge it in its three dialects, load it for ten seconds, leave
reports.

Runs the installed `gateproof` command as a user would. Ends with 0 only if every step did; stops the gateway in any
case.
"""

import shutil
import subprocess
import sys
from pathlib import Path

KEY = "sk-demo-gateproof-key.local"
DIALECTS = {
    "openai": "/v1",
    "watsonx": "/ml/gateway/v1",
    "nemo": "/apis/inference-gateway/v2/workspaces/default/openai/-/v1",
}
LOAD_S = 10


def main() -> int:
    root = Path(__file__).resolve().parent.parent
    reports = root / "reports" / "demo"
    gateproof = str(Path(sys.executable).with_name("gateproof"))
    shutil.rmtree(reports, ignore_errors=True)
    serve = [gateproof, "serve", "--port", "0", "--token", KEY]
    gateway = subprocess.Popen(serve, stdout=subprocess.PIPE, text=True, cwd=root)
    try:
        assert gateway.stdout is not None
        said = gateway.stdout.readline()
        if not said.startswith("listening on "):
            print("demo: the bundled gateway did not start", file=sys.stderr)
            return gateway.wait() or 1
        url = said.removeprefix("listening on ").strip()
        print(f"The bundled gateway is {said}", flush=True)
        codes = {
            f"check --profile {profile}": _run(
                [gateproof, "check", url + path, "--profile", profile, "--output", str(reports / profile)], root
            )
            for profile, path in DIALECTS.items()
        }
        load = [gateproof, "load", url + "/v1", "--users", "10", "--duration", str(LOAD_S)]
        codes["load"] = _run([*load, "--output", str(reports / "load")], root)
    finally:
        gateway.terminate()
        stopped = gateway.wait(timeout=30)
    codes["stopping the gateway"] = stopped
    print("\nTo read in a browser:")
    for page in [*sorted(reports.glob("*/report.html")), *reports.glob("*/load.html")]:
        print(f"  {page.relative_to(root)}")
    broken = {step: code for step, code in codes.items() if code}
    for step, code in broken.items():
        print(f"demo: {step} ended with exit code {code}", file=sys.stderr)
    return 1 if broken else 0


def _run(command: list[str], root: Path) -> int:
    shown = " ".join(word.replace(str(root) + "/", "") for word in ["gateproof", *command[1:]])
    print(f"\n$ {shown}", flush=True)
    return subprocess.run(command, cwd=root, env={**_environment(), "GATEPROOF_API_KEY": KEY}).returncode


def _environment() -> dict[str, str]:
    import os

    return {name: value for name, value in os.environ.items() if not name.startswith("GATEPROOF_")}


if __name__ == "__main__":
    raise SystemExit(main())
