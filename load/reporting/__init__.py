"""A load.json as a person reads it: lines for a terminal, a page, CSV files. Imports neither gevent nor locust."""
