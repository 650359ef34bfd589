"""What a run can be told: the table of options, and where each value comes from."""
