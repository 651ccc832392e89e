"""What TAB asks the program for: names out of a cache, without a database and without Typer."""
