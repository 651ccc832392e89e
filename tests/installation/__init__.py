"""The distribution: what is built, locked and installed, and what a new user does first."""
