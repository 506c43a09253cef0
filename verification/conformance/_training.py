"""What training needs of a model: a derivative that is finite, that every weight has a part in, and that is right."""

from __future__ import annotations

from dataclasses import is_dataclass, replace

import numpy as np
import torch

from ...l2o import Composite, InputError
from ...l2o.problems.smooth import LinearMap, QuadraticForm
from ._case import Case, Instance
from ._guarantees import at_zero
from ._model import Model
from ._result import Finding, failed, not_applicable, passed
from .registry import register

_STEPS = 10  # through which derivatives are taken, at most
_LAYERS = 40  # steps in which a model that has weights of its own for every step should have used them
_CUT = 0.4  # of a tensor of weights without a part: more are no units that happen to be at rest


def _without_first(problem: Composite) -> Composite | None:
    """The problem with a first variable that does not occur in the data; None where the data are not known."""
    smooth = problem.smooth
    matrix = getattr(getattr(smooth, "map", None), "matrix", None)
    if matrix is None or not is_dataclass(smooth):
        return None
    matrix = matrix.clone()
    matrix[..., 0] = 0.0
    if isinstance(smooth, QuadraticForm):
        matrix[..., 0, :] = 0.0
        linear = smooth.linear.clone()
        linear[..., 0] = 0.0
        return Composite(replace(smooth, map=LinearMap(matrix), linear=linear), problem.nonsmooth)
    return Composite(replace(smooth, map=LinearMap(matrix)), problem.nonsmooth)


def corners(case: Case) -> list[Instance]:
    """Instances with a gradient that is exactly 0: in one variable, from a start with and without zeros, and in all."""
    corners_ = []
    for instance in case.instances:
        problem = _without_first(instance.problem)
        if problem is None:
            continue
        x0 = instance.x0.clone()
        corners_.append(Instance(f"{instance.name}, a variable that does not occur", problem, x0))
        zero = x0.clone()
        zero[:, :2] = 0.0
        if bool(torch.isfinite(problem.nonsmooth.value(zero)).all()):
            corners_.append(Instance(f"{instance.name}, a variable that does not occur, from 0", problem, zero))
    return corners_ + at_zero(case.instances)


@register(
    asserts="The derivative of sum_k F(x_k) with respect to the weights exists through a rollout, is finite, and is "
    "not 0 for all of them; it is finite, too, where a variable does not occur in the data, so that its gradient is "
    "exactly 0, and from a start where all of the gradient is.",
    why="Training is this derivative. One NaN in it ends a training run hours in; a derivative that is 0 trains "
    "nothing and says nothing. Columns of zeros are common in real data.",
    breaks="A norm or a square root at 0, a logarithm or a division whose guard stands outside the branch that is "
    "taken, detach() or .data on the way, numpy inside the step, in-place writes into a tensor that the graph needs.",
    advice="guard the argument (sqrt(x + eps), clamp before dividing) and not the result, and keep the step in torch",
)
def finite_gradients(case: Case) -> Finding:
    """Back through ten steps at most, on every instance; learned optimizers and modules only."""
    model = Model.of(case)
    if model.nothing is not None:
        return not_applicable(model.nothing)
    steps, largest = min(case.steps, _STEPS), 0.0
    for instance in case.instances:
        gradients, finding = _derivative(case, model, instance, steps)
        if finding is not None:
            return finding
        size = max((float(g.abs().max()) for g in gradients.values()), default=0.0)
        if size == 0:
            return failed(f"{instance.name}: the gradient of every weight is 0", **instance.shape, steps=steps)
        largest = max(largest, size)
    for instance in corners(case):
        try:
            _, finding = _derivative(case, model, instance, min(steps, 4), corner=True)
        except InputError:  # it takes the instance, and not this form of it
            if case.refusal(instance.problem, instance.x0) is None:
                raise
            continue
        if finding is not None:
            return finding
    return passed(f"finite through {steps} steps, at most {largest:.3g}", largest=largest, steps=steps)


def _derivative(
    case: Case, model: Model, instance: Instance, steps: int, corner: bool = False
) -> tuple[dict[str, torch.Tensor], Finding | None]:
    case.doing = f"back through {steps} steps on {instance.name}"
    with torch.enable_grad():
        loss = model.loss(instance, steps)
        if not loss.requires_grad:
            words = f"{instance.name}: no weight has a part in the loss after {steps} steps"
            return {}, None if corner else failed(words, **instance.shape)
        gradients = model.gradients(loss)
    bad = [n for n, g in gradients.items() if not bool(torch.isfinite(g).all())]
    if not bad:
        return gradients, None
    return gradients, failed(
        f"{instance.name}: the gradient of {', '.join(bad[:3])} is not finite after {steps} steps",
        **instance.shape,
        weights=bad[:8],
        steps=steps,
    )


