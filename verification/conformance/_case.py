"""What a check is given: an optimizer with its instances, or a problem with points to look at."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch

from ... import l2o
from ...errors import InterfaceError
from ...l2o import Composite, InputError, OptimizerSource, rollout
from ...l2o.runs.array_run import ArrayRun
from ...l2o.runs.rollout import advance, threads_for
from ..runs.inspection import Inspection, as_numpy
from ..verdicts.evidence import Evidence, gather
from ._expectations import declarations_of, declared_by, lacked_by
from ._profile import Profile
from ._reference import minimiser, proximal_gradient, value


class NotApplicable(Exception):
    """A check has nothing to say; the message is the reason."""


class Refused(NotApplicable):
    """The optimizer does not take a problem that was made from one of the instances, and says so by an InputError."""


@contextmanager
def global_rng(seed: int) -> Iterator[None]:
    """Torch's, NumPy's and Python's global generators seeded inside, and as they were outside."""
    before = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    try:
        seed_global_rng(seed)
        yield
    finally:
        torch.set_rng_state(before[0])
        np.random.set_state(before[1])  # noqa: NPY002
        random.setstate(before[2])


def seed_global_rng(seed: int) -> None:
    """Seed the three global generators (that of torch on the CPU)."""
    torch.default_generator.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    random.seed(seed)


def draw_from_global_rng() -> None:
    """One number from each."""
    torch.rand(1)
    np.random.rand()  # noqa: NPY002
    random.random()


def global_rng_state() -> tuple[bytes, str, str]:
    """Something that is equal where the three global generators are."""
    return torch.get_rng_state().numpy().tobytes(), str(np.random.get_state()), str(random.getstate())  # noqa: NPY002


@dataclass(frozen=True, eq=False)
class Instance:
    """A batch of problems with a start (B,n)."""

    name: str
    problem: Composite
    x0: torch.Tensor

    @property
    def shape(self) -> dict[str, Any]:
        """For evidence: what it is."""
        return {"instance": self.name, "batch": self.problem.batch_size, "dim": self.problem.dim}

    @cached_property
    def solution(self) -> tuple[torch.Tensor, np.ndarray]:
        """A minimiser (B,n), and a bound (B,) on its distance from optimality."""
        return minimiser(self.problem, self.x0)

    @cached_property
    def reference(self) -> np.ndarray:
        """(B,LONG+1) F along proximal gradient with steps of 1/L from x_0."""
        return proximal_gradient(self.problem, self.x0, LONG)

    def digest(self) -> str:
        """Of its numbers as they are now: an optimizer may have written into them."""
        hashed = hashlib.sha256(self.x0.numpy().tobytes())
        for part in (self.problem.smooth, self.problem.nonsmooth):
            for tensor in part.arrays().values():
                hashed.update(tensor.numpy().tobytes())
        return hashed.hexdigest()


LONG = 120
"""Steps of the runs that must get somewhere; the same in every profile, so that what is asked is the same."""

LATE, LAST = LONG // 2, 30
"""The step from which a long run must go on, and the number of last steps in which it must still move."""


@dataclass(frozen=True, eq=False)
class LongRun:
    """F along LONG steps: `values` (B,LONG+1), inf from where an iterate is not finite; outside dom r those of f.

    `middle` (B,n) is x_k at k = LATE, `end` (B,n) the last iterate, `path` (B,) the length of the last LAST steps, and
    `error` (B,) a bound on the rounding of F at the middle and the end.
    """

    values: np.ndarray
    middle: torch.Tensor
    end: torch.Tensor
    path: np.ndarray
    error: np.ndarray

    @cached_property
    def best(self) -> np.ndarray:
        """(B,LONG+1) the least F so far."""
        return np.minimum.accumulate(self.values, axis=1)


def check_seed(seed: Any) -> None:
    """Raise unless `seed` is an integer that every generator takes."""
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**31:
        raise InputError(f"seed: expected an integer in [0, 2**31), got {seed!r}.")


_SHARED: dict[tuple[str, Profile, int], tuple[list[Instance], list[str]]] = {}


def shared(make: Any, profile: Profile, seed: int) -> list[Instance]:
    """`make(profile, seed)`, made once for all optimizers, with all that is known of it; anew if written into."""
    key = make.__name__, profile, seed
    entry = _SHARED.get(key)
    if entry is None or [i.digest() for i in entry[0]] != entry[1]:
        made = make(profile, seed)
        entry = _SHARED[key] = made, [i.digest() for i in made]
        while len(_SHARED) > 8:
            _SHARED.pop(next(iter(_SHARED)))
    return list(entry[0])


