"""`projects`: an administration tool for the projects of a ClearML server's database."""

__version__ = "0.1.0"
