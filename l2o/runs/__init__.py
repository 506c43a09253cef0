"""Runs: K steps of an optimizer on a problem, what is recorded of them, and files that others wrote."""