@register(
    asserts="Every tensor of weights has a part in sum_k F(x_k): with the weights moved a little at random, at least "
    "60 % of its entries have a derivative that is not 0 on some instance.",
    why="A head that is never trained, or half of the weights multiplied by 0, look like a model that learns: the loss "
    "falls, the file is complete, and the numbers of weights in the paper are not those that work.",
    breaks="A head whose output is not used, weights that are detached or overwritten, a mask, a layer after which "
    "only some of the features are read, units that are dead for every input.",
    advice="leave out what is not used, and look at the derivative of each tensor after the first steps",
)
def every_weight_has_a_part(case: Case) -> Finding:
    """Moved, because a last layer of zeros is a common start and hides what is before it."""
    model = Model.of(case)
    if (reason := model.nothing or model.not_replaced) is not None:
        return not_applicable(reason)
    used = {n: torch.zeros_like(w, dtype=torch.bool) for n, w in model.weights.items()}
    few = min(max(case.steps, 6), _STEPS)
    for attempt, (size, steps) in enumerate(((0.1, few), (0.5, few), (1.0, _LAYERS))):
        with model.moved(model.directions(case.seed + 1 + attempt), size):
            for instance in case.instances:
                case.doing = f"back through {steps} steps on {instance.name}"
                with torch.enable_grad():
                    loss = model.loss(instance, steps)
                    if loss.requires_grad:
                        for name, g in model.gradients(loss).items():
                            used[name] |= g != 0
                if all(bool(u.all()) for u in used.values()):
                    break
        if all(float((~u).double().mean()) <= _CUT for u in used.values() if u.numel()):
            break
    shares = {n: 1 - float(u.double().mean()) for n, u in used.items() if u.numel()}
    idle = sorted((n for n, share in shares.items() if share > _CUT), key=lambda n: -shares[n])
    count = sum(int((~u).sum()) for u in used.values())
    if idle:
        words = ", ".join(f"{n} ({shares[n]:.0%})" for n in idle[:3])
        return failed(
            f"weights without a part in the loss of {steps} steps: {words}; {count} numbers in all",
            weights=idle[:8],
            share=shares[idle[0]],
            steps=steps,
        )
    return passed(f"{len(used)} tensors of weights have a part", unused=count, steps=steps)


@register(
    asserts="The derivative of sum_k F(x_k) that autograd gives is that of the loss: it agrees with differences of the "
    "loss along random directions of the weights, through several steps.",
    why="A derivative that is cut between steps is finite and not 0, and trains each step as if it were the last. It "
    "is a choice that some make, and a mistake that many make.",
    breaks="detach() on the state, the features or the gradient; rounding or a sign where a smooth function was meant; "
    "an autograd.Function with a wrong backward.",
    advice="keep the graph through the steps; a model that cuts it on purpose (truncated backpropagation, no second "
    "derivatives) lists this check in expected_failed_checks",
)
def derivative_is_that_of_the_loss(case: Case) -> Finding:
    """Central differences of two sizes; where they do not agree among themselves nothing is said."""
    model = Model.of(case)
    if (reason := model.nothing or model.not_replaced) is not None:
        return not_applicable(reason)
    steps, judged, worst, evidence = min(case.steps, 5), 0, -1.0, {}
    for number, instance in enumerate(case.instances[:3]):
        case.doing = f"differences of the loss on {instance.name}"
        direction = model.directions(case.seed + 7 + number)
        with torch.enable_grad():
            loss = model.loss(instance, steps)
            gradients = model.gradients(loss) if loss.requires_grad else {}
        slope = sum(float((g * direction[n]).sum()) for n, g in gradients.items())
        differences = [_difference(model, instance, steps, direction, h) for h in (2e-5, 1e-5)]
        noise = 1e-15 * abs(float(loss.detach())) * steps / 1e-5
        off, blur = abs(differences[1] - slope), abs(differences[1] - differences[0])
        size = max(abs(differences[1]), abs(slope))
        allowed = 10 * blur + noise + 1e-4 * size
        if not np.isfinite(off + allowed) or allowed > 0.05 * size:
            continue
        judged += 1
        numbers = {**instance.shape, "lhs": slope, "rhs": differences[1], "slack": allowed - off, "tolerance": allowed}
        if off > allowed:
            return failed(
                f"{instance.name}: along a direction of the weights the derivative is {slope:.6g}, and differences of "
                f"the loss over {steps} steps say {differences[1]:.6g}",
                **numbers,
                steps=steps,
            )
        if off / allowed > worst:
            worst, evidence = off / allowed, numbers
    if not judged:
        return not_applicable("differences of the loss do not settle (kinks, rounding, or a loss that is not finite)")
    return passed(f"it agrees with differences of the loss on {judged} instances", **evidence, steps=steps)


def _difference(model: Model, instance: Instance, steps: int, direction: dict[str, torch.Tensor], h: float) -> float:
    ends = []
    for sign in (1.0, -1.0):
        with model.moved(direction, sign * h), torch.no_grad():
            ends.append(float(model.loss(instance, steps)))
    return (ends[0] - ends[1]) / (2 * h)
