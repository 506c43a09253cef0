"""Sweeps: a grid of experiments, run in parallel, kept as they come, resumed where they stopped.

config.py says what is run, cells.py makes the list of cells, measure.py runs some, store.py keeps what comes out, and
run.py holds them together, on this machine (joblib) or on a Dask cluster.
"""

from .cells import Cell, cells_of, check_count
from .config import SweepConfig, load_sweep
from .run import Status, Summary, collect, run_sweep
from .store import Tables, read_tables

__all__ = [
    "Cell",
    "Status",
    "Summary",
    "SweepConfig",
    "Tables",
    "cells_of",
    "check_count",
    "collect",
    "load_sweep",
    "read_tables",
    "run_sweep",
]
