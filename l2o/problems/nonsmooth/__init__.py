"""Nonsmooth terms r: one file each."""

from .base import CoupledTerm, NonsmoothTerm
from .box import Box
from .elastic_net import ElasticNet
from .group_l1 import GroupL1
from .hull import Hull
from .l1 import L1
from .l2_ball import L2Ball
from .max_affine import MaxAffine
from .simplex import Simplex
from .zero import Zero

__all__ = [
    "L1",
    "Box",
    "CoupledTerm",
    "ElasticNet",
    "GroupL1",
    "Hull",
    "L2Ball",
    "MaxAffine",
    "NonsmoothTerm",
    "Simplex",
    "Zero",
]
