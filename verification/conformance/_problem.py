"""Checks of a problem: does it keep what it says of its gradient, constants, prox, rounding and data?

Everything is sampled at points of sizes 0.01 to 100 and at 0, and curvatures are looked for by power iterations, so a
failure is proved by its numbers, and a pass is a measurement.
"""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from l2o import Composite
from l2o.problems.nonsmooth import NonsmoothTerm
from l2o.problems.smooth import LeastSquares, Logistic, QuadraticForm, SmoothTerm
from l2o.rollout import implicit_subgradient
from verification.conformance._case import ProblemCase
from verification.conformance._reproducible import tensors_of
from verification.conformance._result import Finding, failed, not_applicable, passed
from verification.conformance.registry import PROBLEM, register
from verification.inspection import as_numpy, norm

_POWER = 12  # steps of a power iteration


def _judge(
    case: ProblemCase, rows: list[tuple[int, np.ndarray, np.ndarray]], bad: str, good: str, **more: Any
) -> Finding:
    """`rows` are points, excesses (B,) and tolerances (B,): an excess above its tolerance fails, as does a NaN."""
    worst: dict[str, Any] = {}
    ratio = -np.inf
    for point, excess, tolerance in rows:
        excess, tolerance = np.broadcast_arrays(np.asarray(excess, float), np.asarray(tolerance, float))
        over = ~(excess <= tolerance)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(over, np.inf, np.where(excess <= 0, 0.0, excess / tolerance))
        b = int(np.argmax(share))
        numbers = {"lhs": float(excess[b]), "tolerance": float(tolerance[b]), "slack": float(tolerance[b] - excess[b])}
        found = {"instance": case.problem.name, "b": b, "point": point, **numbers, **more}
        if over.any():
            words = f"off by {found['lhs']:.3g}, rounding explains {found['tolerance']:.3g}"
            return failed(f"{bad}, instance {b}, point {point}: {words}", **found)
        if share[b] > ratio:
            ratio, worst = share[b], found
    return passed(f"{good} ({len(rows)} points)", **worst) if rows else not_applicable("there is nothing to look at")


def _direction(x: torch.Tensor, seed: int) -> torch.Tensor:
    d = torch.as_tensor(np.random.default_rng(seed).standard_normal(x.shape), dtype=x.dtype)
    return d / torch.linalg.vector_norm(d, dim=-1, keepdim=True)


