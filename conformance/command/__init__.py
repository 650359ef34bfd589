"""The subcommands of gateproof, a module each: what it is good for, its options, and what it prints."""
