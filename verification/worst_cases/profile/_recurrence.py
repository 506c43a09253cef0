"""The certificate of the GO-Math-L2O recurrence with scalar heads, and the mean heads of a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from ....l2o import Composite, InputError
from ....l2o.optimizers.go_math_l2o import GoMathL2O
from ._asked import CERTIFIED_UP_TO, announced, chosen_steps, exact_steps, scalar_list, solved
from ._certificates import RecurrenceCertificate

NO_GUARANTEE = "not a guarantee: mean over coordinates"
"""The label of what is computed from means over coordinates."""


def recurrence_certificate(
    r: Sequence[float],
    q: Sequence[float],
    b: Sequence[float],
    function_class: str = "smooth_convex",
    steps: Sequence[int] | None = None,
    *,
    label: str = "a guarantee for these scalars",
    certified_up_to: int = CERTIFIED_UP_TO,
    progress: Callable[[], None] | None = None,
) -> RecurrenceCertificate:
    """The exact worst case of GO-Math-L2O with the displacement map and scalar heads.

    x_k = prox(x_{k-1} - (r_k/L) grad f - q_k v_{k-1}) and v_k = b_k v_{k-1} + (1 - b_k)(x_{k-1} - x_k), v_0 = 0
    (docs/optimizers.md).

    Args:
        r: (K,) L R_k.
        q: (K,) weights of the memory.
        b: (K,) forgetting factors.
        function_class: "smooth_convex" or "composite".
        steps: Numbers of steps K; by default 1, 2, 5, 10, 15, 20 as far as the lists go.
        label: What the result says of itself, as that scalars stand for heads that vary.
        certified_up_to: Up to this K the worst case is a number that is shown from above. Beyond, it is the solver's,
            and `certified` says so.
        progress: Called after each worst case.

    Returns:
        The worst cases in units of L R^2.

    Raises:
        InputError: If the lists differ in length, and for another function class.
    """
    lists = {name: scalar_list(values, name) for name, values in (("r", r), ("q", q), ("b", b))}
    if len(set(map(len, lists.values()))) > 1:
        raise InputError(
            f"recurrence_certificate: r, q and b need one number for each step, got "
            f"{', '.join(f'{len(v)} of {n}' for n, v in lists.items())}."
        )
    if function_class not in ("smooth_convex", "composite"):
        raise InputError(f"function_class: expected smooth_convex or composite, got {function_class!r}.")
    wanted = chosen_steps(steps, len(lists["r"]))
    cases = [
        solved(
            certified_up_to, function_class=function_class, method="go_math", steps=K, step=lists["r"][:K],
            momentum=(lists["q"][:K], lists["b"][:K]),
        )
        for K in announced(wanted, progress)
    ]  # fmt: skip
    return RecurrenceCertificate(
        lists["r"],
        lists["q"],
        lists["b"],
        function_class,
        wanted,
        np.array([value for value, _, _ in cases]),
        np.array([proved for _, proved, _ in cases]),
        tuple(reason for _, _, reason in cases),
        exact_steps(function_class == "smooth_convex", wanted),
        label,
    )


def mean_heads(optimizer: GoMathL2O, problem: Composite, x0: Any, steps: int) -> tuple[np.ndarray, ...]:
    """(r, q, b), each (K,): L R_k, Q_k and B_k of a GO-Math-L2O model along its run, means over coordinates.

    Means over coordinates and instances are a model of the model: label what comes of them `NO_GUARANTEE`.
    """
    if not isinstance(optimizer, GoMathL2O):
        name = getattr(optimizer, "name", type(optimizer).__name__)
        raise InputError(f"mean_heads: expected a GO-Math-L2O model with its displacement map, got {name}.")
    if optimizer.gradient_map != "displacement" or {"b3", "b4"} & set(optimizer.heads):
        raise InputError("mean_heads: expected the displacement map and no bias heads; the recurrence has neither.")
    state, rows = optimizer.init(problem, x0), []
    L = problem.smoothness[:, None]
    for _ in range(steps):
        state = optimizer.step(problem, state)
        assert state.preconditioner is not None, "a step has made it"
        heads = (L * state.preconditioner, state.history_weight, state.forgetting)
        rows.append([float(torch.as_tensor(head).detach().mean()) for head in heads])
    return tuple(np.array(rows).T)
