"""Benchmarks: `scripts/bench WHAT` runs one of these modules."""
