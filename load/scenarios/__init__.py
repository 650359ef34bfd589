"""What is asked of the gateway: scenarios, the prompts they use, and the bodies made of them."""

from load.scenarios.scenario import DEFAULT, MIXED, NAMES, SCENARIOS, Scenario, drawn, members, weights

__all__ = ["DEFAULT", "MIXED", "NAMES", "SCENARIOS", "Scenario", "drawn", "members", "weights"]
