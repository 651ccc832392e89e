"""The baselines: short scripts, as a developer who knows pymongo would write them."""
