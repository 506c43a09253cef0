"""All that is known of a run, gathered once: what bounds are judged on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch

from ... import bounds
from ...l2o import InputError
from ...l2o.problems import Composite
from ...l2o.runs.rollout import threads_for
from ...l2o.runs.run import Run
from ..optima import Optimum, refuse_above
from ..optima import optimum as certify
from ..runs.accelerated import accelerated_steps
from ..runs.declarations import facts
from ..runs.inspection import DataCheck, Inspection, as_numpy, data_check, inspect_run
from ..runs.scalar_runs import NOTE as SCALARS_NOTE
from ..virtual_steps.decompose import from_pairing
from ..virtual_steps.pairing import Pairing, pair
from .quantities import measure
from .set_slack import SetSlack, set_slack
from .stated import with_stated


@dataclass(frozen=True, eq=False)
class Evidence:
    """A run that was recomputed, with what else bounds are held against it by (see `gather`).

    `optimum` is the interval of F* and the point z that distances are measured from. Where it is None, `certified` has
    it, and is worked out when a bound first asks for it. `pairing` is of the virtual steps, None where no run in
    distribution was given. What is worked out on the way (quantities, slacks, facts) is remembered here.
    """

    inspection: Inspection
    optimum: Optimum | None = None
    pairing: Pairing | None = None
    _quantities: dict[bytes, bounds.Quantities] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def certified(self) -> Evidence:
        """The same with an optimum: certified now where none was given."""
        return self if self.optimum is not None else replace(self, optimum=certify(self.inspection.problem))

    @cached_property
    def _bare(self) -> Evidence:
        return self if self.optimum is None else replace(self, optimum=None)

    def about(self, bound: bounds.Bound) -> Evidence:
        """The evidence with the optimum that `bound` is measured with.

        A bound about a comparator needs one. A bound on steps does not; with iterates it takes the one at hand, so that
        all bounds share their quantities. A run of scalars may have been recorded for another comparator, and is then
        measured without.

        Args:
            bound: The bound that is to be judged.

        Returns:
            This evidence, with an optimum or without one.
        """
        if bound.about_comparator:
            return self.certified
        return self._bare if self.inspection.x is None else self

    def quantities(self, reference_step: float | np.ndarray = 1.0) -> bounds.Quantities:
        """The named quantities of the run with the reference step h/L, h a number or (B,).

        F(z) is the upper end of the interval of F*. Without an optimum the comparator is the origin, which only bounds
        on steps do not mind.

        Args:
            reference_step: h > 0, a number or (B,).

        Returns:
            Values and bounds on their errors by name, remembered for each h.
        """
        inspection = self.inspection
        h = np.broadcast_to(np.asarray(reference_step, dtype=float), (inspection.run.batch_size,))
        key = h.tobytes()
        if key not in self._quantities:
            with threads_for(inspection.problem):
                measured = measure(inspection, self.optimum, np.array(h), self.facts)
                self._quantities[key] = with_stated(measured, inspection)
        return self._quantities[key]

    def with_accelerated(self, quantities: bounds.Quantities) -> bounds.Quantities:
        """`quantities` and those of the run against accelerated reference steps (B19).

        Args:
            quantities: What `quantities` gave.

        Returns:
            More of them; the same where the run has no iterates.
        """
        values, errors = self._accelerated
        return bounds.Quantities(
            {**quantities.values, **values},
            {**quantities.errors, **errors},
            quantities.facts,
            quantities.steps,
            quantities.batch,
        )

    @cached_property
    def _accelerated(self) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        steps, problem = accelerated_steps(self.inspection), self.inspection.problem
        if steps is None or self.optimum is None:
            return {}, {}
        return bounds.accelerated.measure(
            steps.ahead,
            gradient=steps.gradient,
            gradient_error=steps.gradient_error,
            subgradient=self.inspection.subgradient,
            L=as_numpy(problem.smoothness),
            L_error=as_numpy(problem.smooth.smoothness_error),
            comparator=np.asarray(self.optimum.x, dtype=float),
        )

    @cached_property
    def facts(self) -> dict[str, bool | np.ndarray]:
        """What the problem declares and the points of the run, and z, do not contradict: a bool or (B,) by name."""
        return facts(self.inspection, None if self.optimum is None else np.asarray(self.optimum.x, dtype=float))

    @cached_property
    def looks_single(self) -> bool:
        """Whether a run in float64 has iterates of float32 only, in numbers of more digits than float16 has."""
        x = self.inspection.run.x
        if x is None or x.dtype != torch.float64:
            return False
        return bool((x == x.float()).all()) and not bool((x == x.half()).all())

    def set_slack(self) -> SetSlack | None:
        """What sets within rounding take from the subgradient inequality; None where r is exact."""
        return self._set_slack

    @cached_property
    def _set_slack(self) -> SetSlack | None:
        return set_slack(self.inspection, None if self.optimum is None else self.optimum.x)

    def checks(self, bound: bounds.Bound) -> tuple[DataCheck, ...]:
        """The claims that a verdict on `bound` rests on: of the run, of its virtual steps, of the interval of F*.

        Args:
            bound: The bound that is to be judged.

        Returns:
            One check for each claim, with where it holds, (B,K).
        """
        checks = self.inspection.checks
        if bound.about_virtual_steps:
            checks += self._pairing_checks
        return checks + self.certified._optimum_checks if bound.about_comparator else checks

    @cached_property
    def _pairing_checks(self) -> tuple[DataCheck, ...]:
        """That the terms of e_k add up to it."""
        if self.pairing is None:
            return ()
        parts = from_pairing(self.inspection.run, self.pairing)
        residual, allowed = (np.where(parts.alive, a, 0.0) for a in (parts.residual, parts.residual_allowed))
        statement = "the recorded b_k is D_k - p_k G_k, so that the terms of e_k add up to it"
        return (data_check("bias", residual, allowed, statement),)

    @cached_property
    def _optimum_checks(self) -> tuple[DataCheck, ...]:
        """Whether the interval of F* agrees with its own point and with what the run attained."""
        if self.optimum is None:
            return ()
        inspection, problem = self.inspection, self.inspection.problem
        z = torch.as_tensor(np.array(self.optimum.x), dtype=torch.float64)
        value, error = as_numpy(problem.objective(z)), as_numpy(problem.objective_error(z))
        lower, upper = np.asarray(self.optimum.lower), np.asarray(self.optimum.upper)
        # F(z) - error <= true F(z) <= upper must hold for a sound interval; and no run may get below `lower`.
        excess = np.maximum(value - error - upper, lower - upper)
        below = lower - _attained(inspection).min(axis=1)
        statements = {
            "optimum": "the interval of F* is not empty and its upper end is not below F at its own point",
            "floor": "no iterate of the run lies below the lower end of the interval of F*",
        }
        shape = (len(value), inspection.run.steps)
        return tuple(
            DataCheck(
                name, np.broadcast_to((off <= 0)[:, None], shape), float(np.maximum(off, 0).max()), statements[name]
            )
            for name, off in (("optimum", excess), ("floor", below))
        )

    def notes(self, bound: bounds.Bound) -> tuple[str, ...]:
        """What a reader of a verdict on `bound` should know of the evidence.

        Args:
            bound: The bound that is to be judged.

        Returns:
            One sentence a note.
        """
        inspection, notes = self.inspection, []
        problem = inspection.problem
        estimated = [t.kind for t in (problem.smooth, problem.nonsmooth) if not t.rounding_bounded]
        if estimated:
            notes.append(f"rounding of {' and of '.join(estimated)} is estimated, not bounded: made of functions")
        if bound.number == "B5" and bound.variant is None:
            notes.append("without a reference run e_k is measured, and the inequality is that of B1 on this run")
        if not inspection.finite.all():
            gone = int((~inspection.finite).sum())
            notes.append(
                f"{gone} runs left float64 (inf or NaN): their steps are judged up to there, the runs not at all"
            )
        if (inspection.alive & ~inspection.in_domain).any():
            notes.append("points outside the domain of r, where F = inf, are not judged")
        optimum = self.certified.optimum if bound.about_comparator else None
        if optimum is not None and not np.isfinite(optimum.lower).all():
            notes.append("F* has no finite lower bound for some instances; see optimum.reason")
        if optimum is not None and optimum.trusted.any():
            notes.append(
                f"the lower end of F* is as given on {int(optimum.trusted.sum())} of {optimum.batch_size} instances: "
                "nothing proves it, and a verdict of VERIFIED rests on it there"
            )
        if inspection.run.objective.dtype == torch.float32:
            notes.append(
                "the run is in float32: it is recomputed in float64, and hypotheses on its steps are granted the "
                "rounding of float32 (1.2e-07)"
            )
        if inspection.x is None:
            notes.append(SCALARS_NOTE)
        return (*notes, *(self._virtual_notes() if bound.about_virtual_steps else ()))

    def _virtual_notes(self) -> list[str]:
        if self.pairing is None:
            return ["its virtual quantities come from reference_run and optimizer, which were not given"]
        notes = ["each step is held against the paired step of reference_run, with the least C1, C2 that fit the pair"]
        if (unlike := np.isnan(self.pairing.dz)).any():
            notes.append(f"{int(unlike.sum())} steps have no finite virtual step, and nothing is known of them")
        return notes


def gather(
    run: Run,
    problem: Composite,
    *,
    optimum: Optimum | None = None,
    reference_run: Run | None = None,
    optimizer: Any = None,
) -> Evidence:
    """Gather once what any number of bounds are then judged on (see `judge`).

    Args:
        run: B runs of K steps.
        problem: The problem that they were made on.
        optimum: The interval of F* of this problem; where it is None, one is certified when a bound asks for it.
        reference_run: A run of the same size in distribution, for bounds on virtual steps.
        optimizer: What made both runs; given together with `reference_run`.

    Returns:
        The run recomputed in float64, with its optimum and the pairs of its steps with those of `reference_run`.

    Raises:
        InputError: Where sizes do not fit, the optimum is that of another problem, an iterate is certainly below a
            lower end of F* that the user gave, or one of `reference_run` and `optimizer` is missing.
    """
    inspection = inspect_run(run, problem)
    if optimum is not None and np.shape(optimum.x) != (problem.batch_size, problem.dim):
        raise InputError(
            f"verify: the optimum has shape {np.shape(optimum.x)}, the problem ({problem.batch_size}, "
            f"{problem.dim}); pass the optimum of this problem."
        )
    if optimum is not None and optimum.problem not in ("", inspection.problem.fingerprint()):
        raise InputError(
            "verify: the optimum was computed for another problem of this shape (the fingerprints differ); pass the "
            "optimum of this problem."
        )
    if optimum is not None:
        _refuse_contradicted(inspection, optimum)
    if reference_run is None and optimizer is None:
        return Evidence(inspection, optimum)
    if reference_run is None or optimizer is None:
        given, missing = ("optimizer", "reference_run") if reference_run is None else ("reference_run", "optimizer")
        raise InputError(
            f"verify: {given} was given without {missing}; give both, the run in distribution and the optimizer of the "
            "two runs."
        )
    return Evidence(inspection, optimum, pair(run, reference_run, optimizer))


def _attained(inspection: Inspection) -> np.ndarray:
    """(B,K+1) what F is at most at each iterate, rounding included; inf outside of the domain."""
    inside = inspection.in_domain & inspection.alive
    return np.where(inside, inspection.objective + inspection.objective_error, np.inf)


def _refuse_contradicted(inspection: Inspection, optimum: Optimum) -> None:
    """An error where an iterate is below the lower end that the user gave: it is wrong, and no bound is."""
    attained = _attained(inspection)
    step = attained.argmin(axis=1)
    lower = np.where(optimum.trusted, optimum.lower, -np.inf)
    worst = int(np.argmax(lower - attained.min(axis=1)))
    refuse_above(lower, attained.min(axis=1), f"at the iterate x_{step[worst]} of {inspection.run.optimizer}")
