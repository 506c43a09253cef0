"""Inequalities that no proof can use, and vectors without a part: subgradients at a start that no step asks for.

Where squares of a vector b come with negative weights only, the inequalities that have them have multiplier 0, because
slack matrices have no negative entry on the diagonal. A vector whose square occurs nowhere leaves a 0 there, so that
its row has to vanish. Where its products with another vector k come with one sign only, the inequalities that have them
have multiplier 0. They are left out, as are those of a value that comes with one sign only.

The lower end does not change either: from a strict instance of the rest one of all is made, with k moved by a small
multiple of a new direction and b by a large one, which makes all that were left out as small as one likes and changes
the others by as little. So an answer is the supremum, which need not be attained.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .._conic import Data
from .._exact import restricted
from ._model import Group, TracedModel


def without_useless(model: TracedModel) -> TracedModel:
    """The model without such inequalities and vectors; the same one where there are none."""
    data = model.conic
    matrices, goal = data.blocks[0][1], data.blocks[0][2]
    # what says that 0 is at most 0 holds by itself, and never strictly
    active: np.ndarray = np.any(matrices, axis=(1, 2)) | np.any(data.values, axis=0) | data.equality
    while (useless := _useless(data, active)) is not None:
        active[useless] = False
    used: np.ndarray = np.any(data.values[:, active], axis=1) | (data.metric != 0)
    if active.all() and used.all():
        return model
    names_left = {name for name, keep in zip(data.names, active) if keep}
    there: np.ndarray = np.any(matrices[active], axis=(0, 1)) | np.any(goal, axis=0)
    model.dropped |= {name for name, keep in zip(model.basis, there) if not keep}
    model.basis = [name for name in model.basis if name not in model.dropped]
    groups = []
    for group in model.groups:
        chosen = [at for at, name in enumerate(group.names) if name in names_left]
        if chosen:
            names = [group.names[at] for at in chosen]
            i, j = ([part[at] for at in chosen] for part in (group.i, group.j))
            groups.append(Group(group.function, group.law, names, i, j))
    model.groups = groups
    model.others = [other for other in model.others if other.name in names_left]
    model.renewed({name for name, keep in zip(model.value_names, used) if keep})
    model.__dict__["conic"] = _part(data, active, there, used)
    return model


def _part(data: Data, active: np.ndarray, there: np.ndarray, used: np.ndarray) -> Data:
    """The conic data of what is left."""
    part = restricted(data, active)
    index, matrices, goal = part.blocks[0]
    first = (index, matrices[:, there][:, :, there], goal[there][:, there])
    return replace(part, values=part.values[used], metric=part.metric[used], blocks=[first, *part.blocks[1:]])


def _useless(data: Data, active: np.ndarray) -> np.ndarray | None:
    """Inequalities that one value, or one pair of vectors, shows to be useless, as a mask."""
    matrices, goal, free = data.blocks[0][1], data.blocks[0][2], data.equality
    above, below = ((sign * data.values[:, active] > 0).any(axis=1) for sign in (1, -1))
    for node in np.flatnonzero((above ^ below) & (data.metric == 0) & ~data.values[:, free].any(axis=1)):
        if (useless := _of_one_sign(data.values[node], active)) is not None:
            return useless
    above, below = ((sign * matrices[active] > 0).any(axis=0) for sign in (1, -1))
    bound = matrices[free].any(axis=(0, 1))  # vectors of rows whose multipliers have either sign
    for b in np.flatnonzero(~above.diagonal() & (goal.diagonal() == 0) & ~bound):
        squares = np.where(active, matrices[:, b, b], 0.0)
        if (squares < -1e-9).any():
            return squares < 0
        for k in np.flatnonzero((above ^ below)[b] & (goal[b] == 0)):
            if k != b and (useless := _of_one_sign(matrices[:, b, k], active)) is not None:
                return useless
    return None


def _of_one_sign(entries: np.ndarray, active: np.ndarray) -> np.ndarray | None:
    """Where there are entries, if all that there are have one sign; what is not far from 0 may be rounding of 0."""
    column = np.where(active, entries, 0.0)
    there = column != 0
    if there.any() and ((column >= 0).all() or (column <= 0).all()) and np.abs(column[there]).min() > 1e-9:
        return there
    return None
