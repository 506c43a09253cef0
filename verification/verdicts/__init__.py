"""Holding a bound against a run: the quantities, the slacks, the verdict."""
