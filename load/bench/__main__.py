"""`python -m load.bench`: the load client beside a C reader and stock locust, against a server that knows the truth."""

import argparse
import platform
import shutil
import sys
import tempfile
import time
from pathlib import Path
from subprocess import CalledProcessError

from load.bench import rig
from load.bench.parts import PARTS, Bench
from load.bench.table import HEAD

PEERS = ("guidellm", "aiperf", "inference-perf")
"""Load tests for language models whose own figures would have to be read, each in its own way: they are not run."""


def main() -> int:
    """Exit codes: 0 all was measured, 1 a part could not be, 4 usage or no C compiler."""
    about = "\n".join(f"  {name:<10}{getattr(Bench, name).__doc__}" for name in PARTS)
    parser = argparse.ArgumentParser(
        prog="python -m load.bench",
        description=f"{__doc__}\n\nparts:\n{about}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help="only these parts, such as: paced tls")
    parser.add_argument("--realtime", action="store_true", help="keep other programs off the two cores (needs root)")
    args = parser.parse_args()
    if unknown := set(args.parts) - set(PARTS):
        parser.exit(4, f"load.bench: no part is called {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}\n")
    began_s, failed = time.monotonic(), 0
    with tempfile.TemporaryDirectory() as folder:
        try:
            rig.built(Path(folder))
        except (CalledProcessError, FileNotFoundError) as error:
            parser.exit(4, f"load.bench: the C server and reader can't be built: {error}\n")
        bench = Bench(Path(folder), args.realtime)
        python = f"{platform.python_implementation()} {platform.python_version()}"
        print(f"{python}; us/event: CPU of the client; TTFT, ITL: what it says less what the server knows, in ms")
        print(HEAD, flush=True)
        for part in args.parts or PARTS:
            try:
                for row in getattr(bench, part)():
                    print(row, flush=True)
            except (RuntimeError, TimeoutError, OSError) as error:
                failed += 1
                print(f"{part:<10}not measured: {' '.join(str(error).split())[-300:]}", flush=True)
    found = [name for name in PEERS if shutil.which(name)]
    print(f"left out: {', '.join(PEERS)} ({', '.join(found) or 'none'} installed; they are not run by this bench)")
    print(f"{time.monotonic() - began_s:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
