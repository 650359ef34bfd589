"""What is sent: one module per area. Importing this package registers every probe."""

from importlib import import_module
from pkgutil import walk_packages

from conformance.probe import PROBES

__all__ = ["PROBES"]

for _module in walk_packages(__path__, f"{__name__}."):
    import_module(_module.name)
