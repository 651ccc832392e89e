"""The command line: options, commands, and the two flows from arguments to a printed response."""