def slow_instances(profile: Profile, seed: int) -> list[Instance]:
    """Problems on which proximal gradient is not done after LONG steps: curvatures from 1 to 1e-3."""
    batch, n = profile.batch, profile.dim
    rng = np.random.default_rng([seed, 17])
    left = np.linalg.qr(rng.standard_normal((batch, n + 2, n)))[0]
    right = np.linalg.qr(rng.standard_normal((batch, n, n)))[0]
    matrix = left * np.logspace(0, -1.5, n) @ right.swapaxes(1, 2)
    target = (matrix @ (2 * rng.standard_normal((batch, n, 1))))[..., 0]
    smooth = l2o.least_squares(matrix, target)
    problems = {
        "ill-conditioned least squares": Composite(smooth, l2o.zero()),
        "ill-conditioned lasso": Composite(smooth, l2o.l1(1e-3)),
    }
    x0 = torch.as_tensor(rng.standard_normal((batch, n)))
    return [Instance(name, p, x0) for name, p in problems.items()]


def instances(profile: Profile, seed: int) -> list[Instance]:
    """The problems of a profile: with and without r, with a kink away from 0, a constraint, strongly convex or not."""
    drawn = []
    batch, n = profile.batch, profile.dim
    for draw in range(profile.draws):
        s = seed + 1000 * draw
        rng = np.random.default_rng([s, 7])
        tall = l2o.synthetic.lasso(batch, 2 * n, n, seed=s + 1)
        width = 0.1 + rng.random((1, n))
        problems = {
            "lasso": l2o.synthetic.lasso(batch, max(3, (2 * n) // 3), n, sparsity=max(1, n // 4), seed=s),
            "shifted lasso": tall.shifted(1.7 * rng.standard_normal((batch, n))),
            "logistic + l1": l2o.synthetic.logistic_l1(batch, 4 * n, n, lam=0.02, seed=s),
            "quadratic": l2o.synthetic.quadratic(batch, n, seed=s),
            "least squares + box": Composite(tall.smooth, l2o.box(-width, 0.5 * width)),
        }
        for name, problem in problems.items():
            x0 = l2o.synthetic.starts(problem, seed=s)
            if problem.nonsmooth.is_indicator:
                x0 = problem.prox(x0, 1.0)  # into the domain
            drawn.append(Instance(name if draw == 0 else f"{name}, draw {draw}", problem, x0))
    return drawn


def given_instances(problems: Any, seed: int) -> list[Instance]:
    """Instances on problems of the user: a Composite, a sequence, or a mapping of names to them."""
    if isinstance(problems, Composite):
        problems = [problems]
    named = problems.items() if isinstance(problems, Mapping) else _numbered(_sequence(problems))
    given = []
    for name, problem in named:
        if not isinstance(problem, Composite):
            raise InputError(f"problems: expected problems (Composite), got {type(problem).__name__}.")
        problem = problem.to(torch.float64, "cpu")
        x0 = l2o.synthetic.starts(problem, seed=seed)
        given.append(Instance(str(name), problem, problem.prox(x0, 1.0) if problem.nonsmooth.is_indicator else x0))
    if not given:
        raise InputError("problems: expected at least one problem, got none; leave it out for those of the profile.")
    return given


def _numbered(problems: Sequence[Any]) -> list[tuple[str, Any]]:
    names = [str(getattr(p, "name", "problem")) for p in problems]
    return [(n if names.count(n) == 1 else f"{n} ({i})", p) for i, (n, p) in enumerate(zip(names, problems))]


def _sequence(problems: Any) -> Sequence[Any]:
    if not isinstance(problems, Sequence) or isinstance(problems, str):
        raise InputError(f"problems: expected a Composite, a list or a mapping of them, got {type(problems).__name__}.")
    return problems


@dataclass(eq=False)
class Case:
    """An optimizer under test. `doing` says on what it is at work, for the message of an exception.

    `promises` are the names among `declares` that the user gave.
    """

    subject: OptimizerSource
    profile: Profile
    seed: int
    all_instances: list[Instance]
    declares: Mapping[str, Any]
    lacks: Mapping[str, str] = field(default_factory=dict)
    given: bool = False
    promises: frozenset[str] = frozenset()
    doing: str = "making the optimizer"
    refused: list[str] = field(default_factory=list)
    _long: dict[str, LongRun] = field(default_factory=dict)
    _runs: dict[str, ArrayRun] = field(default_factory=dict)
    _evidence: dict[str, Evidence] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        subject: OptimizerSource,
        profile: Profile,
        seed: int,
        problems: Any = None,
        declares: Mapping[str, Any] | None = None,
        lacks: Mapping[str, str] | None = None,
    ) -> Case:
        """The case of a subject on given problems, or on those of the profile."""
        check_seed(seed)
        chosen = shared(instances, profile, seed) if problems is None else given_instances(problems, seed)
        made = subject.fresh()
        promised = {**declarations_of(made), **(declares or {})}
        lacks = {**lacked_by(made), **(lacks or {})}
        case = cls(subject, profile, seed, chosen, {**declared_by(made), **promised}, lacks, given=problems is not None)
        case.promises = frozenset(name for name, value in promised.items() if value is not False)
        return case

    def require_instances(self) -> None:
        """Raise where the optimizer takes none of the problems of the suite, so that nothing would be tested."""
        if self.given:
            return
        try:
            with global_rng(self.seed):
                len(self.instances)
        except NotApplicable as reason:
            raise InputError(
                f"{self.subject.label}: {reason}, so that nothing can be checked; give problems that it takes "
                f"(problems=, or --data FILE)."
            ) from None

    def fresh(self) -> Any:
        """The optimizer, as if nothing had been run with it."""
        return self.subject.fresh()

    @property
    def steps(self) -> int:
        """Steps of a run."""
        return self.profile.steps

    @cached_property
    def instances(self) -> list[Instance]:
        """The instances that the optimizer takes; where it takes none, the check is not applicable."""
        return self._taken(self.all_instances)

    @cached_property
    def long_instances(self) -> list[Instance]:
        """The instances of long runs that the optimizer takes: slow ones, and those with a loss or set of their own."""
        if self.given:
            return self.instances
        kinds = ("logistic + l1", "least squares + box")
        slow = shared(slow_instances, self.profile, self.seed)
        try:
            return self._taken(slow + [i for i in self.all_instances if i.name in kinds])
        except NotApplicable:
            return self.instances

    def _taken(self, instances: list[Instance]) -> list[Instance]:
        taken = []
        for instance in instances:
            self.doing = f"init on {instance.name}"
            if (refusal := self.refusal(instance.problem, instance.x0)) is None:
                taken.append(instance)
            else:
                self.refused.append(f"{instance.name}: {refusal}")
        if not taken:
            raise NotApplicable(f"it takes none of the problems ({self.refused[0] if self.refused else 'none given'})")
        return taken

    def refusal(self, problem: Composite, x0: torch.Tensor) -> InputError | None:
        """The InputError with which init or the first step refuses a problem; None where it takes it."""
        seed_global_rng(self.seed)
        problem = problem.remembering()  # as in a run
        try:
            optimizer = self.fresh()
            state = optimizer.init(problem, x0.clone(), seed=self.seed)
            with torch.no_grad():
                optimizer.step(problem, state)
        except InterfaceError:
            raise
        except InputError as refusal:
            return refusal
        except Exception:  # it took the problem and failed at it, which the checks will show
            return None
        return None

    @contextmanager
    def image(self, name: str, problem: Composite, x0: torch.Tensor) -> Iterator[None]:
        """Work on a problem made from an instance, which a method for one family may refuse: then `Refused` is raised.

        An InputError that is no refusal passes.
        """
        try:
            yield
        except InputError as error:
            if (refusal := self.refusal(problem, x0)) is None:
                raise
            raise Refused(f"it does not take {name} ({refusal})") from error

    def runs(self) -> Iterator[tuple[Instance, ArrayRun]]:
        """Each instance with a recorded run of a fresh optimizer; made once for all checks."""
        for instance in self.instances:
            if instance.name not in self._runs:
                self._runs[instance.name] = self.run(instance)
            yield instance, self._runs[instance.name]

    def evidence(self, instance: Instance) -> Evidence:
        """What bounds on the recorded run on an instance are judged on; gathered once for all checks."""
        if instance.name not in self._evidence:
            self._evidence[instance.name] = gather(self._runs[instance.name], instance.problem)
        return self._evidence[instance.name]

    def inspection(self, instance: Instance) -> Inspection:
        """The recorded run on an instance, recomputed."""
        return self.evidence(instance).inspection

    def run(self, instance: Instance, optimizer: Any = None, *, x0: Any = None, steps: int | None = None) -> ArrayRun:
        """A run on an instance; the global generators start alike each time."""
        x0 = instance.x0 if x0 is None else x0
        return self.run_on(instance.name, instance.problem, x0, optimizer, steps=steps)

    def run_on(
        self, name: str, problem: Composite, x0: torch.Tensor, optimizer: Any = None, *, steps: int | None = None
    ) -> ArrayRun:
        """A run on any problem."""
        self.doing = f"a run on {name}"
        seed_global_rng(self.seed)
        optimizer = self.fresh() if optimizer is None else optimizer
        return rollout(optimizer, problem, x0.clone(), self.steps if steps is None else steps, seed=self.seed)

    def long(self, instance: Instance) -> LongRun:
        """A run of LONG steps of a fresh optimizer, of which F is kept; made once for all checks."""
        if instance.name not in self._long:
            self._long[instance.name] = self._long_run(instance)
        return self._long[instance.name]

    @torch.no_grad()
    def _long_run(self, instance: Instance) -> LongRun:
        self.doing = f"a run of {LONG} steps on {instance.name}"
        seed_global_rng(self.seed)
        problem, optimizer = instance.problem.remembering(), self.fresh()
        with threads_for(problem):
            state = optimizer.init(problem, instance.x0.clone(), seed=self.seed)
            values, path, middle = [value(problem, state.x)], torch.zeros_like(state.x[:, 0]), state.x
            for k in range(LONG):
                before, state = advance(optimizer, problem, state)
                values.append(value(problem, state.x))
                middle = state.x.clone() if k + 1 == LATE else middle
                if k >= LONG - LAST:
                    path = path + torch.linalg.vector_norm(state.x - before, dim=-1)
        objectives = as_numpy(torch.stack(values, dim=1))
        objectives = np.where(np.logical_or.accumulate(~np.isfinite(objectives), axis=1), np.inf, objectives)
        ends = [torch.nan_to_num(x, posinf=0.0, neginf=0.0) for x in (middle, state.x)]
        at_middle, at_end = (as_numpy(instance.problem.objective_error(x)) for x in ends)
        return LongRun(objectives, middle, state.x, as_numpy(path), at_middle + at_end)

    @cached_property
    def draws_from_its_seed(self) -> bool:
        """Whether the run depends on the seed of init: the method draws random numbers, and rightly from there."""
        instance = self.instances[0]
        runs = []
        for seed in (self.seed, self.seed + 1):
            seed_global_rng(self.seed)
            runs.append(rollout(self.fresh(), instance.problem, instance.x0.clone(), 3, seed=seed).x)
        return not torch.equal(runs[0].nan_to_num(), runs[1].nan_to_num())

    def states(self, instance: Instance, steps: int | None = None) -> list[Any]:
        """The states s_0, ..., s_K of a run."""
        self.doing = f"a run on {instance.name}"
        seed_global_rng(self.seed)
        optimizer, states_ = self.fresh(), []
        with torch.no_grad():
            problem = instance.problem.remembering()
            states_.append(optimizer.init(problem, instance.x0.clone(), seed=self.seed))
            for _ in range(self.steps if steps is None else steps):
                states_.append(optimizer.step(problem, states_[-1]))
        return states_

    def declared(self, name: str) -> Any:
        """What the optimizer declares under `name`, None where it declares nothing."""
        return self.declares.get(name)


@dataclass(eq=False)
class ProblemCase:
    """A problem under test, with random points of several sizes."""

    problem: Composite
    profile: Profile
    seed: int
    doing: str = "reading the problem"

    def points(self, count: int | None = None) -> Iterator[tuple[int, torch.Tensor]]:
        """Numbered points (B,n) of sizes 0.01 to 100, some of their coordinates 0; the first one is 0."""
        rng = np.random.default_rng([self.seed, 11])
        shape = (self.problem.batch_size, self.problem.dim)
        for i in range(4 * self.profile.draws + self.profile.steps // 4 if count is None else count):
            x = rng.standard_normal(shape) * (0.0 if i == 0 else 10.0 ** rng.uniform(-2, 2))
            x = np.where(rng.random(shape) < 0.2, 0.0, x)
            self.doing = f"point {i}"
            yield i, torch.as_tensor(x, dtype=self.problem.dtype, device=self.problem.device)

    def domain_points(self, count: int | None = None) -> Iterator[tuple[int, torch.Tensor]]:
        """The same points, moved into the domain of r by its prox."""
        for i, x in self.points(count):
            yield i, self.problem.prox(x, 1.0) if self.problem.nonsmooth.is_indicator else x
