"""What the suites read from recorded exchanges."""
