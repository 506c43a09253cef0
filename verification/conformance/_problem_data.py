"""Checks of the data of a problem: changes of variables, rounding, instances, precision and the fingerprint."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from ...l2o import Composite
from ...l2o.problems.fingerprint import attributes_of, describe
from ...l2o.problems.smooth import LeastSquares, Logistic, QuadraticForm, SmoothTerm
from ..runs.inspection import as_numpy, norm
from ._case import ProblemCase
from ._problem import judge, steps
from ._result import Finding, failed, passed
from .registry import PROBLEM, register


@register(
    level=PROBLEM,
    asserts="`shifted`, `scaled` and `rescaled` give F(x + t), c F(x) and F(x / a), and their gradients, up to the "
    "rounding that both sides state.",
    why="Out of distribution is made by these three. If an image is not the problem it stands for, the experiment "
    "measures the defect.",
    breaks="A term with its own `changed` that forgets a factor, a shift applied twice to the gradient.",
    advice="leave changes of variables to Composite, or compare with ChangedSmooth and ChangedNonsmooth",
    theory="B12",
)
def changes_consistent(case: ProblemCase) -> Finding:
    """Values at points of the domain, gradients everywhere."""
    p, rows = case.problem, []
    t, c, a = 1.7, 3.0, 0.6
    images = {"F(x + t)": (p.shifted(t), 1.0, 1.0), "c F": (p.scaled(c), c, 1.0), "F(x / a)": (p.rescaled(a), 1.0, a)}
    for name, (image, factor, size) in images.items():
        moved = t if name == "F(x + t)" else 0.0
        for i, x in case.domain_points():
            y = size * x - moved
            back = y / size + moved
            gradient, there = p.smooth_gradient(back), image.smooth_gradient(y)
            error = p.smooth_gradient_error(back) + image.smooth_gradient_error(y) * size / factor
            error = error + 4 * torch.finfo(x.dtype).eps * torch.linalg.vector_norm(gradient, dim=-1)
            rows.append((i, norm(as_numpy(there * size / factor - gradient)), as_numpy(error)))
            values = p.objective(back), image.objective(y) / factor
            finite = torch.isfinite(values[0]) & torch.isfinite(values[1])
            error = p.objective_error(back) + image.objective_error(y) / factor + 4e-16 * values[0].abs()
            off = torch.where(finite, (values[0] - values[1]).abs(), 0.0)
            rows.append((i, as_numpy(off), as_numpy(torch.where(finite, error, 0.0))))
    return judge(case, rows, "an image under a change of variables is not the problem", "the images are the problem")


def _long_value(f: SmoothTerm, x: torch.Tensor) -> np.ndarray | None:
    """f(x) in extended precision for the three commonest terms, from their data; None for others."""
    if not isinstance(f, (LeastSquares, Logistic, QuadraticForm)):
        return None
    if type(f) not in (LeastSquares, Logistic, QuadraticForm):  # a subclass may compute something else
        return None
    matrix = np.broadcast_to(f.map.matrix.numpy(), (x.shape[0], *f.map.matrix.shape[-2:])).astype(np.longdouble)
    point = x.numpy().astype(np.longdouble)
    z = np.einsum("bmn,bn->bm", matrix, point)
    if isinstance(f, LeastSquares):
        return 0.5 * ((z - f.target.numpy().astype(np.longdouble)) ** 2).sum(-1)
    if isinstance(f, QuadraticForm):
        return 0.5 * (z * point).sum(-1) - (f.linear.numpy().astype(np.longdouble) * point).sum(-1)
    labels = f.labels.numpy().astype(np.longdouble)
    return (np.logaddexp(np.longdouble(0), z) - labels * z).mean(-1)


@register(
    level=PROBLEM,
    asserts="The error that `value_error` bounds is within the bound: in float32 against float64 on the same data, and "
    "in float64 against extended precision for least squares, quadratics and the logistic loss.",
    why="A verdict subtracts two values of F and asks whether the difference is real. A bound on rounding that is too "
    "small turns noise into violations.",
    breaks="A typical error instead of a bound, cancellation that is not counted, log(sigmoid(z)) for -softplus(-z).",
    advice="count the roundings (l2o.rounding.gamma) and multiply by the sum of the absolute values of the terms",
)
def value_error_sound(case: ProblemCase) -> Finding:
    """Values of f and of F."""
    rows = []
    single = case.problem.to(torch.float32)
    double = single.to(torch.float64)
    for i, x in case.domain_points():
        point = x.float()
        coarse, fine = single.smooth.value(point), double.smooth.value(point.double())
        error = single.smooth.value_error(point).double() + double.smooth.value_error(point.double())
        rows.append((i, as_numpy((coarse.double() - fine).abs()), as_numpy(error)))
        exact = _long_value(case.problem.smooth, x) if x.dtype == torch.float64 else None
        if exact is not None:
            value = case.problem.smooth.value(x).numpy()
            resolution = np.spacing(np.abs(exact).astype(float)) * 1e-2  # of the extended precision itself
            off = np.abs(value.astype(np.longdouble) - exact).astype(float)
            rows.append((i, off, as_numpy(case.problem.smooth.value_error(x)) + resolution))
    return judge(case, rows, "the value is off by more than value_error says", "value_error is a bound")


@register(
    level=PROBLEM,
    asserts="`select([b])` is the b-th instance: objective, gradient, L, mu and prox agree with its row of the batch, "
    "up to rounding.",
    why="Bounds are per instance. A constant or a parameter of the wrong row gives an instance the verdict of another.",
    breaks="Parameters of shape (1, n) picked as if they were (B, n), a maximum of L over the batch.",
    advice="pick rows with l2o.problems.nonsmooth._base.pick, which leaves shared parameters as they are",
)
def select_consistent(case: ProblemCase) -> Finding:
    """Every instance, at every point."""
    p, rows = case.problem, []
    for b in range(p.batch_size):
        one = p.select([b])
        for i, x in case.domain_points(4):
            row, step = x[b : b + 1], steps(case, i)
            error = p.smooth_gradient_error(x)[b] + one.smooth_gradient_error(row)[0]
            rows.append(
                (i, norm(as_numpy(p.smooth_gradient(x)[b] - one.smooth_gradient(row)[0]))[None], as_numpy(error))
            )
            whole, single = p.objective(x)[b], one.objective(row)[0]
            same = not bool(torch.isfinite(whole)) and not bool(torch.isfinite(single))
            error = p.objective_error(x)[b] + one.objective_error(row)[0]
            rows.append((i, np.array([0.0 if same else float((whole - single).abs())]), as_numpy(error)))
            off = norm(as_numpy(p.prox(x, step)[b] - one.prox(row, step[b : b + 1])[0]))
            allowed = 64 * torch.finfo(x.dtype).eps * torch.linalg.vector_norm(p.nonsmooth.magnitude(x)[b])
            rows.append((i, off[None], as_numpy(allowed)))
        for name in ("smoothness", "strong_convexity"):
            off = (getattr(p, name)[b] - getattr(one, name)[0]).abs()
            allowed = 2 * p.smooth.smoothness_error[b] + 1e-12 * p.smoothness[b]
            rows.append((-1, as_numpy(off)[None], as_numpy(allowed)))
    return judge(case, rows, "an instance by itself is not that of the batch", "instances are rows of the batch")


def _numbers(thing: Any, where: str, depth: int = 0) -> Iterator[tuple[str, Any, Any, Any]]:
    """Every number inside an object: its path, its holder, its name there, and the number or array itself.

    Attributes, and entries of mappings, lists and objects below them; what a `cached_property` keeps is no datum.
    """
    if depth > 5:
        return
    parts: list[tuple[str, Any, tuple[str, Any], Any]]
    if isinstance(thing, dict):
        parts = [(f"{where}[{k!r}]", thing, ("item", k), v) for k, v in thing.items()]
    elif isinstance(thing, list):
        parts = [(f"{where}[{i}]", thing, ("item", i), v) for i, v in enumerate(thing)]
    elif isinstance(thing, (torch.nn.Module, type)) or not hasattr(thing, "__dict__"):
        return
    else:
        parts = [(f"{where}.{k}", thing, ("attribute", k), v) for k, v in attributes_of(thing)]
    for path, holder, name, part in parts:
        if isinstance(part, (torch.Tensor, np.ndarray)) or (type(part) in (float, int, np.float64)):
            yield path, holder, name, part
        else:
            yield from _numbers(part, path, depth + 1)


def _other(value: Any) -> Any:
    """A number or an array that differs from `value` by one rounding of its first entry, a truth value by itself."""
    if isinstance(value, (torch.Tensor, np.ndarray)):
        tensor = torch.as_tensor(value).detach().clone()
        if tensor.numel() == 0:
            return value
        first = tensor[(0,) * tensor.ndim]
        if tensor.is_floating_point():
            changed = torch.nextafter(first, first + 1) if torch.isfinite(first) else torch.ones_like(first)
        else:
            changed = ~first if tensor.dtype == torch.bool else first + 1
        tensor[(0,) * tensor.ndim] = changed
        return tensor if isinstance(value, torch.Tensor) else tensor.numpy()
    return type(value)(value + 1) if isinstance(value, int) else type(value)(np.nextafter(value, np.inf))


def _much_other(value: Any) -> Any:
    return value + 1 if isinstance(value, int) else 1.25 * value + 0.5


def _put(holder: Any, name: tuple[str, Any], value: Any) -> None:
    if name[0] == "item":
        holder[name[1]] = value
    else:
        object.__setattr__(holder, name[1], value)


def _what_it_computes(case: ProblemCase, p: Composite) -> list[torch.Tensor]:
    """Value, gradient and prox at a few points."""
    results = []
    for i, x in case.domain_points(4):
        results += [p.smooth.value(x), p.smooth.gradient(x), p.nonsmooth.value(x), p.nonsmooth.prox(x, steps(case, i))]
    return results


def _arrays(p: Composite) -> list[bytes]:
    parts = (p.smooth.arrays(), p.nonsmooth.arrays())
    return [f"{n}{t.shape}".encode() + t.detach().numpy().tobytes() for a in parts for n, t in sorted(a.items())]


@register(
    level=PROBLEM,
    asserts="The fingerprint is the same for a copy of the problem, and another one when any number of its data "
    "changes by one rounding; every number that the value, the gradient or the prox depends on is in `arrays`, and "
    "the terms hold nothing that cannot be read.",
    why="Optima are cached and runs are matched to problems by it. Two problems with one fingerprint share an F* that "
    "belongs to one of them.",
    breaks="An array that `arrays` leaves out; a parameter that is a Python number, or sits in a dictionary or an "
    "object that the term holds; an iterator or a file from which numbers come.",
    advice="return every tensor that determines the term from arrays(), Python numbers as tensors of shape (1, 1)",
)
def fingerprint_follows_data(case: ProblemCase) -> Finding:
    """Every number among the attributes of both terms, however deep."""

    def moved(path: str, change: Any) -> Composite | None:
        other = _copied(case.problem)
        for name, holder, key, value in _numbers({"smooth": other.smooth, "nonsmooth": other.nonsmooth}, "problem"):
            if name == path:
                _put(holder, key, change(value))
                return other
        return None

    unreadable = describe(case.problem).unreadable
    if unreadable:
        return failed(f"{unreadable[0]} cannot be read, and may be data", instance=case.problem.name)
    before, arrays = case.problem.fingerprint(), _arrays(case.problem)
    if _copied(case.problem).fingerprint() != before:
        return failed("a copy of the problem has another fingerprint", instance=case.problem.name)
    computed = _what_it_computes(case, _copied(case.problem))
    names = [
        path for path, *_ in _numbers({"smooth": case.problem.smooth, "nonsmooth": case.problem.nonsmooth}, "problem")
    ]
    refused: list[str] = []  # numbers whose other value the terms do not take: what they determine is not looked at
    for name in names:
        other = moved(name, _other)
        if other is not None and other.fingerprint() == before:
            return failed(f"{name} has no part in the fingerprint", instance=case.problem.name, tensor=name)
        try:
            other = moved(name, _much_other)
        except Exception:  # of the user's term, which refuses another value of this datum
            refused.append(name)
            continue
        if other is None or _arrays(other) != arrays:
            continue
        try:
            now = _what_it_computes(case, other)
        except Exception:  # of the user's term; a number of rows, say, cannot be another one
            refused.append(name)
            continue
        if not all(torch.equal(a.nan_to_num(), b.nan_to_num()) for a, b in zip(computed, now)):
            return failed(
                f"{name} determines the problem and is not in arrays", instance=case.problem.name, tensor=name
            )
    message = f"{len(names)} numbers and arrays have their part in it"
    if refused:
        message += f"; the terms take no other value of {', '.join(refused)}, so what these determine is not looked at"
    return passed(message, instance=case.problem.name, arrays=len(names), refused=refused)


def _copied(problem: Composite) -> Composite:
    """A deep copy that remembers nothing."""
    return Composite(copy.deepcopy(problem.smooth), copy.deepcopy(problem.nonsmooth))


@register(
    level=PROBLEM,
    asserts="In float32 objective, gradient and prox are float32, and the gradient is that of float64 on the same data "
    "within `gradient_error`; `to` with the precision of the problem changes nothing.",
    why="Training runs in float32. A term that goes back to float64 on the way is slow there, and one whose bound on "
    "rounding is wrong turns noise into violated data.",
    breaks="Constants in float64, NumPy inside the term, an error bound for float64 whatever the precision is.",
    advice="make tensors with the dtype of x, and bounds with torch.finfo(x.dtype)",
)
def float32_consistent(case: ProblemCase) -> Finding:
    """Points of float32, in both precisions, and the terms as `to` gives them in the precision that they have."""
    smooth, nonsmooth, dtype = case.problem.smooth, case.problem.nonsmooth, case.problem.dtype
    again = Composite(smooth.to(dtype), nonsmooth.to(dtype))
    names = itertools.cycle(("f", "the gradient of f", "r", "the prox of r"))
    for name, a, b in zip(names, _what_it_computes(case, case.problem), _what_it_computes(case, again)):
        if not torch.equal(a.nan_to_num(), b.nan_to_num()):
            return failed(f"{name} is another one after `to` with the same precision", instance=case.problem.name)
    single = case.problem.to(torch.float32)
    double, rows = single.to(torch.float64), []
    for i, x in case.domain_points():
        point = x.float()
        outputs = {
            "objective": single.objective(point),
            "gradient": single.smooth_gradient(point),
            "prox": single.prox(point, steps(case, i).float()),
        }
        for name, value in outputs.items():
            if value.dtype != torch.float32:
                return failed(f"{name} of the float32 problem is {value.dtype}", instance=case.problem.name, point=i)
        off = norm(as_numpy(outputs["gradient"].double() - double.smooth_gradient(point.double())))
        error = single.smooth_gradient_error(point).double() + double.smooth_gradient_error(point.double())
        rows.append((i, off, as_numpy(error)))
    return judge(case, rows, "the gradient in float32 is off by more than gradient_error", "float32 keeps its bound")
