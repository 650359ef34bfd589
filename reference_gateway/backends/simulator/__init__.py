"""A backend that pretends to be a model, with plausible text, honest counts and a steady pace."""

from reference_gateway.backends.simulator.simulator import Simulator

__all__ = ["Simulator"]
