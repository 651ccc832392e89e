"""Generated input, most of it hostile: command lines, and JSON requests."""
