"""What a worst case attains when the method is really run on its instance."""

from __future__ import annotations

import torch

from ... import l2o
from ...bounds.worst_cases import TracedWorstCase, WorstCase
from .run_code import replay_code


def replay(answer: WorstCase) -> tuple[l2o.Run, float]:
    """Run the method on the instance of a worst case, with the instance's gradient errors.

    The instance is known to rounding, and an indicator's to 1/T^2 besides, so the metric agrees with `answer.lower` to
    about 1e-7 of the numbers of the instance: a check of what was solved, not a proof. F* = 0 and x* = 0, as in the
    instance.

    Args:
        answer: The worst case.

    Returns:
        The run, and its metric in the units of the question.

    Raises:
        InputError: Where no instance was certified.
    """
    if isinstance(answer, TracedWorstCase):
        return replay_code(answer)
    try:
        instance = answer.instance
    except ValueError as error:
        raise l2o.InputError(f"replay: {error}") from None
    s = answer.setting
    problem = l2o.problem_from(instance)
    run = l2o.rollout(l2o.method_from(instance), problem, l2o.start_from(instance), s.steps)
    assert run.x is not None, "a rollout keeps its iterates"
    x = run.x[0]
    if s.metric == "objective":
        value = run.objective[0, -1]
    elif s.metric == "average_objective":
        value = run.objective[0, 1:].mean()
    elif s.metric == "distance":
        value = (x[-1] ** 2).sum()
    elif s.metric == "decrease":
        value = run.objective[0, -1] - run.objective[0, 0]
    elif s.composite:
        h = x.new_tensor([float(v) for v in s.step])
        moved = (x[:-1] - x[1:]) * (float(s.L) / h)[:, None]
        value = (moved**2).sum(-1).min()
    else:
        gradients = torch.stack([problem.smooth_gradient(point[None])[0] for point in x])
        value = (gradients**2).sum(-1).min()
    return run, float(value)
