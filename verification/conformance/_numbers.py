"""Other precisions and other scales."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from ... import l2o
from ...l2o import Composite
from ._case import Case, Instance, Refused, seed_global_rng
from ._result import Finding, failed, not_applicable, passed
from ._sameness import compare, verdict
from .registry import register

_EPS_RATIO = float(torch.finfo(torch.float32).eps / torch.finfo(torch.float64).eps)
_MOST = 0.05  # of float32: a thousand of its roundings are 1e-4, and beyond this the comparison says nothing


@register(
    asserts="On the problem in float32 the iterates are float32, and the run is that of float64 up to the rounding of "
    "float32 and its amplification.",
    why="Networks are trained in float32 and judged in float64. A method that computes something else in one of the "
    "two is judged for what it does not do.",
    breaks="Constants and buffers made in float64 (or float32) whatever the problem is, an eps of 1e-20 that float32 "
    "rounds to 0, thresholds near the precision.",
    advice="make every tensor with the dtype of x (torch.zeros_like, x.new_tensor)",
)
def float32_matches_float64(case: Case) -> Finding:
    """Both precisions, and probes at the size of float32's roundings."""
    comparisons, refused = [], ""
    for instance, run in case.runs():
        problem, x0 = instance.problem.to(torch.float32), instance.x0.float()
        case.doing = f"a run on {instance.name} in float32"
        seed_global_rng(case.seed)
        optimizer = case.fresh()
        try:
            with case.image("a problem in float32", problem, x0), torch.no_grad():
                state = optimizer.init(problem, x0.clone(), seed=case.seed)
                after = optimizer.step(problem, state)
        except Refused as reason:
            refused = str(reason)
            continue
        for what, x in (("init", state.x), ("step", after.x)):
            if x.dtype != torch.float32:
                return failed(f"{instance.name}: on a float32 problem {what} gives x in {x.dtype}", **instance.shape)
        other = case.run_on(f"{instance.name} in float32", problem, x0).x
        comparisons.append(compare(case, instance, run, other.double(), eps_ratio=_EPS_RATIO, most=_MOST))
    if not comparisons:
        return not_applicable(refused)
    return verdict(comparisons, "float32 does what float64 does", "float32 does something else", case)


def _images(instance: Instance) -> Iterator[tuple[str, Composite, torch.Tensor]]:
    problem, x0 = instance.problem, instance.x0
    for size in (1e-6, 1e6):
        yield f"{size:g} F", problem.scaled(size), x0
        yield f"F(x / {size:g})", problem.rescaled(size), x0 * size
    yield "F(x + 1e6)", problem.shifted(1e6), x0 - 1e6
    yield "a start of size 1e6", problem, problem.prox(1e6 * x0, 1.0) if problem.nonsmooth.is_indicator else 1e6 * x0


@register(
    asserts="With the objective or the variables a million times larger or smaller, or moved by a million, no iterate "
    "of the first steps is infinite or NaN.",
    why="Data come in their own units. A method may be slow there; a NaN is no answer, and in a batch or a sweep it is "
    "found late.",
    breaks="exp and squares of features that are not normalised, a division by a norm that underflows, eps inside a "
    "quotient of numbers that are smaller.",
    advice="normalise features, guard divisions relative to what is divided, and saturate instead of overflow",
)
def scale_wild(case: Case) -> Finding:
    """Five steps on six images of every instance."""
    steps, seen = min(case.steps, 5), 0
    for instance in case.instances:
        for name, problem, x0 in _images(instance):
            try:
                run = case.run_on(f"{instance.name}, {name}", problem, x0, steps=steps)
            except l2o.InputError:  # it takes the problem, and not its image
                continue
            seen += 1
            if not bool(run.finite.all()):
                b = int((~run.finite).nonzero()[0, 0])
                k = int(np.argmin(torch.isfinite(run.x[b]).all(-1).numpy()))
                return failed(
                    f"{instance.name}, {name}, instance {b}: x_{k} is not finite",
                    **instance.shape,
                    image=name,
                    b=b,
                    step=k,
                )
    if not seen:
        return not_applicable("it takes none of the problems at another scale")
    return passed(f"{seen} runs at scales from 1e-6 to 1e6 are finite", runs=seen, steps=steps)
