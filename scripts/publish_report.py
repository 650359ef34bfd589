"""Judges a gateway and puts the report, unmodified, into reports/FOLDER: report.json and the text that was printed.

python scripts/publish_report.py litellm-1.106.2 -- http://127.0.0.1:8120/v1 --api-key-env KEY
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPORTS = Path(__file__).resolve().parent.parent / "reports"


def main() -> int:
    folder, arguments = REPORTS / sys.argv[1], sys.argv[sys.argv.index("--") + 1 :]
    gateproof = str(Path(sys.executable).with_name("gateproof"))
    with tempfile.TemporaryDirectory() as output:
        command = [gateproof, "check", *arguments, "--output", output]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode not in (0, 1):
            print(done.stdout + done.stderr, file=sys.stderr)
            return done.returncode
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(output) / "report.json", folder / "report.json")
        (folder / "report.txt").write_text(done.stdout.replace(f"written: {output}/", "written: "), "utf-8")
    print(done.stdout)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
