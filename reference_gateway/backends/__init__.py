"""Where a call ends: the simulator that pretends to be a model, and the proxy to an OpenAI-compatible provider."""
