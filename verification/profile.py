r"""Profile certificates: the exact worst case of all runs whose steps deviate as much as those of a given run.

B13 (iii) of the theory. A run is an inexact proximal-gradient run,

    x_{k-1} - x_k = D_k = (h_k/L)(G_k + u_k),    ||u_k|| <= eps_k ||G_k||,

and the numbers eps_k, its *profile*, are measured; at h_k = 1 they are rho_k. The worst case of F(x_K) - F* over all
L-smooth convex f, all convex r and all runs with these deviations is a semidefinite problem (THEORY.md section 4),
scaled by L R^2, R = ||x_0 - x*||. So it is what the profile alone guarantees, for any f and r, and a run of a model
that is far better owes that to its problems.

What is certain: the profile is rounded up, rounding of gradients included, so that the class contains the run; the
classes of two profiles, one below the other, are nested, so that the largest eps_k over a batch gives a class that
contains each of its runs (so where the solver stops without a result, a profile up to 1 % larger is asked about); and
where `certified` the worst case is an upper bound shown by exact arithmetic. What is only measured: R, to the
certified point `optimum.x` in place of x*, of which no more is known than F(x) - F*.

**Where there is no certificate.** With r, a step of eps_k > 1 may go against its own direction, and then nothing is
bounded: f = 0, r = m|x| up to x_k and of slope M beyond, x_{k-1} near 1, G_k = M, u_k = -eps_k M give x_k - x_{k-1} =
(h/L)(eps_k - 1)M, and m is what later steps see: F(x_K) grows with M. Such a profile has the worst case +inf. With
r = 0 it is finite for any profile, and says little from eps_k = 1 on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import bounds
from l2o import Composite, InputError, Run
from l2o.optimizers.go_math_l2o import GoMathL2O
from verification._model import inspected
from verification.inspection import Inspection, as_numpy, norm
from verification.optimum import Optimum
from verification.optimum import optimum as certify
from verification.verdict import Verdict
from verification.verify import verify

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEPS = (1, 2, 5, 10, 15, 20)
DIGITS = 6
LEAST = Fraction(1, 10_000)
"""Smallest eps_k asked of the engine: smaller ones are rounded up to it, which leaves its problem an interior."""
LARGER = (Fraction(1), Fraction(10_001, 10_000), Fraction(1001, 1000), Fraction(101, 100))
"""What a profile is multiplied with, one after the other, where the solver stops without a result."""
CERTIFIED_UP_TO = 10
"""Steps up to which the worst case is enclosed: beyond, that takes a minute and more where r is not 0."""
REFERENCES = ("unit", "best")
NO_GUARANTEE = "not a guarantee: mean over coordinates"
"""The label of what is computed from means over coordinates."""
_WORST = "worst"


@dataclass(frozen=True, eq=False)
class ProfileCertificate:
    """Worst cases of a profile at several numbers of steps, beside the runs of B instances that it was read from.

    Everything is in units of L R^2, of each instance its own. `profile` (K,) are the eps_k and `step` (K,) the h_k of
    the class, exact; `steps` the J numbers of steps K_j. `worst` (J,): the exact worst case, from above where
    `certified` (J,), as the solver found it elsewhere; +inf where nothing is bounded, NaN where it was not found, with
    the reason in `reasons` (J,). `exact` (J,): that of exact steps 1/L. `relative_rate` (B,J): B8, and
    `last_iterate` (B,J): B6c, which knows the deviations themselves; NaN where a bound does not apply. `gap_low`,
    `gap_up` (B,J): the interval of F(x_K) - F*; `gap_start` (B,): F(x_0) - F* from below. `scale` (B,): L R^2.
    `contained` (B,): whether the run has this profile, which is so unless another was given. `instances` (B,): which
    instances of the run these are.
    """

    optimizer: str
    problem: str
    method: str
    reference: str
    instances: tuple[int, ...]
    profile: tuple[Fraction, ...]
    step: tuple[Fraction, ...]
    steps: tuple[int, ...]
    worst: np.ndarray
    certified: np.ndarray
    reasons: tuple[str, ...]
    exact: np.ndarray
    relative_rate: np.ndarray
    last_iterate: np.ndarray
    gap_low: np.ndarray
    gap_up: np.ndarray
    gap_start: np.ndarray
    scale: np.ndarray
    contained: np.ndarray

    @property
    def vacuous(self) -> np.ndarray:
        """(B,J) whether the worst case is at least what the run began with: it says nothing of the run.

        For r = 0 that is so at L R^2/2 at the latest; with r there is no such number, as R does not bound F(x_0).
        """
        return ~(self.worst[None] < self.gap_start[:, None])

    @property
    def verdict(self) -> np.ndarray:
        """(B,J) Verdict: the gap is at most the worst case, above it, or neither for certain.

        VIOLATED of a run that has the profile is a defect, of the data or of this program; of one that is not
        `contained` it is what one expects of a wrong profile. NOT_APPLICABLE where no worst case was found. A worst
        case that is not `certified` is held to 1e-6 of itself.
        """
        found = np.full(self.gap_up.shape, Verdict.INCONCLUSIVE, dtype=object)
        slack = 1e-6 * np.abs(np.nan_to_num(self.worst, posinf=0.0))[None] * ~self.certified[None]
        found[self.gap_up <= self.worst + slack] = Verdict.VERIFIED
        found[self.gap_low > self.worst + slack] = Verdict.VIOLATED
        found[:, np.isnan(self.worst)] = Verdict.NOT_APPLICABLE
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON); what is not finite is None."""
        rows = []
        for j, k in enumerate(self.steps):
            rows.append(
                {
                    "steps": k,
                    "worst": _finite(self.worst[j]),
                    "unbounded": bool(np.isposinf(self.worst[j])),
                    "certified": bool(self.certified[j]),
                    "reason": self.reasons[j],
                    "exact_steps": _finite(self.exact[j]),
                    "largest_gap": [_finite(self.gap_low[:, j].max()), _finite(self.gap_up[:, j].max())],
                    "relative_deviation_rate": _finite(self.relative_rate[:, j].max()),
                    "ood_last_iterate": _finite(self.last_iterate[:, j].max()),
                    "vacuous": int(self.vacuous[:, j].sum()),
                    "verdicts": [str(v) for v in self.verdict[:, j]],
                }
            )
        return {
            "optimizer": self.optimizer,
            "problem": self.problem,
            "method": self.method,
            "reference": self.reference,
            "unit": "L R^2, R measured to the certified point",
            "instances": list(self.instances),
            "profile": [float(v) for v in self.profile],
            "step": [float(v) for v in self.step],
            "contained": [bool(v) for v in self.contained],
            "rows": rows,
        }

    def summary(self) -> str:
        """A few lines for people."""
        shown = ", ".join(f"{float(v):.3g}" for v in self.profile[:10]) + (", ..." if len(self.profile) > 10 else "")
        steps = "h = 1" if self.reference == "unit" else "the best h"
        lines = [
            f"{self.optimizer} on {self.problem}, {len(self.instances)} instances, in units of L R^2 "
            f"(R to the certified point, not to x*)",
            f"  profile at {steps}: {shown}",
        ]
        for j, k in enumerate(self.steps):
            B, vacuous = len(self.instances), int(self.vacuous[:, j].sum())
            worst = _word(self.worst[j])
            kind = "shown" if self.certified[j] else self.reasons[j] or "as solved"
            note = f", VACUOUS for {vacuous} of {B}" if vacuous else ""
            broken = int((self.verdict[:, j] == Verdict.VIOLATED).sum())
            note += f", ABOVE IT: {broken} of {B}" if broken else ""
            lines.append(
                f"  K = {k}: largest gap {self.gap_up[:, j].max():.3g}, worst case of the profile {worst} ({kind}), "
                f"of exact steps {self.exact[j]:.4g}{note}"
            )
        if not self.contained.all():
            outside = [b for b, inside in zip(self.instances, self.contained) if not inside]
            lines.append(f"  instances {outside} do not have this profile: nothing is guaranteed for them")
        return "\n".join(lines)


