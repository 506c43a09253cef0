"""Training learned optimizers by truncated backpropagation through their own iterations."""

from l2o.training.config import TrainingConfig, load_config, split_seed
from l2o.training.loop import Trained
from l2o.training.several import train

__all__ = ["Trained", "TrainingConfig", "load_config", "split_seed", "train"]
