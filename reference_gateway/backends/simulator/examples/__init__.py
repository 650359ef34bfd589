"""JSON values that a JSON Schema allows: for structured answers and for the arguments of tool calls."""

from reference_gateway.backends.simulator.examples.examples import NoExample, example

__all__ = ["NoExample", "example"]
