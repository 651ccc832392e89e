"""The private mongod: found, started, stopped, and filled with a sample."""
