"""Exact worst cases beside runs: the ledger, the instances, the worst cases of a recorded profile."""
