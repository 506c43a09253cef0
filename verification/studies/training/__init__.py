"""How much does more training bring? Weights of several stages of a training, on instances that no stage has seen."""

from ._page import STUDY
from ._run import Row, Settings, Training

__all__ = ["STUDY", "Row", "Settings", "Training"]