@dataclass(frozen=True, eq=False)
class RecurrenceCertificate:
    """Worst cases of the GO-Math-L2O recurrence with scalars r_k (in units of 1/L), q_k, b_k, in units of L R^2.

    `worst` (J,) at `steps` (J,), `certified` and `reasons` as in `ProfileCertificate`. `label` says what it is of a
    model: a guarantee for the recurrence with these scalars, and none for a network whose heads differ between
    coordinates.
    """

    r: tuple[float, ...]
    q: tuple[float, ...]
    b: tuple[float, ...]
    function_class: str
    steps: tuple[int, ...]
    worst: np.ndarray
    certified: np.ndarray
    reasons: tuple[str, ...]
    exact: np.ndarray
    label: str

    def summary(self) -> str:
        """A line for each number of steps."""
        lines = [f"GO-Math-L2O recurrence, {self.function_class}, in units of L R^2 ({self.label})"]
        for j, k in enumerate(self.steps):
            kind = "shown" if self.certified[j] else self.reasons[j] or "as solved"
            lines.append(f"  K = {k}: {_word(self.worst[j])} ({kind}), exact steps {self.exact[j]:.4g}")
        return "\n".join(lines)


def _word(worst: float) -> str:
    return "+inf" if np.isposinf(worst) else "unknown" if np.isnan(worst) else f"{worst:.4g}"


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def rounded_up(value: float, least: Fraction = LEAST) -> Fraction:
    """The value rounded up to `DIGITS` significant digits, and to `least`."""
    if not np.isfinite(value) or value < 0:
        raise InputError(f"profile: expected finite numbers >= 0, got {value!r}.")
    return max(least, Fraction(Decimal(value).normalize(Context(prec=DIGITS, rounding=ROUND_CEILING))))


