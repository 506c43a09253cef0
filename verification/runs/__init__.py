"""Runs, read and recomputed: what a run says of itself, whether that is so, and what its problem declares."""
