"""The sensitivity of one model on one problem: what deviations of known size, added to its steps, cost it.

The steps of the model are perturbed (`_perturbed`), and every run is held against the bounds of `BOUNDS`. A bound
*applies* at a size where its hypotheses hold of all instances: of each run, or for a bound on steps of each step that
starts above `LIVE` of the initial gap. It *stands* where it applies and is vacuous on none of them: it promises less
than F(x_0), or a decrease. Each ends between the largest size tried up to which it is so and the first one at which it
is not; bisection makes that interval small.

Proved are the bounds: of every run to which one applies. Where one ends, what the gaps are, and how many iterations are
needed are measured, for this model, these instances and these starts.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from .... import bounds, l2o
from ....l2o import Composite, InputError
from ....l2o.runs.objective_curve import objective_curve
from ...optima import Optimum, optimum
from ...optima.gaps import first_below, gaps, relative_to_start
from ...runs.inspection import as_numpy
from ...statistics.censored import NEVER
from ...support.plain import plain
from ...verdicts.evidence import Evidence, gather
from ...verdicts.judge import judge
from ...verdicts.verdict import Verdict
from ...verdicts.verification import Verification
from ..framework import Counter, Progress, chosen, now, plain_fields, require_at_least, require_some, silent
from ..framework.starts import starts
from ._patterns import PATTERNS
from ._perturbed import perturbed
from ._theory import rate_name

BOUNDS = (
    "per_step_descent", "ind_rate", "ood_multi_step", "ood_multi_step_sharp", "ood_last_iterate", "a_priori",
    "relative_deviation_rate", "strong_convexity", "nonconvex_stationarity", "assumption_sensitivity",
)  # fmt: skip
"""B1, B3, B6, B6b, B6c, B7, B8, B9, B10 and B13, with the reference step 1/L; where r = 0 the sharper entry of B8."""
LIVE = 1e-8
"""Steps count while the share of the initial gap before them is above this; below, deviations are soon rounding."""


@dataclass(frozen=True, eq=False)
class ModelSettings:
    """What is run.

    Attributes:
        optimizer: Whatever `l2o.resolve_optimizer` takes.
        problem: B instances.
        x0: (B,n) the starts; normal draws by `seed` where None, on a set their projections.
        optimum: The intervals of F*; certified where None.
        label: The optimizer's name for people; from the optimizer where empty.
        data: The name of the problem for people; from the problem where empty.
        patterns: Names of `PATTERNS`.
        sizes: Increasing, from 0, which is the model itself.
        steps: K, of the runs that are judged.
        horizon: Steps in which iterations are counted.
        eps: The share of the initial gap to which iterations are counted.
        refine: Halvings of the interval in which a bound ends.
        seed: Of starts and draws.
    """

    optimizer: Any
    problem: Composite
    x0: Any = None
    optimum: Optimum | None = None
    label: str = ""
    data: str = ""
    patterns: tuple[str, ...] = tuple(PATTERNS)
    sizes: tuple[float, ...] = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.1, 1.5)
    steps: int = 20
    horizon: int = 200
    eps: float = 1e-2
    refine: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.problem, Composite):
            raise InputError(f"problem: expected a problem (Composite), got {type(self.problem).__name__}.")
        require_some("pattern", self.patterns, PATTERNS)
        sizes = list(self.sizes)
        if not sizes or sizes[0] != 0 or sizes != sorted(set(sizes)) or not np.isfinite(sizes).all():
            raise InputError(f"sizes: expected increasing numbers from 0, the model itself, got {sizes}.")
        if not 0 < self.eps < 1:
            raise InputError(f"eps: expected a share of the initial gap, in (0, 1), got {self.eps!r}.")
        require_at_least(self, {"steps": 1, "horizon": 1, "refine": 0})

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON): names in the place of objects."""
        names = ("label", "data", "patterns", "sizes", "steps", "horizon", "eps", "refine", "seed")
        plain = {name: getattr(self, name) for name in names}
        plain |= {"patterns": list(self.patterns), "sizes": list(self.sizes)}
        return {**plain, "instances": self.problem.batch_size, "variables": self.problem.dim}


