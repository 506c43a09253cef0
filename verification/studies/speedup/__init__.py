"""The speed-up protocol: by what factor a learned optimizer reaches a relative gap before another method does.

config.py says what is compared, run.py makes the runs (a sweep), calls.py counts gradients, timing.py holds the clock,
ratios.py makes factors, intervals and verdicts of it all, and page.py writes them down.
"""

from ....l2o.optimizers.coordinate_descent import CoordinateDescent
from .config import SpeedupConfig, load_speedup
from .page import render, write
from .run import run_speedup

__all__ = ["CoordinateDescent", "SpeedupConfig", "load_speedup", "render", "run_speedup", "write"]
