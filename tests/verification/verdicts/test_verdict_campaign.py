"""No false verdict: every family of problems, every optimizer, both precisions, every bound that a run is enough for.

What is counted is single verdicts, one inequality on one step or one run each, where the bound applies.
"""

from __future__ import annotations

import itertools
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from l2obound import bounds, l2o
from l2obound.verification import Verdict, gather, judge, optimum
from tests.helpers import instances, zoo

NAMES = tuple(n for n in bounds.names(variants=True) if bounds.get(n).on_runs)
DIM = 5
CHANGES = (
    *(zoo.CHANGES[name] for name in ("shifted", "scaled", "rescaled")),
    lambda p: p.shifted(0.4).rescaled(1.7),
    lambda p: p.rescaled(0.3).scaled(20.0).shifted(-1.3),
)


def smooth_terms(batch: int, seed: int) -> dict[str, l2o.SmoothTerm]:
    shared = zoo.smooth_terms(batch, dim=DIM, seed=seed)
    few = {name: make for name, make in zoo.losses(3, dim=DIM, seed=seed).items() if "shared" not in name}
    return shared | {name: term.select(torch.arange(batch) % 3) for name, term in few.items()}


def nonsmooth_terms() -> dict[str, l2o.NonsmoothTerm]:
    separable = {n: t for n, t in zoo.nonsmooth_terms(DIM).items() if t.batch_size == 1}
    coupled = {n: t for n, t in zoo.coupled_terms().items() if t.batch_size == 1}
    return separable | coupled | {"box-of-tenths": l2o.box(-0.1, 0.7), "small-ball": l2o.l2_ball(1e-3)}


@dataclass
class Tally:
    """Verdicts by what they say; `sources` the pairs of problem and optimizer."""

    counts: Counter = field(default_factory=Counter)
    sources: set = field(default_factory=set)

    @property
    def judged(self) -> int:
        return sum(n for v, n in self.counts.items() if v is not Verdict.NOT_APPLICABLE)


def methods(problem: l2o.Composite, seed: int) -> Iterator[object]:
    for name in l2o.optimizer_names():
        if zoo.runs_on(name, problem):
            yield l2o.optimizer(name)
    yield l2o.optimizer("ista", step=(0.4 / problem.smoothness).numpy())
    for kind, size in (("random", 0.3), ("uphill", 0.1), ("jump", 1.0)):
        yield instances.Adversary(kind, size, seed)


def hold(
    problem: l2o.Composite,
    run: l2o.Run,
    certified: object,
    names: tuple[str, ...],
    tally: Tally,
    h: float | str = "best",
) -> None:
    """Hold the bounds against the run: nothing is violated, and nothing is verified that rounding hides."""
    evidence = gather(run, problem, optimum=certified)
    for name in names:
        v = judge(name, evidence, h)
        what = f"{run.optimizer} on {problem.name} in {run.objective.dtype}"
        assert not v.count(Verdict.VIOLATED), f"{what}: {v.summary()}"
        verified = v.verdict == Verdict.VERIFIED
        certain = v.lhs_upper + v.tolerance <= v.rhs
        size = np.maximum(np.abs(v.lhs), np.abs(v.rhs))
        assert (certain | (v.tolerance <= 0.01 * size))[verified].all(), f"{what}: {v.summary()}"
        tally.counts.update(v.verdict.ravel().tolist())
    tally.sources.add((problem.name, run.optimizer))


def campaign(dtype: torch.dtype, batch: int, steps: int, seed: int, wanted: int, every: int = 1) -> Tally:
    """Problem after problem until `wanted` verdicts are reached and all families were seen; `every`-th method of each.

    Every third problem is moved and scaled; those of float32 are cast, data and all.
    """
    tally, terms = Tally(), nonsmooth_terms()
    for round_ in itertools.count(seed):
        pairs = itertools.product(smooth_terms(batch, round_).items(), terms.items())
        for i, ((_, f), (_, r)) in enumerate(pairs):
            problem = l2o.Composite(f, r)
            if (i + round_) % 3 == 2:
                problem = CHANGES[(i // 3) % len(CHANGES)](problem)
            problem = problem.to(dtype)
            certified = optimum(problem.to(torch.float64), cache=False, cross_check=0)
            x0 = problem.prox(l2o.synthetic.starts(problem, seed=round_), 1e-3)
            for j, method in enumerate(methods(problem, round_)):
                if (i + i // len(terms) + j + round_) % every:  # others for each smooth and for each nonsmooth term
                    continue
                try:
                    run = l2o.rollout(method, problem, x0, steps)
                except l2o.InputError:  # a term whose prox takes one step, and a method with one for each variable
                    continue
                hold(problem, run, certified, NAMES, tally)
        if tally.judged >= wanted:
            return tally
    raise AssertionError


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_no_false_verdict(dtype: torch.dtype) -> None:
    """A small part of the campaign: sets, moved kinks and a learned method."""
    terms, tally = nonsmooth_terms(), Tally()
    smooth = smooth_terms(2, 3)
    pairs = {
        "simplex": "least-squares",
        "l2-ball": "logistic",
        "small-ball": "welsch",
        "box-of-tenths": "huber",
        "l1": "quadratic",
        "elastic-net": "squared-hinge",
    }
    for i, (r, f) in enumerate(pairs.items()):
        problem = l2o.Composite(smooth[f], terms[r])
        problem = (problem if i % 2 == 0 else CHANGES[3](problem)).to(dtype)
        certified = optimum(problem.to(torch.float64), cache=False, cross_check=0)
        x0 = problem.prox(l2o.synthetic.starts(problem), 1e-3)
        for method in ("ista", "l2o-pa" if r == "l1" else "fista"):
            run = l2o.rollout(l2o.optimizer(method), problem, x0, 10)
            hold(problem, run, certified, ("B1", "B6", "B6c", "B9"), tally, 1.0)
    assert tally.counts[Verdict.VERIFIED] > 300


@pytest.mark.slow
@pytest.mark.parametrize(("dtype", "wanted", "every"), [(torch.float64, 1_000_000, 5), (torch.float32, 100_000, 7)])
def test_no_false_verdict_at_length(dtype: torch.dtype, wanted: int, every: int) -> None:
    """Judged entries by the hundred thousand: every pair of a smooth and a nonsmooth term, every optimizer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # overflow in runs that diverge
        tally = campaign(dtype, batch=8, steps=60, seed=1, wanted=wanted, every=every)
    print(f"{dtype}: {tally.judged} judged, {dict(tally.counts)}, {len(tally.sources)} pairs of problem and method")
    assert tally.judged >= wanted
    kinds = itertools.product(smooth_terms(1, 0).values(), nonsmooth_terms().values())
    assert {name for name, _ in tally.sources} == {l2o.Composite(f, r).name for f, r in kinds}
    assert {name for _, name in tally.sources} >= {o for o in l2o.optimizer_names() if o not in ("ada-lista",)}