@dataclass(frozen=True)
class BoundAt:
    """A bound on the runs of one cell.

    `checks` runs or steps that count, by verdict; on `vacuous` of them it applies and says nothing. `applies` and
    `stands` as in the module; `why` it does not stand. `share`: median over the instances of its right-hand side over
    the initial gap F(x_0) - F*, from above; None where it does not apply or is about something else than F.
    """

    bound: str
    number: str
    level: str
    checks: int
    verified: int
    violated: int
    inconclusive: int
    not_applicable: int
    vacuous: int
    applies: bool
    stands: bool
    why: str
    share: float | None


@dataclass(frozen=True)
class ModelCell:
    """The model with deviations of one pattern and size, on all instances.

    `rho_median` and `rho_largest` of the K steps, measured, before a run leaves float64. `gap_median` and
    `gap_largest`: share of the initial gap after K steps, from above, None where it is inf or unknown. `iterations`
    (B,) until the share is certainly at most eps, None where it is not within the horizon; `reached` of them are;
    `factor`: iterations over those without the deviation, median over the instances that both reach. `diverged`: runs
    that were given up or ended above F(x_0) within the horizon. A cell of a bisection (`refined`) counts no iterations.
    """

    pattern: str
    size: float
    refined: bool
    rho_median: float | None
    rho_largest: float | None
    gap_median: float | None
    gap_largest: float | None
    bounds: tuple[BoundAt, ...]
    iterations: tuple[int | None, ...] = ()
    reached: int = 0
    factor: float | None = None
    diverged: int = 0

    def of(self, bound: str) -> BoundAt:
        """That bound, by its name or number."""
        return next(b for b in self.bounds if bound in (b.bound, b.number))

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        return {**asdict(self), "iterations": list(self.iterations), "bounds": [asdict(b) for b in self.bounds]}


@dataclass(frozen=True)
class Reach:
    """Up to which size something is so: at all sizes tried up to `to` (None: not at 0), and at `until` no more.

    `until` None: at all sizes tried.
    """

    to: float | None
    until: float | None


@dataclass(frozen=True)
class End:
    """Where a bound ends under a pattern: how far it applies, and how far it stands.

    `rho`: the largest rho measured where it stands last. `why`: it does not stand at `stands.until`.
    """

    pattern: str
    bound: str
    number: str
    applies: Reach
    stands: Reach
    rho: float | None
    why: str


@dataclass(frozen=True, eq=False)
class ModelSensitivity:
    """`cells` by pattern and size, those of bisections among them; `ends` of each bound under each pattern."""

    settings: ModelSettings
    label: str
    data: str
    cells: tuple[ModelCell, ...]
    ends: tuple[End, ...]
    created: str

    @property
    def broken(self) -> tuple[str, ...]:
        """Bounds that are violated on a run: a wrong declaration of the problem (L, convexity), or a defect."""
        return tuple(
            f"{c.pattern} of size {c.size:g}: {b.number} {b.bound} is violated on {b.violated} of {b.checks} {b.level}s"
            for c in self.cells
            for b in c.bounds
            if b.violated
        )

    @property
    def tried(self) -> tuple[ModelCell, ...]:
        """The cells of the sizes that were asked for."""
        return self.select(refined=False)

    def select(self, **wanted: Any) -> tuple[ModelCell, ...]:
        """The cells with these fields.

        Args:
            wanted: Fields of `ModelCell`, with their values.

        Returns:
            The cells, in their order.
        """
        return chosen(self.cells, **wanted)

    def end(self, pattern: str, bound: str) -> End:
        """Where a bound ends under a pattern.

        Args:
            pattern: The name of the pattern.
            bound: The name or number of the bound.

        Returns:
            The end.

        Raises:
            InputError: There is none of them.
        """
        for end in self.ends:
            if end.pattern == pattern and bound in (end.bound, end.number):
                return end
        raise InputError(f"end: no bound {bound!r} under a pattern {pattern!r} was held against these runs.")

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        plain = plain_fields(self, "label", "data", "cells", "ends")
        return {**plain, "unit": "share of the initial gap F(x_0) - F*", "broken": list(self.broken)}


