"""Generators of documentation and of completion data, for `make docs`; not part of the wheel."""
