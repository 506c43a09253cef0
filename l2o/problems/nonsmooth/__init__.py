"""Nonsmooth terms r: one file each."""

from l2o.problems.nonsmooth._base import CoupledTerm, NonsmoothTerm
from l2o.problems.nonsmooth.box import Box
from l2o.problems.nonsmooth.elastic_net import ElasticNet
from l2o.problems.nonsmooth.group_l1 import GroupL1
from l2o.problems.nonsmooth.hull import Hull
from l2o.problems.nonsmooth.l1 import L1
from l2o.problems.nonsmooth.l2_ball import L2Ball
from l2o.problems.nonsmooth.max_affine import MaxAffine
from l2o.problems.nonsmooth.simplex import Simplex
from l2o.problems.nonsmooth.zero import Zero

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