def sensitivity_of(
    optimizer: Any, problem: Composite, *, progress: Progress = silent, **options: Any
) -> ModelSensitivity:
    """What deviations of known size and pattern cost an optimizer on a problem, and where its guarantees end.

    Args:
        optimizer: Whatever `l2o.resolve_optimizer` takes: a name, code, a folder, a module, a function, an object.
        problem: B instances of the problem, of one's own data or of a family.
        progress: Called before each run with what is done, of how much, and what comes next.
        options: Further fields of `ModelSettings`, as `patterns`, `sizes`, `steps`, `x0`.

    Returns:
        The cells and ends, with `to_dict`; `MODEL_STUDY.write` makes the page of it.

    Raises:
        InputError: For wrong settings, and an optimizer that does not run on the problem.
    """
    return run_model(ModelSettings(optimizer, problem, **options), progress)


def run_model(settings: ModelSettings, progress: Progress = silent) -> ModelSensitivity:
    """The answer to settings; see `sensitivity_of`.

    Args:
        settings: What is run.
        progress: As there.

    Returns:
        The cells and ends.
    """
    problem = settings.problem
    source = l2o.resolve_optimizer(settings.optimizer)
    x0 = starts(problem, settings.seed) if settings.x0 is None else problem.point(settings.x0, "x0")
    interval = optimum(problem) if settings.optimum is None else settings.optimum
    here = _Place(settings, source.fresh(), x0, interval)
    largest = len(settings.patterns) * (len(settings.sizes) - 1) + 1
    tell = Counter(progress, largest)
    tell("the model itself")
    first = here.cell(settings.patterns[0], 0.0, None)
    cells: list[ModelCell] = []
    for pattern in settings.patterns:
        at = {0.0: _renamed(first, pattern)}
        for size in settings.sizes[1:]:
            tell(f"{pattern}, size {size:g}")
            at[size] = here.cell(pattern, size, first)
        for _ in range(settings.refine):
            reaches = [_reach(at, name, what) for name in here.names for what in ("applies", "stands")]
            for low, high in sorted({(r.to, r.until) for r in reaches if r.to is not None and r.until is not None}):
                middle = (low + high) / 2
                at[middle] = here.cell(pattern, middle, first, refined=True)
        cells += [at[size] for size in sorted(at)]
    by_pattern = {p: {c.size: c for c in chosen(cells, pattern=p)} for p in settings.patterns}
    return ModelSensitivity(
        settings,
        settings.label or source.label,
        settings.data or problem.name,
        tuple(cells),
        tuple(_end(p, at, name) for p, at in by_pattern.items() for name in here.names),
        now(),
    )


@dataclass(frozen=True, eq=False)
class _Place:
    """What all cells share."""

    settings: ModelSettings
    optimizer: Any
    x0: torch.Tensor
    optimum: Optimum

    @property
    def names(self) -> tuple[str, ...]:
        rate = rate_name(self.settings.problem.nonsmooth.is_zero)
        return tuple(rate if name == "relative_deviation_rate" else name for name in BOUNDS)

    def cell(self, pattern: str, size: float, unperturbed: ModelCell | None, refined: bool = False) -> ModelCell:
        settings, problem = self.settings, self.settings.problem
        model = perturbed(self.optimizer, pattern, size, settings.seed)
        run = l2o.rollout(model, problem, self.x0, settings.steps, seed=settings.seed)
        evidence = gather(run, problem, optimum=self.optimum)
        start = gaps(as_numpy(run.objective), self.optimum)
        shares = relative_to_start(start)
        live = (shares.low > LIVE)[:, :-1] | ~np.isfinite(shares.low[:, :-1])
        last = shares.high[:, -1]
        rho = as_numpy(run.relative_deviation)
        rho = rho[np.isfinite(rho)]
        judged = tuple(_bound_at(name, evidence, live, start.low[:, 0]) for name in self.names)
        cell = ModelCell(
            pattern, size, refined,
            rho_median=plain(np.median(rho)) if rho.size else None,
            rho_largest=plain(rho.max()) if rho.size else None,
            gap_median=plain(np.median(last)),
            gap_largest=plain(last.max()),
            bounds=judged,
        )  # fmt: skip
        return cell if refined else self._counted(cell, model, unperturbed)

    def _counted(self, cell: ModelCell, model: Any, unperturbed: ModelCell | None) -> ModelCell:
        settings = self.settings
        curve = objective_curve(model, settings.problem, self.x0, settings.horizon, seed=settings.seed)
        reached = first_below(relative_to_start(gaps(curve.objective, self.optimum)), settings.eps).certain
        iterations = tuple(None if k == NEVER else int(k) for k in reached)
        without = iterations if unperturbed is None else unperturbed.iterations
        factors = [a / b for a, b in zip(iterations, without) if a is not None and b]
        diverged = (curve.diverged_at >= 0) | ~(curve.objective[:, -1] <= curve.objective[:, 0])
        return ModelCell(
            **{name: getattr(cell, name) for name in _JUDGED},
            iterations=iterations,
            reached=sum(k is not None for k in iterations),
            factor=float(np.median(factors)) if factors else None,
            diverged=int(diverged.sum()),
        )


