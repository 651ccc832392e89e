"""What is wrong with a company's part of a database, and its repair. Nothing here writes: a repair is a `Plan`."""
