"""Starts the process, from wherever this folder lies."""

import sys
from importlib import import_module
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    main = import_module("calls.process").main
    del sys.path[0]  # its other modules are nothing that the SDK should find
    main()
