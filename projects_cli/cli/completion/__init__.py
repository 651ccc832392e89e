"""Completion files for four shells, generated from the live commands."""
