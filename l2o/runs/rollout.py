"""Running an optimizer, and reading a run off anybody's iterates."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal, overload

import torch

from ...errors import InputError
from .. import rounding
from ..optimizers.adapt import as_optimizer, is_optimizer
from ..optimizers.by_name import adapt
from ..problems.composite import Composite
from ..support.arrays import as_tensor
from ..support.memory import require_memory, run_size
from ..support.threads import SMALL, one_thread
from .array_run import ArrayRun, array_run
from .iterates import rounded
from .run import Run

_RECORDS = ("all", "scalars")


def implicit_subgradient(
    problem: Composite,
    x: torch.Tensor,
    argument: torch.Tensor,
    step: torch.Tensor,
    wanted: torch.Tensor,
) -> torch.Tensor:
    """The g in the subdifferential of r at x = prox_step(argument) that the prox implies: g = (argument - x) / step.

    Cancellation blurs that quotient by a few units of the numbers the prox handles over step, and it belongs to a
    point a few roundings from x, while the subdifferential at x is known exactly; so where the two agree within that
    blur g is moved into the subdifferential at x. Where they do not, the quotient is kept as it is: x was not the prox
    of `argument`, and whoever checks g will see it. Of a term that is not separable there is no box to move g into: it
    is moved to the nearest subgradient where the two agree within the norm of that blur, and it is the quotient where
    the term does not name its subgradients.

    Args:
        problem: The problem of r.
        x: (B,n) what the prox gave.
        argument: (B,n) what it was given.
        step: (B,n) its steps, >= 0.
        wanted: (B,n) components with a vanishing step take the slope nearest to it.

    Returns:
        (B,n) g.
    """
    if not problem.nonsmooth.separable:
        return _coupled_subgradient(problem, x, argument, step, wanted)
    low, high = problem.nonsmooth.subdifferential(x)
    moves = step > 0
    quotient = torch.where(moves, (argument - x) / step, wanted)
    inside = torch.minimum(torch.maximum(quotient, low), high)
    low_near, high_near = problem.nonsmooth.subdifferential_near(x)
    size = problem.nonsmooth.magnitude(argument) + problem.nonsmooth.magnitude(x) + step * quotient.abs()
    blur = 32 * torch.finfo(x.dtype).eps * size / step
    near = (quotient >= low_near - blur) & (quotient <= high_near + blur)
    return torch.where(near | ~moves, inside, quotient)


def _coupled_subgradient(
    problem: Composite, x: torch.Tensor, argument: torch.Tensor, step: torch.Tensor, wanted: torch.Tensor
) -> torch.Tensor:
    term = problem.nonsmooth
    if not term.names_subgradients:
        return (argument - x) / step
    moves = step > 0
    quotient = torch.where(moves, (argument - x) / step, wanted)
    nearest = term.nearest_subgradient(x, quotient)
    size = term.magnitude(argument) + term.magnitude(x) + step * quotient.abs()
    blur = torch.where(moves, 32 * torch.finfo(x.dtype).eps * size / step, 0.0)
    allowed = rounding.norms(blur) + term.subgradient_blur(x, quotient)
    near = rounding.norms(quotient - nearest) <= allowed
    return torch.where(near.unsqueeze(-1) | ~moves, nearest, quotient)


def relative_deviation(
    generalized_gradient: torch.Tensor, deviation: torch.Tensor, smoothness: torch.Tensor
) -> torch.Tensor:
    """rho = L ||e|| / ||G|| over the last axis, 0 where both vanish; L broadcasts against the other axes."""
    size = rounding.norms(generalized_gradient)
    error = smoothness * rounding.norms(deviation)
    return torch.where(error == 0, torch.zeros_like(error), error / size)


_AT_POINTS = frozenset({"objective", "x", "memory", "objective_error", "dist"})  # K + 1 of them, of the others K


@dataclass
class _Recorder:
    """Collects what is asked for, step by step, in arrays made beforehand.

    Small tensors, some each step, would pin freed memory between them: gigabytes in a run of some thousand steps.
    """

    problem: Composite
    keep_arrays: bool
    comparator: torch.Tensor | None
    steps: int
    fingerprint: str = ""
    numbers: set[str] = field(default_factory=set)  # names of the series that the optimizer states
    series: dict[str, torch.Tensor] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    x_start: torch.Tensor | None = None

    def put(self, **entries: torch.Tensor | None) -> None:
        for name, value in entries.items():
            if value is not None:
                if name not in self.series:
                    length = self.steps + (name in _AT_POINTS or name in self.numbers)
                    self.series[name] = value.new_empty((value.shape[0], length, *value.shape[1:]))
                    self.counts[name] = 0
                self.series[name][:, self.counts[name]] = value
                self.counts[name] += 1

    def start(self, state: Any) -> None:
        x, memory = state.x, getattr(state, "memory", None)
        if not isinstance(memory, torch.Tensor):  # another thing of the user's under this name
            memory = None
        numbers = getattr(state, "numbers", {})
        self.numbers |= set(numbers)
        self.put(**numbers)
        value, self.gradient = self.problem.smooth.value_and_gradient(x)
        self.put(objective=value + self.problem.nonsmooth.value(x))
        if self.keep_arrays:
            self.put(x=x, memory=memory)
        else:
            self.put(objective_error=self.problem.objective_error(x))
            self.x_start = x.clone() if self.x_start is None else self.x_start
        if self.comparator is not None:
            self.put(dist=torch.linalg.vector_norm(x - self.comparator, dim=-1))

    def step(self, previous: torch.Tensor, state: Any) -> None:
        problem, x = self.problem, state.x
        smoothness = problem.smoothness.unsqueeze(-1)
        gradient, difference = self.gradient, previous - x
        wanted = smoothness * difference - gradient
        p = getattr(state, "preconditioner", None)
        argument = getattr(state, "prox_argument", None)
        p = None if p is None else p.expand_as(x)
        if problem.nonsmooth.is_zero:
            subgradient = torch.zeros_like(x)
        elif argument is not None and p is not None:
            subgradient = implicit_subgradient(problem, x, argument, p, wanted)
        else:
            subgradient = problem.nonsmooth.nearest_subgradient(x, wanted)
        generalized = gradient + subgradient
        deviation = difference - generalized / smoothness
        bias = None if p is None else difference - p * generalized
        self.put(relative_deviation=relative_deviation(generalized, deviation, problem.smoothness))
        if self.keep_arrays:
            self.put(
                smooth_gradient=gradient,
                subgradient=subgradient,
                generalized_gradient=generalized,
                step=difference,
                deviation=deviation,
                preconditioner=p,
                bias=bias,
                features=getattr(state, "features", None),
            )
        else:
            self._inner_products(previous, x, generalized, difference, p, bias)
        self.start(state)

    def _inner_products(
        self,
        previous: torch.Tensor,
        x: torch.Tensor,
        generalized: torch.Tensor,
        difference: torch.Tensor,
        p: torch.Tensor | None,
        bias: torch.Tensor | None,
    ) -> None:
        def dot(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            return (a * b).sum(-1)

        self.put(G2=dot(generalized, generalized), D2=dot(difference, difference), GD=dot(generalized, difference))
        if self.comparator is not None:
            before, after = previous - self.comparator, x - self.comparator
            self.put(
                Gx=dot(generalized, after),
                Gx_prev=dot(generalized, before),
                Dx=dot(difference, after),
                Dx_prev=dot(difference, before),
            )
        self.put(gradient_error=self.problem.smooth.gradient_error(previous))
        if p is not None and bias is not None:
            scaled = self.problem.smoothness.unsqueeze(-1) * p
            self.put(
                pG2=dot(p * (1 - scaled / 2) * generalized, generalized),
                Lp_max=scaled.amax(-1),
                Lp_min=scaled.amin(-1),
                bnorm=torch.linalg.vector_norm(bias, dim=-1),
            )

    def run(self, x_final: torch.Tensor, optimizer: str, rule: str) -> Run:
        stacked: dict[str, Any] = {name: values[:, : self.counts[name]] for name, values in self.series.items()}
        scalars: dict[str, torch.Tensor] = {name: stacked.pop(name) for name in self.numbers}
        if not self.keep_arrays:
            named = {"objective", "relative_deviation"}
            scalars |= {name: t for name, t in stacked.items() if name not in named}
            stacked = {name: t for name, t in stacked.items() if name in named}
            stacked["x_start"] = self.x_start
            if self.comparator is not None:
                stacked["comparator"] = self.comparator
        else:
            stacked.pop("dist", None)
        stacked.setdefault("x", None)
        return Run(
            **stacked,
            smoothness=self.problem.smoothness.clone(),
            x_final=x_final,
            scalars=scalars,
            optimizer=optimizer,
            subgradient_rule=rule,
            problem=self.fingerprint,
        )


@contextmanager
def threads_for(problem: Composite) -> Iterator[None]:
    """One thread for small problems, whose kernels end before a second one is awake; the old number comes back."""
    largest = max((a.numel() for a in problem.smooth.arrays().values()), default=0)
    with one_thread() if largest < SMALL else nullcontext():
        yield


def _check_memory(problem: Composite, steps: int, record: str) -> None:
    """Refuse a run that does not fit into memory, before its first step."""
    batch, dim, arrays = problem.batch_size, problem.dim, record == "all"
    size = run_size(batch, dim, steps, arrays=arrays, itemsize=torch.finfo(problem.dtype).bits // 8)
    instead = 'ask for fewer steps or instances, or record="scalars"' if arrays else "ask for fewer steps or instances"
    require_memory(size, f"a run of {steps} steps on {batch} instances of {dim} variables", instead)


def advance(optimizer: Any, problem: Composite, state: Any) -> tuple[torch.Tensor, Any]:
    """x_{k-1} (B,n) as it was before the step, and the state after it.

    A step may overwrite the x of the state that it is given (x.add_(...), x -= ...): then x_{k-1} would be x_k, every
    D_k would be 0 and every rho_k 1. So x_{k-1} is a copy where the step has changed it.

    Args:
        optimizer: An object with `init` and `step`.
        problem: The problem.
        state: The state at x_{k-1}.

    Returns:
        x_{k-1}, and the state at x_k.
    """
    previous, before = state.x, state.x.clone()
    state = optimizer.step(problem, state)
    return before if not torch.equal(previous, before) else previous, state


@overload
def rollout(
    optimizer: Any,
    problem: Composite,
    x0: Any,
    steps: int,
    state: Any = None,
    seed: int = 0,
    record: Literal["all"] = "all",
    *,
    comparator: Any = None,
    progress: Callable[[int], None] | None = None,
) -> ArrayRun: ...


@overload
def rollout(
    optimizer: Any,
    problem: Composite,
    x0: Any,
    steps: int,
    state: Any = None,
    seed: int = 0,
    record: str = "all",
    *,
    comparator: Any = None,
    progress: Callable[[int], None] | None = None,
) -> Run: ...


@torch.no_grad()
def rollout(
    optimizer: Any,
    problem: Composite,
    x0: Any,
    steps: int,
    state: Any = None,
    seed: int = 0,
    record: str = "all",
    *,
    comparator: Any = None,
    progress: Callable[[int], None] | None = None,
) -> Run:
    """Run an optimizer. A run may diverge: see `Run.finite`.

    A step that updates its arguments in place does no harm: x0 is copied, and so is each x_{k-1} that a step
    overwrites.

    g_k is the implicit subgradient of the prox where the state exposes `prox_argument` and `preconditioner`, otherwise
    the choice of least deviation. What a state states in `numbers` is kept in `Run.scalars`, (B,K+1) each.

    Args:
        optimizer: An object with `init(problem, x0, seed)` and `step(problem, state)`, or whatever else
            `l2o.resolve_optimizer` takes.
        problem: The problem; the run is in its precision and on its device.
        x0: (B,n) where the run starts.
        steps: K >= 1.
        state: A state to go on from, in place of `init`.
        seed: Passed to `init`.
        record: "all" keeps every array of `Run`; "scalars" keeps only numbers per step (inner products), in memory
            that does not grow with n.
        comparator: (B,n) the point z of the inner products of "scalars".
        progress: Called with k after each step.

    Returns:
        The run.

    Raises:
        InputError: For a wrong shape or number, what is no optimizer, and a run that does not fit into memory.
    """
    if record not in _RECORDS:
        raise InputError(f"record: expected one of {', '.join(_RECORDS)}, got {record!r}.")
    if isinstance(steps, bool) or not hasattr(steps, "__index__") or operator.index(steps) < 1:
        raise InputError(f"steps: expected an integer >= 1, got {steps!r}.")
    steps = operator.index(steps)
    _check_memory(problem, steps, record)
    optimizer = as_optimizer(optimizer) if is_optimizer(optimizer) else adapt(optimizer)
    x = problem.point(as_tensor(x0, "x0", dtype=problem.dtype, device=problem.device), "x0")
    fingerprint = "" if record == "all" else problem.fingerprint()
    problem = problem.remembering()  # its record and the optimizer need the same gradients
    state = optimizer.init(problem, x.clone(), seed=seed) if state is None else state
    z = None if comparator is None else problem.point(comparator, "comparator")
    recorder = _Recorder(problem, record == "all", z, steps, fingerprint)
    problem.point(state.x, "state.x")
    recorder.start(state)
    with threads_for(problem):
        for k in range(steps):
            previous, state = advance(optimizer, problem, state)
            if state.x.shape != previous.shape:
                raise InputError(
                    f"{type(optimizer).__name__}.step returned x of shape {tuple(state.x.shape)}, expected "
                    f"{tuple(previous.shape)}."
                )
            recorder.step(previous, state)
            if progress is not None:
                progress(k + 1)
    if problem.nonsmooth.is_zero:
        rule = "zero"
    else:
        rule = "prox" if getattr(state, "prox_argument", None) is not None else "least deviation"
    return recorder.run(state.x, getattr(optimizer, "name", type(optimizer).__name__), rule)


@dataclass(frozen=True)
class _Iterate:
    x: torch.Tensor


@torch.no_grad()
def run_from_iterates(problem: Composite, X: Any, *, name: str = "given iterates", dtype: Any = None) -> ArrayRun:
    """The run behind iterates made by any code; g_k is the choice of least deviation.

    Iterates in float32 make a run in float32, on a problem in float64 too: its gradients and objectives are those of
    the problem in float32, and `verify`, which recomputes them in float64, grants the steps the rounding of float32.

    Args:
        problem: The problem that the iterates belong to.
        X: Iterates x_0..x_K, finite: an array (B,K+1,n), for one instance (K+1,n), or a list of the K+1 points, each
            (B,n) or, of one instance, (n,).
        name: What the run is called.
        dtype: The precision in which the run was made, where that of `X` is another (numbers read from a text, say);
            None takes that of `X`.

    Returns:
        The run, its gradients and objectives computed here.

    Raises:
        InputError: For another shape, and for iterates that are not finite.
    """
    problem, iterates = rounded(problem, X, dtype)
    recorder = _Recorder(problem, True, None, iterates.shape[1] - 1)
    recorder.start(_Iterate(iterates[:, 0]))
    for k in range(1, iterates.shape[1]):
        recorder.step(iterates[:, k - 1], _Iterate(iterates[:, k]))
    rule = "zero" if problem.nonsmooth.is_zero else "least deviation"
    return array_run(recorder.run(iterates[:, -1], name, rule), "run_from_iterates")
