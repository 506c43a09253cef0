"""Training learned optimizers by truncated backpropagation through their own iterations."""

from .config import TrainingConfig, load_config, shipped_configs, split_seed
from .loop import Trained
from .several import train

__all__ = ["Trained", "TrainingConfig", "load_config", "shipped_configs", "split_seed", "train"]