def _rounded(value: float) -> Fraction:
    return Fraction(Decimal(value).normalize(Context(prec=DIGITS, rounding=ROUND_HALF_EVEN)))


@dataclass(frozen=True, eq=False)
class _Measured:
    """L D_k, G_k (B,K,n) and bounds on what is not known of them (B,K)."""

    LD: np.ndarray
    G: np.ndarray
    step_error: np.ndarray
    gradient_error: np.ndarray

    def deviation(self, step: np.ndarray) -> np.ndarray:
        """(B,K) an upper bound on ||(L/h_k) D_k - G_k|| / ||G_k||, h (K,); inf where G_k is within its rounding."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            error = norm(self.LD / step[:, None] - self.G) + self.gradient_error + self.step_error / step
            size = norm(self.G) - self.gradient_error
            return np.where(size > 0, error / size, np.inf)


def _measured(inspection: Inspection, problem: Composite, chosen: list[int], steps: int) -> _Measured:
    L = as_numpy(problem.smoothness)[chosen, None]
    L_error = as_numpy(problem.smooth.smoothness_error)[chosen, None]
    x = inspection.x[chosen, : steps + 1]
    gradient, subgradient = inspection.gradient[chosen, :steps], inspection.subgradient[chosen, :steps]
    D = x[:, :-1] - x[:, 1:]
    unit = (8 + x.shape[-1]) * np.finfo(np.float64).eps  # roundings of sums, differences and norms
    gradient_error = inspection.gradient_error[chosen, :steps] + unit * (norm(gradient) + norm(subgradient))
    return _Measured(L[..., None] * D, gradient + subgradient, (L_error + unit * L) * norm(D), gradient_error)


def _best_steps(measured: _Measured) -> np.ndarray:
    """(K,) for each step the h in [1e-3, 1e3] whose largest deviation over the instances is least, to a part in 100."""
    grid = np.geomspace(1e-3, 1e3, 1401)
    K = measured.G.shape[1]
    largest = np.array([measured.deviation(np.full(K, h)).max(axis=0) for h in grid])
    return grid[largest.argmin(axis=0)]


def _scalar_list(values: Any, name: str) -> tuple[float, ...]:
    try:
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        found = np.full(0, np.nan)
    if found.ndim != 1 or found.size == 0 or not np.isfinite(found).all():
        raise InputError(f"{name}: expected a list of finite numbers, one for each step, got {values!r}.")
    return tuple(map(float, found))


def _chosen_steps(steps: Sequence[int] | None, most: int) -> tuple[int, ...]:
    if steps is None:
        return tuple(k for k in STEPS if k <= most)
    found = tuple(steps)
    whole = all(isinstance(k, (int, np.integer)) and not isinstance(k, bool) for k in found)
    if not found or not whole or min(found) < 1 or max(found) > most:
        raise InputError(f"steps: expected integers in 1..{most}, the length of the run, got {list(found)}.")
    return tuple(sorted({int(k) for k in found}))


def _worst(certified_up_to: int, **question: Any) -> tuple[float, bool, str]:
    """The worst case, whether it is shown from above, and why there is none."""
    try:
        found = bounds.worst_case(**question)
        if question["steps"] <= certified_up_to and np.isfinite(found.upper):
            return found.upper, True, ""
        return found.value, False, ""
    except bounds.UnboundedError:  # by the solver's word, which does not tell +inf from what is beyond its numbers
        return np.nan, False, "not found: +inf, or too large for double precision"
    except bounds.InputError:  # the question was checked before, so the solver stopped
        return np.nan, False, "not found: the solver stopped without a result"


def _exact(smooth: bool, steps: tuple[int, ...]) -> np.ndarray:
    """Worst cases of exact steps 1/L (B3): 1/(4K + 2) for r = 0 (Drori, Teboulle 2014), 1/(4K) otherwise."""
    K = np.array(steps, dtype=np.float64)
    return 1 / (4 * K + 2) if smooth else 1 / (4 * K)


def profile_certificate(
    run: Run,
    problem: Composite,
    optimum: Optimum | None = None,
    steps: Sequence[int] | None = None,
    instance: str | int = _WORST,
    *,
    reference: str = "unit",
    profile: Sequence[float] | None = None,
    certified_up_to: int = CERTIFIED_UP_TO,
    progress: Callable[[], None] | None = None,
) -> ProfileCertificate:
    """The exact worst case of the profile of `run` on `problem`, for each of `steps` (1, 2, 5, 10, 15, 20).

    `instance`: "worst" for the class that contains the runs of all instances, by the largest deviation of each step, or
    the index of one. `reference`: "unit" for h = 1, where the profile is rho_k; "best" for the h_k of each step at
    which the largest deviation is least, below 1 as long as all D_k make acute angles with their G_k. `profile`: other
    numbers to ask about, at h = 1; then `contained` says whether the run has them. `progress` is called after each
    worst case.

    f must be convex; r = 0 makes the class smooth_convex, any other r composite. Raises `InputError` for a run of
    scalars, one whose data do not hold, one that diverged, and what is no number of steps or instance.
    """
    if reference not in REFERENCES:
        raise InputError(f"reference: expected one of {', '.join(REFERENCES)}, got {reference!r}.")
    if profile is not None and reference != "unit":
        raise InputError("profile: a profile of your own is one at h = 1; leave out reference.")
    wanted = _chosen_steps(steps, run.steps)
    most = max(wanted)
    chosen = _chosen_instances(instance, run.batch_size)
    inspection = _sound(run, problem, chosen, most)
    problem = problem.to(torch.float64, "cpu")
    known = certify(problem) if optimum is None else optimum
    if known.batch_size != run.batch_size:
        raise InputError(
            f"optimum: expected one of {run.batch_size} instances, got {known.batch_size}; pass optimum(problem)."
        )
    scale = as_numpy(problem.smoothness)[chosen] * norm(inspection.x[chosen, 0] - known.x[chosen]) ** 2
    if not (scale > 0).all():
        raise InputError("profile_certificate: a run starts at its minimiser, R = 0; there is nothing to certify.")
    measured = _measured(inspection, problem, chosen, most)
    h = [_rounded(v) for v in _best_steps(measured)] if reference == "best" else [Fraction(1)] * most
    deviation = measured.deviation(np.array([float(v) for v in h]))
    # what cannot be measured, near a solution, is beyond every number that guarantees something
    largest = [float(v) for v in deviation.max(axis=0)]
    known_up_to = next((k for k, v in enumerate(largest) if not np.isfinite(v)), most)
    if profile is None:
        eps, contained = [rounded_up(v) for v in largest[:known_up_to]], np.ones(len(chosen), bool)
    else:
        eps, known_up_to = _given_profile(profile, most), most
        contained = (deviation <= np.array([float(v) for v in eps])).all(axis=1)
    smooth = problem.nonsmooth.is_zero
    found = [_case(smooth, h[:K], eps[:K], K, certified_up_to) for K in _announced(wanted, progress)]
    columns = list(wanted)
    value, error = inspection.objective[chosen], inspection.objective_error[chosen]
    lower, upper = known.lower[chosen, None], known.upper[chosen, None]
    start = np.where(inspection.in_domain[chosen, 0], (value - error - upper)[:, 0], np.inf)
    relative = "relative_deviation_rate:smooth" if smooth else "relative_deviation_rate"
    return ProfileCertificate(
        run.optimizer,
        problem.name,
        "gradient" if smooth else "proximal_gradient",
        reference,
        tuple(chosen),
        tuple(eps[:known_up_to]),
        tuple(h[:known_up_to]),
        wanted,
        np.array([worst for worst, _, _ in found]),
        np.array([shown for _, shown, _ in found]),
        tuple(reason for _, _, reason in found),
        _exact(smooth, wanted),
        _bound(run, problem, known, relative, wanted, chosen) / scale[:, None],
        _bound(run, problem, known, "ood_last_iterate", wanted, chosen) / scale[:, None],
        (value - error - upper)[:, columns] / scale[:, None],
        (value + error - lower)[:, columns] / scale[:, None],
        start / scale,
        scale,
        contained,
    )


def _chosen_instances(instance: str | int, batch: int) -> list[int]:
    if isinstance(instance, str) and instance == _WORST:
        return list(range(batch))
    fits = isinstance(instance, (int, np.integer)) and not isinstance(instance, bool)
    if not fits or not 0 <= instance < batch:
        raise InputError(f'instance: expected "worst" or an index in 0..{batch - 1}, got {instance!r}.')
    return [int(instance)]


def _sound(run: Run, problem: Composite, chosen: list[int], most: int) -> Inspection:
    """The run recomputed; an `InputError` where its profile would be that of something else."""
    if not problem.smooth.convex:
        raise InputError("profile_certificate: f is not convex; the worst cases here are those of convex f.")
    inspection, holds, broken = inspected(run, problem, "profile_certificate")
    dead = [b for b in chosen if not inspection.alive[b, : most + 1].all()]
    if dead:
        raise InputError(f"profile_certificate: instances {dead} diverged; choose others, or fewer steps.")
    if not holds[chosen, :most].all():
        raise InputError(f"profile_certificate: the run's data do not hold: it is not true that {'; '.join(broken)}.")
    return inspection


def _given_profile(values: Sequence[float], most: int) -> list[Fraction]:
    """Numbers as they are written: 0.1 is 1/10."""
    given = _scalar_list(values, "profile")
    if len(given) < most or min(given) < 0:
        raise InputError(f"profile: expected {most} numbers >= 0, one for each step, got {list(given)}.")
    return [Fraction(repr(float(v))) for v in given[:most]]


def _announced(steps: tuple[int, ...], progress: Callable[[], None] | None) -> Iterator[int]:
    """The numbers of steps; `progress` is called when each is done."""
    for K in steps:
        yield K
        if progress is not None:
            progress()


def _case(
    smooth: bool, h: list[Fraction], eps: list[Fraction], K: int, certified_up_to: int
) -> tuple[float, bool, str]:
    """The worst case of a profile after K steps, whether it is shown from above, and why there is none."""
    if len(eps) < K:
        return np.nan, False, f"G_{len(eps) + 1} is within its rounding, and so is the profile"
    if not smooth and max(eps) > 1:
        first = next(k for k, e in enumerate(eps, 1) if e > 1)
        return np.inf, False, f"nothing is bounded: deviation > 1 at step {first}"
    name, method = ("smooth_convex", "gradient") if smooth else ("composite", "proximal_gradient")
    found = np.nan, False, ""
    for larger in LARGER:  # a class that is a little larger has no smaller worst case
        asked = [e * larger for e in eps]
        found = _worst(certified_up_to, function_class=name, method=method, step=h, steps=K, relative_error=asked)
        if not np.isnan(found[0]) or (not smooth and max(eps) * LARGER[-1] > 1):
            break
    return found


def _bound(
    run: Run, problem: Composite, known: Optimum, name: str, steps: tuple[int, ...], chosen: list[int]
) -> np.ndarray:
    """(B,J) the right-hand side of a bound on a run, NaN where it does not apply."""
    columns = []
    for K in steps:
        found = verify(run.head(K), problem, name, optimum=known)
        applies = found.verdict != Verdict.NOT_APPLICABLE
        columns.append(np.where(applies, np.asarray(found.rhs, dtype=np.float64), np.nan)[chosen])
    return np.stack(columns, axis=-1)


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
    """The exact worst case of x_k = prox(x_{k-1} - (r_k/L) grad f - q_k v_{k-1}) with scalar r_k, q_k, b_k (K,).

    v_k = b_k v_{k-1} + (1 - b_k)(x_{k-1} - x_k), v_0 = 0: GO-Math-L2O with the displacement map (THEORY.md section 1).
    `function_class`: smooth_convex or composite. Raises `InputError` where the lists differ in length.
    """
    lists = {name: _scalar_list(values, name) for name, values in (("r", r), ("q", q), ("b", b))}
    if len(set(map(len, lists.values()))) > 1:
        raise InputError(
            f"recurrence_certificate: r, q and b need one number for each step, got "
            f"{', '.join(f'{len(v)} of {n}' for n, v in lists.items())}."
        )
    if function_class not in ("smooth_convex", "composite"):
        raise InputError(f"function_class: expected smooth_convex or composite, got {function_class!r}.")
    wanted = _chosen_steps(steps, len(lists["r"]))
    found = [
        _worst(
            certified_up_to, function_class=function_class, method="go_math", steps=K, step=lists["r"][:K],
            momentum=(lists["q"][:K], lists["b"][:K]),
        )
        for K in _announced(wanted, progress)
    ]  # fmt: skip
    return RecurrenceCertificate(
        lists["r"],
        lists["q"],
        lists["b"],
        function_class,
        wanted,
        np.array([value for value, _, _ in found]),
        np.array([shown for _, shown, _ in found]),
        tuple(reason for _, _, reason in found),
        _exact(function_class == "smooth_convex", wanted),
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
        heads = (L * state.preconditioner, state.history_weight, state.forgetting)
        rows.append([float(torch.as_tensor(head).detach().mean()) for head in heads])
    return tuple(np.array(rows).T)


def figure(certificates: Sequence[ProfileCertificate]) -> Figure:
    """Curves over K, a panel each: largest gap, worst case of the profile, closed forms B8 and B6c, exact steps.

    Both axes are logarithmic. What is not finite is not drawn; a worst case of +inf is a mark at the upper edge.
    """
    if not certificates:
        raise InputError("figure: expected at least one certificate, got none.")
    from matplotlib.figure import Figure as Canvas

    from verification.report.figures._style import MUTED, SERIES, plain, style

    with style():
        drawn = Canvas(figsize=(3.4 * len(certificates), 3.6), layout="constrained")
        panels = drawn.subplots(1, len(certificates), squeeze=False)[0]
        for axes, c in zip(panels, certificates):
            K = np.array(c.steps)
            curves = (
                ("largest gap of the runs", c.gap_up.max(axis=0), "o", "-", SERIES[0]),
                ("worst case of the profile", c.worst, "s", "-", SERIES[1]),
                ("B8, from the largest deviation", c.relative_rate.max(axis=0), "^", "--", SERIES[2]),
                ("B6c, from the deviations", c.last_iterate.max(axis=0), "D", "-.", SERIES[3]),
                ("worst case of exact steps", c.exact, "v", ":", MUTED),
            )
            for label, values, marker, line, colour in curves:
                shown = np.where(np.isfinite(values) & (values > 0), values, np.nan)
                if np.isfinite(shown).any():
                    axes.plot(K, shown, marker=marker, linestyle=line, color=colour, label=label, markersize=4)
            lost = np.isposinf(c.worst)
            if lost.any():
                axes.plot(
                    K[lost], np.full(lost.sum(), 0.98), marker="$\\infty$", linestyle="", color=SERIES[1], markersize=8,
                    transform=axes.get_xaxis_transform(), label="worst case unbounded", clip_on=False,
                )  # fmt: skip
            axes.set(xscale="log", yscale="log", xlabel="steps K", title=plain(c.optimizer))
            axes.set_xticks(K, [str(k) for k in K])
            axes.minorticks_off()
        panels[0].set_ylabel("F(x_K) - F*, in units of L R^2")
        known = {label: line for axes in panels for line, label in zip(*axes.get_legend_handles_labels())}
        drawn.legend(known.values(), known, loc="outside lower center", ncols=min(3, len(certificates)))
    return drawn


__all__ = [
    "CERTIFIED_UP_TO",
    "NO_GUARANTEE",
    "ProfileCertificate",
    "RecurrenceCertificate",
    "figure",
    "mean_heads",
    "profile_certificate",
    "recurrence_certificate",
    "rounded_up",
]
