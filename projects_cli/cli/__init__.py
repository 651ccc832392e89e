"""The command line: what people type, and the one road from there to an answer."""
