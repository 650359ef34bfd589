"""Load: how fast a gateway streams, measured with locust."""
