"""How wrong this client is at a given load: it is measured against a server that knows when it sent each event."""

from load.calibration.calibration import calibrate, like

__all__ = ["calibrate", "like"]
