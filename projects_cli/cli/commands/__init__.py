"""One short file for each command; none of them holds logic."""
