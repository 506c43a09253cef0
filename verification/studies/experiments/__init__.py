"""The experiments of the paper, one configuration a figure, run by the sweep engine and drawn.

figure-NN.toml says what a figure shows and how ours departs from it; training.toml how its models are trained.
"""

from .config import Experiment, figure_numbers, load_experiment
from .run import Result, run_experiment

__all__ = ["Experiment", "Result", "figure_numbers", "load_experiment", "run_experiment"]
