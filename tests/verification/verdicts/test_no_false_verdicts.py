"""A campaign: every bound checked at least 100,000 times where it applies, and never found violated.

By default a small one runs, of two families; the whole is for the slow tier.

Learned, classical and adversarial runs, and iterates nobody optimized, on five families of small problems. A run of K
steps counts once for each of its prefixes that is looked at, for a run bound speaks of each of them. The counts are
asserted: a campaign whose runs break the hypotheses would prove nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

import pytest

from l2obound import bounds, l2o
from l2obound.verification import Optimum, Verdict, gather, judge
from tests.helpers import instances

STEPS, BATCH, SEED = 10, 300, 7
WANTED = 100_000
EXACT_ONLY = (
    "homogeneous_descent",
    "ind_rate",
    "relative_deviation_rate",
    "homogeneous_descent:diagonal",
    "ind_rate:exact",
    "ind_rate:average",
)
ON_RUNS = tuple(name for name in bounds.names() if bounds.get(name).on_runs)
VARIANTS = (
    "a_priori:sharp",
    "ood_multi_step_sharp:best_iterate",
    "ood_multi_step_sharp:average_point",
    "ood_multi_step_sharp:bonus",
    "ood_last_iterate:magnitude",
    "relative_deviation_rate:smooth",
    "strong_convexity:rate",
    "strong_convexity:pl",
    "nonconvex_stationarity:descent",
    "nonconvex_stationarity:subdifferential",
    "nonconvex_stationarity:constrained",
)
NAMES = (*ON_RUNS, *EXACT_ONLY[3:], *VARIANTS)


def judge_all(
    runs: Iterable[l2o.Run], problem: l2o.Composite, optimum: Optimum, names: tuple[str, ...], prefixes: tuple[int, ...]
) -> tuple[Counter, dict[str, set]]:
    counts: Counter = Counter()
    sources: dict[str, set] = defaultdict(set)
    for run in runs:
        for k in prefixes:
            head = run.head(k)
            evidence = gather(head, problem, optimum=optimum)
            for name in names:
                if bounds.get(name).level == "step" and k < STEPS:
                    continue  # the steps of a prefix are steps of the run
                v = judge(name, evidence, "best")
                # inconclusive is only what rounding hides: an exact run that has arrived within ten steps
                open_ = (v.verdict == Verdict.INCONCLUSIVE) & ~v.within_rounding
                wrong = v.count(Verdict.VIOLATED) + int(open_.sum())
                assert not wrong, f"{run.optimizer} on {problem.name}, {k} steps: {v.summary()}"
                counts[name] += v.count(Verdict.VERIFIED)
                if v.count(Verdict.VERIFIED):
                    sources[name].add((run.optimizer, problem.name))
    return counts, sources


def campaign(
    family: str, batch: int, prefixes: tuple[int, ...], exact_prefixes: tuple[int, ...], wanted: float
) -> None:
    problem = instances.family(family, batch, SEED)
    optimum = instances.certified(problem)
    counts, sources = judge_all(instances.runs(problem, STEPS, SEED), problem, optimum, NAMES, prefixes)
    more, where = judge_all(instances.exact_runs(problem, STEPS, SEED), problem, optimum, EXACT_ONLY, exact_prefixes)
    counts += more
    for name in ON_RUNS:
        assert counts[name] >= wanted, (name, counts[name])
        assert len({optimizer for optimizer, _ in sources[name] | where[name]}) >= 5, name


@pytest.mark.parametrize("family", list(instances.FAMILIES)[:1])
def test_family(family: str) -> None:
    """A small campaign: a small part of the instances, two or three prefixes of each run."""
    campaign(family, BATCH // 25, (1, STEPS), (2, 4, STEPS), WANTED / len(instances.FAMILIES) / 100)


@pytest.mark.slow
@pytest.mark.parametrize("family", instances.FAMILIES)
def test_family_at_length(family: str) -> None:
    """A fifth of the campaign; the whole must be met by five such families."""
    whole = tuple(range(1, STEPS + 1))
    campaign(family, BATCH, (1, 2, 3, 5, 8, 10), whole, WANTED / len(instances.FAMILIES))
