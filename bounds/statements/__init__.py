"""The bounds of the catalogue, a module for each kind; each lists its own in `ENTRIES`, and `catalog` collects them.

Their proofs are in the modules of the same names in `proofs`.
"""
