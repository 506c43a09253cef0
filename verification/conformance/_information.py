"""What a step is made of: the gradient at this point, nothing of the solution, nothing of the clock."""

from __future__ import annotations

import datetime
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Self

import numpy as np
import torch

from ... import l2o
from ...l2o import Composite
from ...l2o.problems.smooth import LeastSquares, LinearMap, Logistic, QuadraticForm, SmoothTerm
from ...l2o.problems.smooth.sample_loss import ResidualLoss
from ...l2o.problems.smooth.wrapped import WrappedSmooth
from ...l2o.problems.transforms import ChangedSmooth
from ..runs.inspection import as_numpy
from ._case import Case, Instance, Refused, seed_global_rng, shared
from ._derived import derived
from ._profile import Profile
from ._reproducible import first_difference, generators_of, same, tensors_of
from ._result import Finding, failed, not_applicable, passed
from ._sameness import compare, verdict
from .registry import register


class _Delegate(WrappedSmooth):
    """A term made from another one, whose class knows nothing of what that one is."""

    def __init__(self, base: SmoothTerm) -> None:
        self.base = base

    kind = "another class"
    smoothness = property(lambda self: self.base.smoothness)
    strong_convexity = property(lambda self: self.base.strong_convexity)
    smoothness_error = property(lambda self: self.base.smoothness_error)

    def value_and_gradient(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Of the term."""
        return self.base.value_and_gradient(x)

    def value_error(self, x: torch.Tensor) -> torch.Tensor:
        """Of the term."""
        return self.base.value_error(x)

    def gradient_error(self, x: torch.Tensor) -> torch.Tensor:
        """Of the term."""
        return self.base.gradient_error(x)

    def arrays(self) -> dict[str, torch.Tensor]:
        """Of the term."""
        return self.base.arrays()

    def _again(self, base: SmoothTerm, index: torch.Tensor | None = None) -> Self:
        return type(self)(base)

    def select(self, index: torch.Tensor) -> Self:
        """The instances `index`."""
        return self._again(self.base.select(index), index)

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Self:
        """In another precision or on another device."""
        return self._again(self.base.to(dtype, device))


class _Walled(_Delegate):
    """f(x) + (L/4) max(0, ||x - centre|| - radius)^2: f itself within the radius, with another minimiser."""

    def __init__(self, base: SmoothTerm, centre: torch.Tensor, radius: torch.Tensor, height: float) -> None:
        super().__init__(base)
        self.centre, self.radius, self.height = centre, radius, height

    smoothness = property(lambda self: 1.5 * self.base.smoothness)

    def value_and_gradient(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """With the wall."""
        value, gradient = self.base.value_and_gradient(x)
        away = x - self.centre
        distance = torch.linalg.vector_norm(away, dim=-1)
        beyond = (distance - self.radius).clamp(min=0.0) * self.height
        slope = (self.base.smoothness / 2 * beyond / distance.clamp(min=1e-300)).unsqueeze(-1)
        return value + self.base.smoothness / 4 * beyond * (distance - self.radius), gradient + slope * away

    def _again(self, base: SmoothTerm, index: torch.Tensor | None = None) -> Self:
        row = slice(None) if index is None else index
        like = next(iter(base.arrays().values()))
        return type(self)(base, self.centre[row].to(like), self.radius[row].to(like), self.height)


def raised(term: SmoothTerm, c: torch.Tensor) -> SmoothTerm:
    """f + c, c of shape (B,), as a term of a class derived from that of f."""

    def value_and_gradient(self: Any, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        value, gradient = term.value_and_gradient(x)
        return value + c, gradient

    members: dict[str, Any] = {
        "value_and_gradient": value_and_gradient,
        "value": lambda self, x: term.value(x) + c,
        "gradient": lambda self, x: term.gradient(x),
        "select": lambda self, index: raised(term.select(index), c[index]),
        "to": lambda self, dtype=None, device=None: raised(term.to(dtype, device), c.to(dtype=dtype, device=device)),
    }
    return derived(term, members)


def with_other_data(term: SmoothTerm, x: torch.Tensor) -> SmoothTerm:
    """A term of the same class and the same L whose gradient at x (B,n) points the other way.

    Rows of A in another order belong to it: a method may hold the residual at its point ahead of the step.
    """
    if isinstance(term, ChangedSmooth):
        return replace(term, base=with_other_data(term.base, term.change.inward(x)))
    if isinstance(term, Logistic):
        return replace(term, labels=1 - term.labels)
    if isinstance(term, QuadraticForm):
        return replace(term, linear=2 * term.map(x) - term.linear)
    if isinstance(term, (LeastSquares, ResidualLoss)):
        target = (2 * term.map(x) - term.target).roll(1, dims=-1)
        return replace(term, map=LinearMap(term.map.matrix.roll(1, dims=-2)), target=target)
    return _Tilted(term, -2 * term.gradient(x))


class _Tilted(_Delegate):
    """f(x) + <slope, x>."""

    def __init__(self, base: SmoothTerm, slope: torch.Tensor) -> None:
        super().__init__(base)
        self.slope = slope

    def value_and_gradient(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """With the linear term."""
        value, gradient = self.base.value_and_gradient(x)
        return value + (self.slope * x).sum(-1), gradient + self.slope

    def _again(self, base: SmoothTerm, index: torch.Tensor | None = None) -> Self:
        slope = self.slope if index is None else self.slope[index]
        return type(self)(base, slope.to(next(iter(base.arrays().values()))))


def _keeps_the_gradient(state: Any, gradient: torch.Tensor) -> bool:
    """Whether the state holds a multiple of the gradient at its own x, computed ahead."""
    for tensor in tensors_of(state).values():
        if tensor.shape != gradient.shape or not tensor.is_floating_point():
            continue
        cosine = torch.nn.functional.cosine_similarity(tensor, gradient, dim=-1, eps=1e-300).abs()
        if bool((cosine > 1 - 1e-10).all()):
            return True
    return False


def _pinned(problem: Composite, x: torch.Tensor) -> torch.Tensor:
    """(B,) whether every coordinate is at a kink or a bound of r, where small changes of a gradient do not show."""
    if problem.nonsmooth.is_zero or not problem.nonsmooth.separable:
        return torch.zeros_like(x[:, 0], dtype=torch.bool)
    low, high = problem.subdifferential(x)
    return (high > low).all(-1)


@register(
    asserts="A step depends on the gradient at the point where it starts: with other data from this step on (or with "
    "the gradient in its state that belongs to this very point) it leads elsewhere.",
    why="A run pairs x_{k-1}, grad f(x_{k-1}) and x_k. Where x_k was settled before, by an older gradient, or the "
    "state tells the iterate of the step before, all that is said of the step is said of another one.",
    breaks="A gradient kept from the step before, a state that shows the last iterate and holds the new one back, a "
    "skipped update.",
    advice="compute the gradient at state.x (or at a point made from it) in the step that uses it, and show the new x",
)
def record_is_of_this_step(case: Case) -> Finding:
    """The same state, stepped on the problem and on one with other data."""
    seen, steps = 0, 4
    for instance in case.instances:
        problem = instance.problem
        for k, state in enumerate(case.states(instance, steps)[:-1]):
            other = Composite(with_other_data(problem.smooth, state.x), problem.nonsmooth)
            if k == 0 and case.refusal(other, instance.x0) is not None:
                break
            case.doing = f"step {k + 1} on {instance.name} with other data"
            after = []
            for p in (problem, other):
                with torch.no_grad(), generators_of(state).restored():
                    seed_global_rng(case.seed)
                    after.append(case.fresh().step(p.remembering(), state).x)
            gradient = problem.smooth_gradient(state.x)
            moves = torch.linalg.vector_norm(gradient, dim=-1) > 1e3 * problem.smooth_gradient_error(state.x)
            if not bool(moves.all()) or not bool(torch.isfinite(state.x).all()):
                break
            if bool(_pinned(problem, after[0]).any()):
                continue
            seen += 1
            apart = torch.linalg.vector_norm(after[1] - after[0], dim=-1)
            length = torch.linalg.vector_norm(after[0] - state.x, dim=-1)
            if bool((apart <= 1e-9 * length).all()) and not _keeps_the_gradient(state, gradient):
                return failed(
                    f"{instance.name}, step {k + 1}: x_{k + 1} is the same whatever the gradient at x_{k} is",
                    **instance.shape,
                    step=k + 1,
                )
    if not seen:
        return not_applicable("it takes no problem with other data, or the gradient vanishes at once")
    return passed(f"each of {seen} steps depends on the gradient where it starts", steps=seen)


def steep_and_flat(profile: Profile, seed: int) -> list[Instance]:
    """One steep variable and many flat ones: a few steps go a small part of the way to the minimiser."""
    batch, n = profile.batch, profile.dim
    rng = np.random.default_rng([seed, 19])
    right = np.linalg.qr(rng.standard_normal((batch, n, n)))[0]
    scale = np.concatenate([[1.0], np.full(n - 1, 0.03)])
    matrix = np.linalg.qr(rng.standard_normal((batch, n, n)))[0] * scale @ right.swapaxes(1, 2)
    offset = np.concatenate([np.full((batch, 1), 0.3), rng.choice([-2.0, 2.0], (batch, n - 1))], axis=1)
    start = rng.standard_normal((batch, n))
    solution = start + (right @ offset[..., None])[..., 0]
    smooth = l2o.least_squares(matrix, (matrix @ solution[..., None])[..., 0])
    x0 = torch.as_tensor(start)
    return [Instance("a steep variable and flat ones", Composite(smooth, r), x0) for r in (l2o.zero(), l2o.l1(1e-5))]


def _local(case: Case) -> Finding | None:
    """A failure where the first steps know what f is far away; None where not, or where nothing can be said."""
    for instance in shared(steep_and_flat, case.profile, case.seed):
        problem, x0 = instance.problem, instance.x0
        free = torch.full_like(x0[:, 0], torch.inf)

        def walled(radius: torch.Tensor, height: float, p: Composite = problem, x: torch.Tensor = x0) -> Composite:
            return Composite(_Walled(p.smooth, x, radius, height), p.nonsmooth)

        plain = walled(torch.full_like(free, 1e300), 0.0)
        if case.refusal(plain, x0) is not None:
            continue
        distance = torch.linalg.vector_norm(instance.solution[0] - x0, dim=-1)
        for steps in (3, 1):
            run = case.run_on(instance.name, plain, x0, steps=steps)
            radius = 1.5 * torch.linalg.vector_norm(run.x - x0.unsqueeze(1), dim=-1).amax(-1)
            if not bool((radius < distance / 1.5).all()):
                continue
            other = case.run_on(f"{instance.name}, with a wall far away", walled(radius, 1.0), x0, steps=steps)
            if not torch.allclose(run.x, other.x, rtol=1e-9, atol=1e-12):
                where = first_difference(run.x, other.x)
                return failed(
                    f"{instance.name}: step {where['step']} changes by {where['difference']:.2g} where f is changed "
                    f"only at points that are 1.5 times as far away as any iterate: it knows where the solution is",
                    **instance.shape,
                    **where,
                )
            break
    return None


@register(
    asserts="The run on f + c is the run on f, for constants c of both signs, and the first steps do not change where "
    "f is changed far away from all iterates, so that its minimiser moves.",
    why="F* and x* are what is looked for. A method that is given them, or solves the problem inside of a step, cannot "
    "be run by those who do not have them, and its number of steps says nothing.",
    breaks="A Polyak step (F(x) - F*)/||g||^2 with a guess of F* (0, most often), features with x - x*, the distance "
    "to a solution that `init` computes, thresholds on the value of F.",
    advice="use gradients, displacements and differences of F; a method that is given F* on purpose lists this check",
)
def uses_nothing_of_the_solution(case: Case) -> Finding:
    """Constants of the size of the gap; a wall around the first iterates on a problem that is mostly flat."""
    comparisons, refused = [], ""
    for instance, run in case.runs():
        least = torch.from_numpy(np.minimum(instance.reference.min(axis=1), as_numpy(run.objective).min(axis=1)))
        gap = torch.nan_to_num(run.objective[:, 0] - least, nan=1.0, posinf=1.0)
        for c in (0.7 * gap, -0.7 * gap):
            image = Composite(raised(instance.problem.smooth, c), instance.problem.nonsmooth)
            try:
                with case.image("f + c", image, instance.x0):
                    other = case.run_on(f"{instance.name}, f + c", image, instance.x0)
            except Refused as reason:
                refused = str(reason)
                continue
            if not same(run.x, other.x):
                comparisons.append(compare(case, instance, run, other.x, constant=c))
    broken = [f for f in comparisons if f.failed.any()]
    if broken:
        return verdict(broken, "", "the run changes with a constant that is added to f")
    return _local(case) or (
        not_applicable(refused) if refused else passed("neither a constant nor what f is far away makes a difference")
    )


@contextmanager
def shifted_clock(seconds: float, *modules: Any) -> Iterator[None]:
    """The clocks of `time` and `datetime` ahead by so much, also where `modules` imported them by name."""
    names = ("time", "monotonic", "perf_counter")
    changes: list[tuple[Any, str, Any]] = []

    def later(clock: Callable[[], Any], ahead: float) -> Callable[[], Any]:
        return lambda: clock() + ahead

    new: dict[Any, Any] = {getattr(time, n): later(getattr(time, n), seconds) for n in names}
    new |= {getattr(time, f"{n}_ns"): later(getattr(time, f"{n}_ns"), int(seconds * 1e9)) for n in names}
    ahead = datetime.timedelta(seconds=seconds)
    before = datetime.datetime

    class Later(datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return before.now(tz) + ahead

        @classmethod
        def utcnow(cls) -> Any:
            return before.now(datetime.UTC).replace(tzinfo=None) + ahead

        @classmethod
        def today(cls) -> Any:
            return before.today() + ahead

    new[before] = Later
    for module in (time, datetime, *modules):
        for name, value in list(vars(module).items()):
            if isinstance(value, type(time.time) | type) and value in new:
                changes.append((module, name, value))
    try:
        for module, name, value in changes:
            setattr(module, name, new[value])
        yield
    finally:
        for module, name, value in changes:
            setattr(module, name, value)


@register(
    asserts="Runs do not depend on the clock: with the time moved by a day, an hour and some seconds they are the same "
    "bytes.",
    why="Two runs within a second agree with a seed from the clock in seconds, and so does every test that repeats a "
    "run at once. The run of yesterday cannot be made again.",
    breaks="A seed or a file name from time.time(), a step that is chosen by a time limit, datetime.now().",
    advice="take seeds from the argument of init, and give limits as numbers of steps",
)
def clock_matters_not(case: Case) -> Finding:
    """Three shifts; the clocks are those of `time` and `datetime`."""
    optimizer = case.fresh()
    parts = (optimizer, getattr(optimizer, "function", None), getattr(optimizer, "module", None))
    names = {getattr(part, "__module__", None) for part in parts} | {type(part).__module__ for part in parts}
    ours = __name__.removesuffix("conformance._information")
    modules = [sys.modules[n] for n in names - {"builtins"} if n in sys.modules and not n.startswith(ours)]
    for instance, run in case.runs():
        for seconds in (86_400.0, 3_601.5, 7.25):
            with shifted_clock(seconds, *modules):
                other = case.run(instance, steps=min(case.steps, 8))
            if not same(run.x[:, : other.x.shape[1]], other.x):
                where = first_difference(run.x[:, : other.x.shape[1]], other.x)
                return failed(
                    f"{instance.name}: the run changes with the time of day, first at step {where['step']} by "
                    f"{where['difference']:.2g}",
                    **instance.shape,
                    **where,
                )
        break
    return passed("the time of day makes no difference")
