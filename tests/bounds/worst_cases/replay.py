"""A worst case run as a real problem, and the metric that the run attains."""

from __future__ import annotations

import bounds
import l2o


def attained(found: bounds.WorstCase) -> float:
    """The metric at the end of `l2o.rollout` on the instance."""
    s = found.setting
    problem, K, L = l2o.problem_from(found), s.steps, float(s.L)
    run = l2o.rollout(l2o.method_from(found), problem, l2o.start_from(found), K)
    F, x = run.objective[0], run.x[0]
    if s.metric == "objective":
        return float(F[K])
    if s.metric == "average_objective":
        return float(F[1:].mean())
    if s.metric == "distance":
        return float((x[K] ** 2).sum())
    if s.metric == "decrease":
        return float(F[K] - F[0])
    if s.composite:
        return min(float(((x[k - 1] - x[k]) ** 2).sum()) * (L / float(s.step[k - 1])) ** 2 for k in range(1, K + 1))
    return min(float((problem.smooth_gradient(run.x[:, k]) ** 2).sum()) for k in range(K + 1))
