"""Settings: where each may come from, and which value holds."""