_JUDGED = ("pattern", "size", "refined", "rho_median", "rho_largest", "gap_median", "gap_largest", "bounds")


def _renamed(cell: ModelCell, pattern: str) -> ModelCell:
    return ModelCell(**{**{n: getattr(cell, n) for n in ModelCell.__dataclass_fields__}, "pattern": pattern})


def _bound_at(name: str, evidence: Evidence, live: np.ndarray, initial: np.ndarray) -> BoundAt:
    """The bound on what counts: all runs, or the steps `live` (B,K)."""
    bound = bounds.get(name)
    verdicts = judge(bound, evidence)
    counted = live if bound.level == "step" else np.ones(verdicts.verdict.shape, dtype=bool)
    seen = verdicts.verdict[counted]
    vacuous = verdicts.vacuous & verdicts.judged & counted
    applies = seen.size > 0 and bool((seen != Verdict.NOT_APPLICABLE).all())
    stands = applies and not vacuous.any()
    share = None
    if applies and bound.level == "run" and name not in _NOT_OF_F:
        with np.errstate(divide="ignore", invalid="ignore"):
            share = plain(np.median(np.where(initial > 0, verdicts.rhs / initial, np.inf)))
    verified, violated, open_, outside = (int((seen == v).sum()) for v in _VERDICTS)
    why = "" if stands else _why(verdicts, counted, applies)
    return BoundAt(
        name, bound.number, bound.level, int(seen.size), verified, violated, open_, outside, int(vacuous.sum()),
        applies, bool(stands), why, share,
    )  # fmt: skip


_VERDICTS = (Verdict.VERIFIED, Verdict.VIOLATED, Verdict.INCONCLUSIVE, Verdict.NOT_APPLICABLE)
_NOT_OF_F = ("nonconvex_stationarity",)


def _why(verdicts: Verification, counted: np.ndarray, applies: bool) -> str:
    if applies:
        what = "no more than F(x_0)" if verdicts.bound.level == "run" else "no decrease on some step"
        return f"vacuous: it promises {what}"
    missing = [h.required for h in verdicts.hypotheses if not np.asarray(h.holds)[counted].all()]
    if missing:
        return f"does not apply: it requires that {missing[0]}"
    return "does not apply: the run leaves float64 or the domain of r, or no step counts"


def _reach(at: dict[float, ModelCell], name: str, what: str) -> Reach:
    """How far the bound `applies` or `stands`."""
    to = None
    for size in sorted(at):
        if not getattr(at[size].of(name), what):
            return Reach(to, size)
        to = size
    return Reach(to, None)


def _end(pattern: str, at: dict[float, ModelCell], name: str) -> End:
    stands = _reach(at, name, "stands")
    return End(
        pattern, name, bounds.get(name).number, _reach(at, name, "applies"), stands,
        None if stands.to is None else at[stands.to].rho_largest,
        "" if stands.until is None else at[stands.until].of(name).why,
    )  # fmt: skip
