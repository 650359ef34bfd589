"""The families of URLs, names and error bodies under which the one registry is served."""