def _curvature(f: SmoothTerm, x: torch.Tensor, least: bool, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Points x -+ h d along a direction d of large or, with `least`, small curvature, by a power iteration."""
    h = 1e-3 * (1 + torch.linalg.vector_norm(x, dim=-1, keepdim=True))
    d = _direction(x, seed)
    for _ in range(_POWER):
        image = (f.gradient(x + h * d) - f.gradient(x - h * d)) / (2 * h)
        image = 1.5 * f.smoothness.unsqueeze(-1) * d - image if least else image
        size = torch.linalg.vector_norm(image, dim=-1, keepdim=True)
        d = torch.where(size > 0, image / size, d)
    return x - h * d, x + h * d


@register(
    level=PROBLEM,
    asserts="Differences of f along random directions are the inner products with `gradient`, up to their rounding and "
    "the second-order term.",
    why="Everything is built from the gradient: the steps, G_k, e_k, every bound. A wrong one makes every verdict a "
    "statement of another problem.",
    breaks="A wrong sign or factor, a missing 1/m, a gradient at another point than the value (the authors' public "
    "code shifts one twice).",
    advice="derive value and gradient from the same intermediate result (value_and_gradient)",
)
def gradient_matches_differences(case: ProblemCase) -> Finding:
    """The step of the difference balances rounding and curvature."""
    f, rows = case.problem.smooth, []
    for i, x in case.points():
        d = _direction(x, i)
        error = f.value_error(x)
        L = 2 * torch.maximum(f.smoothness, _quotient(f, x, d))
        tiny = torch.finfo(x.dtype).tiny
        h = (torch.sqrt((error + tiny) / (L + tiny)) + 1e-8 * (1 + torch.linalg.vector_norm(x, dim=-1))).unsqueeze(-1)
        ends = x + h * d, x - h * d
        width = 2 * h.squeeze(-1)
        difference = (f.value(ends[0]) - f.value(ends[1])) / width
        slope = (f.gradient(x) * d).sum(-1)
        tolerance = (f.value_error(ends[0]) + f.value_error(ends[1])) / width + L * width / 2 + f.gradient_error(x)
        moved = torch.finfo(x.dtype).eps * torch.linalg.vector_norm(x, dim=-1)  # x + h d is rounded
        tolerance = tolerance + 4 * moved * (torch.linalg.vector_norm(f.gradient(x), dim=-1) + L * width) / width
        rows.append((i, as_numpy((difference - slope).abs()), as_numpy(tolerance)))
    return _judge(case, rows, "differences of f disagree with its gradient", "differences of f agree with its gradient")


def _quotient(f: SmoothTerm, x: torch.Tensor, d: torch.Tensor) -> torch.Tensor:
    h = 1e-3 * (1 + torch.linalg.vector_norm(x, dim=-1, keepdim=True))
    return torch.linalg.vector_norm(f.gradient(x + h * d) - f.gradient(x - h * d), dim=-1) / (2 * h.squeeze(-1))


@register(
    level=PROBLEM,
    asserts="||grad f(x) - grad f(y)|| <= L ||x - y|| for pairs along directions of large curvature.",
    why="Every bound has L in it, and steps of 1/L descend only if L is an upper bound. One that is too large costs "
    "speed and breaks nothing.",
    breaks="A forgotten factor (a sum taken for a mean), the norm of A for its square, too few power iterations.",
    advice="compute L as an eigenvalue and round it up; logistic regression has lambda_max(A'A)/(4m)",
    theory="B1",
)
def smoothness_upper_bound(case: ProblemCase) -> Finding:
    """Power iterations on differences of gradients."""
    f, rows = case.problem.smooth, []
    for i, x in case.points():
        for d in (_curvature(f, x, least=False, seed=i), (x, x + _direction(x, i))):
            change = torch.linalg.vector_norm(f.gradient(d[1]) - f.gradient(d[0]), dim=-1)
            length = torch.linalg.vector_norm(d[1] - d[0], dim=-1)
            tolerance = f.gradient_error(d[0]) + f.gradient_error(d[1]) + f.smoothness_error * length
            rows.append((i, as_numpy(change - case.problem.smoothness * length), as_numpy(tolerance)))
    return _judge(case, rows, "the gradient changes by more than L ||x - y||", "L is an upper bound")


def _monotone(case: ProblemCase, modulus: torch.Tensor) -> list[tuple[int, np.ndarray, np.ndarray]]:
    f, rows = case.problem.smooth, []
    for i, x in case.points():
        for a, b in (_curvature(f, x, least=True, seed=i), (x, x + _direction(x, i))):
            step = b - a
            length = torch.linalg.vector_norm(step, dim=-1)
            product = ((f.gradient(b) - f.gradient(a)) * step).sum(-1)
            tolerance = (f.gradient_error(a) + f.gradient_error(b)) * length + f.smoothness_error * length**2
            tolerance = tolerance + 8 * x.shape[-1] * torch.finfo(x.dtype).eps * f.smoothness * length**2
            rows.append((i, as_numpy(modulus * length**2 - product), as_numpy(tolerance)))
    return rows


@register(
    level=PROBLEM,
    asserts="<grad f(x) - grad f(y), x - y> >= mu ||x - y||^2 for pairs along directions of small curvature.",
    why="Linear rates and error bars on x* are made of mu (B9). One that is too large promises what does not happen.",
    breaks="The least eigenvalue of a matrix with more columns than rows, an eigenvalue whose rounding is not "
    "subtracted, the curvature at one point of a function that is flat elsewhere.",
    advice="round mu down, and use 0 where nothing is certain",
    theory="B9",
)
def strong_convexity_lower_bound(case: ProblemCase) -> Finding:
    """Power iterations on 1.5 L I minus the Hessian."""
    mu = case.problem.strong_convexity
    if not bool((mu > 0).any()):
        return not_applicable("mu is 0")
    return _judge(case, _monotone(case, mu), "f is less convex than mu says", "mu is a lower bound")


@register(
    level=PROBLEM,
    asserts="Where the smooth term says it is convex its gradient is monotone, and r lies below its chords.",
    why="Rates and dual bounds of F* hold for convex f and r. A problem that only seems convex gets certificates that "
    "are none.",
    breaks="A quadratic form that is not positive semidefinite, a robust loss that forgot to say convex = False, a "
    "concave penalty.",
    advice="set convex = False on the smooth term; r must be convex",
    theory="B6",
)
def convex_as_declared(case: ProblemCase) -> Finding:
    """Along directions of small curvature, and at midpoints of r."""
    f, r = case.problem.smooth, case.problem.nonsmooth
    if f.convex:
        found = _judge(case, _monotone(case, torch.zeros_like(f.smoothness)), "f is not convex", "f is convex")
        if found.status.name == "FAILED":
            return found
    rows, points = [], list(case.domain_points())
    for (i, x), (_, y) in pairwise(points):
        middle = (x + y) / 2
        chord = (r.value(x) + r.value(y)) / 2
        tolerance = r.value_error(x) + r.value_error(y) + r.value_error(middle)
        known = torch.isfinite(chord) & torch.isfinite(r.value(middle))
        rows.append((i, as_numpy(torch.where(known, r.value(middle) - chord, 0.0)), as_numpy(tolerance)))
    found = _judge(case, rows, "r lies above its chord", "r is convex, and f where it says so")
    return found


def _steps(case: ProblemCase, i: int) -> torch.Tensor:
    """(B,n) steps around 1/L, all alike within an instance where r is not separable."""
    p = case.problem
    shape = (p.batch_size, p.dim) if p.nonsmooth.separable else (p.batch_size, 1)
    factor = 10.0 ** np.random.default_rng([case.seed, i, 13]).uniform(-1, 1, shape)
    return torch.as_tensor(factor, dtype=p.dtype) / p.smoothness.unsqueeze(-1)


@register(
    level=PROBLEM,
    asserts="(u - prox(u)) / step is in the subdifferential of r at prox(u), for steps that differ by variable where r "
    "is separable, and that subgradient supports r from below at other points.",
    why="This is what a prox is. One that is almost right (exact at t = 0, wrong for a shift) passes every comparison "
    "at the usual points and stalls every proximal method elsewhere.",
    breaks="The prox of the unshifted term moved by hand (the authors' public code), a step used as its inverse, a "
    "factor 2 of the squared norm, a subdifferential that belongs to another term.",
    advice="derive prox by shifting the argument: prox_{r(. + t)}(u) = prox_r(u + t) - t; Composite.shifted does it",
    theory="B1",
)
def prox_is_optimal(case: ProblemCase) -> Finding:
    """By the subdifferential and by values: nothing is compared with another implementation."""
    p, r = case.problem, case.problem.nonsmooth
    if not r.names_subgradients:
        return not_applicable("r does not name its subgradients")
    rows, values = [], []
    points = list(case.points())
    for i, u in points:
        step = _steps(case, i)
        x = p.prox(u, step)
        g = implicit_subgradient(p, x, u, step.expand_as(x), torch.zeros_like(x))
        nearest = r.nearest_subgradient(x, g)
        eps = torch.finfo(x.dtype).eps
        size = torch.linalg.vector_norm(g, dim=-1) + torch.linalg.vector_norm(nearest, dim=-1)
        rows.append((i, as_numpy(torch.linalg.vector_norm(g - nearest, dim=-1)), as_numpy(64 * eps * size)))
        for _, y in points[:4]:
            y = p.prox(y, 1.0) if r.is_indicator else y
            below = r.value(x) + (nearest * (y - x)).sum(-1) - r.value(y)
            spread = (nearest.abs() * (r.magnitude(x) + r.magnitude(y))).sum(-1)
            tolerance = 2 * (r.value_error(x) + r.value_error(y)) + 64 * x.shape[-1] * eps * spread
            known = torch.isfinite(below)
            values.append((i, as_numpy(torch.where(known, below, 0.0)), as_numpy(torch.where(known, tolerance, 1.0))))
    found = _judge(case, rows, "(u - prox u)/step is not in the subdifferential", "the prox is optimal")
    if found.status.name == "FAILED":
        return found
    supports = _judge(case, values, "a subgradient of r does not support r", "the subgradients support r")
    return supports if supports.status.name == "FAILED" else found


def _expansion(p: Composite, u: torch.Tensor, v: torch.Tensor, step: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(B,n) the terms of ||P u - P v||^2 - <P u - P v, u - v> in the metric of the steps, and their rounding."""
    a, b = p.prox(u, step), p.prox(v, step)
    excess = (a - b) * ((a - b) - (u - v)) / step
    size = p.nonsmooth.magnitude(a) + p.nonsmooth.magnitude(b) + u.abs() + v.abs()
    unit = 64 * torch.finfo(u.dtype).eps * size
    return excess, unit * ((a - b).abs() + (u - v).abs() + unit) / step


@register(
    level=PROBLEM,
    asserts="The prox is firmly non-expansive: <P u - P v, u - v> >= ||P u - P v||^2 in the metric of the steps.",
    why="It is the one property of a prox that every convergence proof uses, and what keeps errors from growing.",
    breaks="A prox of something that is not convex (hard thresholding), a step that depends on the argument, a "
    "projection onto a set that is not convex.",
    advice="r must be convex, and the prox exact for it",
    theory="B9",
)
def prox_firmly_nonexpansive(case: ProblemCase) -> Finding:
    """Pairs of points that are far from each other and near, at many sizes; by variable where r is separable."""
    p, rows = case.problem, []
    points = list(case.points())
    for (i, u), (_, w) in pairwise(points):
        step = _steps(case, i)
        scaled = ((2.0**k * w, 1.25 * 2.0**k * w) for k in range(-10, 11, 2))
        pairs = [(u, w), (u, u + 1e-3 * _direction(u, i)), *scaled]
        for a, b in pairs:
            excess, tolerance = _expansion(p, a, b, step)
            if p.nonsmooth.separable:
                worst = (excess - tolerance).argmax(-1, keepdim=True)
                excess, tolerance = excess.gather(-1, worst).squeeze(-1), tolerance.gather(-1, worst).squeeze(-1)
            else:
                excess, tolerance = excess.sum(-1), tolerance.sum(-1)
            rows.append((i, as_numpy(excess), as_numpy(tolerance)))
    return _judge(case, rows, "the prox is not firmly non-expansive", "the prox is firmly non-expansive")


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
    return _judge(case, rows, "an image under a change of variables is not the problem", "the images are the problem")


def _long_value(f: SmoothTerm, x: torch.Tensor) -> np.ndarray | None:
    """f(x) in extended precision for the three commonest terms, from their data; None for others."""
    if type(f) not in (LeastSquares, Logistic, QuadraticForm):
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
    advice="count the roundings (l2o._rounding.gamma) and multiply by the sum of the absolute values of the terms",
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
            own = np.spacing(np.abs(exact).astype(float)) * 1e-2  # of the extended precision itself
            off = np.abs(value.astype(np.longdouble) - exact).astype(float)
            rows.append((i, off, as_numpy(case.problem.smooth.value_error(x)) + own))
    return _judge(case, rows, "the value is off by more than value_error says", "value_error is a bound")


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
            row, step = x[b : b + 1], _steps(case, i)
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
    return _judge(case, rows, "an instance by itself is not that of the batch", "instances are rows of the batch")


@register(
    level=PROBLEM,
    asserts="The fingerprint is the same for a copy of the problem, and another one when any number of its data "
    "changes by one rounding.",
    why="Optima are cached and runs are matched to problems by it. Two problems with one fingerprint share an F* that "
    "belongs to one of them.",
    breaks="An array that `arrays` leaves out, a parameter that is a Python number.",
    advice="return every tensor that determines the term from arrays()",
)
def fingerprint_follows_data(case: ProblemCase) -> Finding:
    """Every tensor among the fields of both terms."""

    def fingerprint(smooth: SmoothTerm, nonsmooth: NonsmoothTerm) -> str:
        return Composite(smooth, nonsmooth).fingerprint()

    parts = case.problem.smooth, case.problem.nonsmooth
    before = fingerprint(*parts)
    if fingerprint(*copy.deepcopy(parts)) != before:
        return failed("a copy of the problem has another fingerprint", instance=case.problem.name)
    names = tensors_of(parts, "problem")
    for name in names:
        other = copy.deepcopy(parts)
        tensor = tensors_of(other, "problem")[name]
        if tensor.numel() == 0:
            continue
        index = (0,) * tensor.ndim
        value = tensor[index]
        if not tensor.is_floating_point():
            changed = ~value.bool()
        else:
            changed = torch.nextafter(value, value + 1) if torch.isfinite(value) else torch.ones_like(value)
        try:
            tensor[index] = changed.to(tensor.dtype)
        except RuntimeError:  # an expanded view: several elements share this memory
            continue
        if fingerprint(*other) == before:
            return failed(f"{name} has no part in the fingerprint", instance=case.problem.name, tensor=name)
    return passed(f"{len(names)} arrays have their part in it", instance=case.problem.name, arrays=len(names))


@register(
    level=PROBLEM,
    asserts="In float32 objective, gradient and prox are float32, and the gradient is that of float64 on the same data "
    "within `gradient_error`.",
    why="Training runs in float32. A term that goes back to float64 on the way is slow there, and one whose bound on "
    "rounding is wrong turns noise into violated data.",
    breaks="Constants in float64, NumPy inside the term, an error bound for float64 whatever the precision is.",
    advice="make tensors with the dtype of x, and bounds with torch.finfo(x.dtype)",
)
def float32_consistent(case: ProblemCase) -> Finding:
    """Points of float32, in both precisions."""
    single = case.problem.to(torch.float32)
    double, rows = single.to(torch.float64), []
    for i, x in case.domain_points():
        point = x.float()
        outputs = {
            "objective": single.objective(point),
            "gradient": single.smooth_gradient(point),
            "prox": single.prox(point, _steps(case, i).float()),
        }
        for name, value in outputs.items():
            if value.dtype != torch.float32:
                return failed(f"{name} of the float32 problem is {value.dtype}", instance=case.problem.name, point=i)
        off = norm(as_numpy(outputs["gradient"].double() - double.smooth_gradient(point.double())))
        error = single.smooth_gradient_error(point).double() + double.smooth_gradient_error(point.double())
        rows.append((i, off, as_numpy(error)))
    return _judge(case, rows, "the gradient in float32 is off by more than gradient_error", "float32 keeps its bound")
