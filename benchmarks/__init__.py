"""The speed of whole processes against short baselines, as ratios: `python -m benchmarks --help`."""
