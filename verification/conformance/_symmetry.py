"""Symmetries: the order of variables and instances, and the three changes of variables of B12."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import torch

from ...l2o import Composite, InputError
from ...l2o.problems.nonsmooth import NonsmoothTerm
from ...l2o.problems.smooth import QuadraticForm, SmoothTerm
from ...l2o.problems.transforms import Change, ChangedNonsmooth, ChangedSmooth
from ..invariance.equivariance import BROKEN, EQUIVARIANT, EquivarianceResult, check_equivariance
from ..invariance.transforms import Transform, rescaling, scaling, translation
from ._case import Case, Refused, seed_global_rng
from ._result import Finding, failed, not_applicable, passed
from ._sameness import compare, verdict
from .registry import register


def permuted(problem: Composite, rows: torch.Tensor, columns: torch.Tensor) -> Composite | None:
    """The problem with its instances in the order `rows` and its variables in the order `columns`, by its data.

    None where a term is not one whose variables can be told from its data.
    """
    chosen = problem.select(rows)
    smooth, nonsmooth = _smooth(chosen.smooth, columns), _nonsmooth(chosen.nonsmooth, columns)
    return None if smooth is None or nonsmooth is None else Composite(smooth, nonsmooth)


def _smooth(term: SmoothTerm, columns: torch.Tensor) -> SmoothTerm | None:
    if isinstance(term, ChangedSmooth):
        base = _smooth(term.base, columns)
        return None if base is None else ChangedSmooth(base, _change(term.change, columns))
    matrix = getattr(getattr(term, "map", None), "matrix", None)
    if matrix is None or not is_dataclass(term):
        return None
    moved = matrix[..., columns]
    if isinstance(term, QuadraticForm):
        return replace(term, map=type(term.map)(moved[..., columns, :]), linear=term.linear[:, columns])
    return replace(term, map=type(term.map)(moved))


def _nonsmooth(term: NonsmoothTerm, columns: torch.Tensor) -> NonsmoothTerm | None:
    if isinstance(term, ChangedNonsmooth):
        base = _nonsmooth(term.base, columns)
        return None if base is None else ChangedNonsmooth(base, _change(term.change, columns))
    if not term.separable or not is_dataclass(term):
        return None
    tensors = {f.name: t for f in fields(term) if isinstance(t := getattr(term, f.name), torch.Tensor)}
    return replace(term, **{name: _moved(t, columns) for name, t in tensors.items()})


def _change(change: Change, columns: torch.Tensor) -> Change:
    return replace(change, shift=_moved(change.shift, columns))


def _moved(tensor: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    return tensor[..., columns] if tensor.ndim == 2 and tensor.shape[-1] == len(columns) else tensor


@register(
    asserts="With instances and variables in another order, and the data and the start moved along, the run is the "
    "same run in that order, up to rounding.",
    why="The order of columns is a matter of bookkeeping. A coordinate-wise method that knows it has learned the order "
    "of the training data, and fails on the same data sorted otherwise.",
    breaks="Weights or steps by position, a sort or a cumulative sum over the variables, one instance steering others.",
    advice="act on every coordinate by the same rule; combine them by norms, sums and the problem's data only",
    theory="B12",
    is_property=True,
)
def permutation_equivariant(case: Case) -> Finding:
    """A random order of both, on every instance."""
    comparisons, refused = [], "no problem whose variables can be told from its data"
    rng = np.random.default_rng([case.seed, 3])
    for instance, run in case.runs():
        problem = instance.problem
        rows = torch.from_numpy(np.roll(np.arange(problem.batch_size), 1))
        columns = torch.from_numpy(rng.permutation(problem.dim))
        image = permuted(problem, rows, columns)
        if image is None:
            continue
        x0 = instance.x0[rows][:, columns]
        try:
            with case.image("variables in another order", image, x0):
                other = case.run_on(f"{instance.name}, permuted", image, x0).x
        except Refused as reason:
            refused = str(reason)
            continue
        comparisons.append(compare(case, instance, run, other[torch.argsort(rows)][..., torch.argsort(columns)]))
    if not comparisons:
        return not_applicable(refused)
    return verdict(comparisons, "the order of instances and variables does not matter", "the order matters", case)


def _equivariance(case: Case, transforms: list[Transform], image: str) -> Finding:
    results: list[tuple[str, EquivarianceResult]] = []
    refused = ""
    for instance in case.instances:
        for transform in transforms[: case.profile.images]:
            case.doing = f"a run on {instance.name} under {transform}"
            seed_global_rng(case.seed)
            try:
                result = check_equivariance(
                    case.fresh(), instance.problem, instance.x0.clone(), case.steps, transform, seed=case.seed
                )
            except InputError:
                if (refusal := case.refusal(transform.problem(instance.problem), transform.start(instance.x0))) is None:
                    raise
                refused = f"it does not take {image} ({refusal})"
                continue
            results.append((instance.name, result))
    if not results:
        return not_applicable(refused)
    broken = [(name, r) for name, r in results if r.verdict == BROKEN]
    if broken:
        name, r = broken[0]
        b = int(np.argmax(r.instances == BROKEN))
        k = int(r.first_broken[b])
        off, allowed = float(r.relative_defect[b, k]), float(r.tolerance[b, k])
        return failed(
            f"{name} under {r.transform}, instance {b}, step {k}: the run mapped back is off by {off:.2g} (relative), "
            f"rounding explains {allowed:.2g}",
            **_evidence(name, r),
            b=b,
            step=k,
            relative_defect=off,
            tolerance=allowed,
            slack=allowed - off,
        )
    same = sum(int((r.instances == EQUIVARIANT).sum()) for _, r in results)
    total = sum(len(r.instances) for _, r in results)
    if not same:
        return not_applicable("rounding is amplified so much, or decides on kinks of r, that nothing can be said")
    name, worst = max(results, key=lambda pair: pair[1].worst)
    return passed(
        f"the run on {image} is the image of the run ({same} of {total} instances judged)",
        **_evidence(name, worst),
        relative_defect=worst.worst,
    )


def _evidence(name: str, result: EquivarianceResult) -> dict[str, Any]:
    return {"instance": name, "transform": result.transform.name, "size": result.transform.size}


@register(
    asserts="The run on F(x + t) from x_0 - t is the run on F moved by -t.",
    why="Then a shifted objective and a shifted start are one experiment, and what was measured around 0 holds "
    "everywhere. It is what gradient-only features are for.",
    breaks="Reading x itself (features (gradient, x)), thresholds at 0 instead of at the kink of r, a wrong prox or "
    "subgradient of the shifted term (the authors' public code has both).",
    advice="feed gradients and differences of points, never x; use problem.prox and problem.subdifferential. A method "
    "that reads x on purpose lists this check in expected_failed_checks",
    theory="B12",
    is_property=True,
)
def translation_equivariant(case: Case) -> Finding:
    """Two shifts: one for all coordinates, and one for each."""
    rng = np.random.default_rng([case.seed, 5])
    n = case.instances[0].problem.dim
    shifts = [translation(10.0)]
    if all(i.problem.dim == n for i in case.instances):
        shifts.append(translation(rng.standard_normal(n)))
    return _equivariance(case, shifts, "F(x + t)")


@register(
    asserts="The run on c F from x_0 is the run on F.",
    why="The unit of the objective is arbitrary: a mean instead of a sum divides F by the number of samples. A method "
    "that notices has learned the scale of its training data, and the size of L becomes an assumption.",
    breaks="Features that are not normalised, steps given as numbers instead of multiples of 1/L, an eps of the size "
    "of gradients, memory weights with the units of a power of the step.",
    advice="divide gradients by L or by their norm at x_0, and give steps as multiples of 1/L",
    theory="B12",
    is_property=True,
)
def objective_scale_equivariant(case: Case) -> Finding:
    """c = 1e-6 and 300."""
    return _equivariance(case, [scaling(1e-6), scaling(300.0)], "c F")


@register(
    asserts="The run on F(x / a) from a x_0 is a times the run on F.",
    why="The unit of the variables is arbitrary, as that of the objective. Together the two say that neither the size "
    "of L nor that of x matters, so that ill-conditioning and scale are not confused.",
    breaks="What breaks objective_scale_equivariant, and biases that are numbers without units.",
    advice="give every displacement as a step size times a gradient, or as a multiple of an earlier displacement",
    theory="B12",
    is_property=True,
)
def variable_scale_equivariant(case: Case) -> Finding:
    """a = 0.05 and 1000."""
    return _equivariance(case, [rescaling(0.05), rescaling(1000.0)], "F(x / a)")
