"""Measures the client of the load test against a server that knows when it sent what. `make bench` runs it."""
