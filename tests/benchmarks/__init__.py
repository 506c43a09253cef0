"""Benchmarks, run by `make bench`: each module's `main` prints our time and the ratio to a baseline of the same run."""
