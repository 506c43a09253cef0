"""The same call gives the same run: seeds, global generators, batches, and nothing changed behind the caller's back."""

from __future__ import annotations

import dataclasses
import random
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...l2o import Composite, Run, rollout
from ._case import Case, Refused, draw_from_global_rng, global_rng_state, seed_global_rng
from ._model import Model, restored
from ._result import Finding, failed, not_applicable, passed
from ._sameness import compare, verdict
from .registry import register


def same(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Equal byte for byte, a NaN being equal to a NaN."""
    return (
        a.shape == b.shape and a.dtype == b.dtype and bool(torch.equal(a.nan_to_num(nan=7e77), b.nan_to_num(nan=7e77)))
    )


def first_difference(a: torch.Tensor, b: torch.Tensor) -> dict[str, Any]:
    """Where two (B,K+1,n) first differ."""
    differs = ~((a == b) | (a.isnan() & b.isnan())).all(-1)
    b_index, step = (int(i) for i in differs.nonzero()[differs.nonzero()[:, 1].argmin()])
    return {"b": b_index, "step": step, "difference": float((a - b)[b_index, step].abs().max())}


@register(
    asserts="Two runs from the same start with the same seed are equal byte for byte: of one optimizer, of a new one, "
    "and of one that has run on other problems before.",
    why="A verdict is about a run. If the run cannot be made again, nobody can check the verdict, and a difference "
    "between two models may be one between two calls.",
    breaks="Quantities kept on the optimizer between calls: a cached 1/L, a step counter, a hidden state that `init` "
    "does not reset.",
    advice="keep everything that changes in the state that init makes and step returns, nothing on the optimizer",
)
def deterministic(case: Case) -> Finding:
    """Repeat runs on every instance, in order, with one optimizer and with fresh ones."""
    used = case.fresh()
    other = case.instances[0].problem.select([0])  # what is kept from here on would be seen below
    case.run_on("one instance", other, case.instances[0].x0[:1], used)
    first = [case.run(instance, used) for instance in case.instances]
    for instance, before in zip(reversed(case.instances), reversed(first)):
        for label, optimizer in (("run again", used), ("run with a new optimizer", case.fresh())):
            after = case.run(instance, optimizer)
            if not same(before.x, after.x):
                where = first_difference(before.x, after.x)
                return failed(
                    f"{instance.name}, {label}: the iterates differ, first at step {where['step']}",
                    **instance.shape,
                    **where,
                )
    return passed(f"{len(first)} runs of {case.steps} steps are equal byte for byte", runs=len(first), steps=case.steps)


@register(
    asserts="Runs do not depend on the global random generators of torch, NumPy and Python.",
    why="Randomness belongs to the `seed` of `init`. A run that draws from a global generator depends on everything "
    "that was called before it, the order of the tests included.",
    breaks="A network state drawn with torch.randn in `init` (the authors' code does this at every reset, at test time "
    "too), dropout left on.",
    advice="draw from a generator made from the seed of init, or start from zeros",
)
def seeds_matter_not(case: Case) -> Finding:
    """The same run after two different global seeds."""
    for instance in case.instances:
        runs = []
        for seed in (1, 2):
            case.doing = f"a run on {instance.name}"
            seed_global_rng(seed)
            runs.append(rollout(case.fresh(), instance.problem, instance.x0.clone(), case.steps, seed=case.seed))
        if not same(runs[0].x, runs[1].x):
            where = first_difference(runs[0].x, runs[1].x)
            return failed(
                f"{instance.name}: the run changes with the global random seed, first at step {where['step']} by "
                f"{where['difference']:.2g}",
                **instance.shape,
                **where,
            )
    return passed("two global seeds give the same bytes", instances=len(case.instances))


@register(
    asserts="`init` and `step` leave the global random generators of torch, NumPy and Python as they were.",
    why="Otherwise using the optimizer changes the random numbers of everything that runs after it: data, other "
    "models, other tests.",
    breaks="Any draw from a global generator, and torch.manual_seed or numpy.random.seed inside the optimizer.",
    advice="use a generator of your own (torch.Generator, numpy.random.default_rng)",
)
def global_rng_untouched(case: Case) -> Finding:
    """Compare the generators' states before and after a short run."""
    for instance in case.instances:
        case.doing = f"a run on {instance.name}"
        optimizer = case.fresh()
        seed_global_rng(1_299_709 + case.seed)
        draw_from_global_rng()  # so that no seeding leads to this very state
        before = global_rng_state()
        with torch.no_grad():
            state = optimizer.init(instance.problem, instance.x0.clone(), seed=case.seed)
            after_init = global_rng_state()
            optimizer.step(instance.problem, state)
        after = global_rng_state()
        for method, one, two in (("init", before, after_init), ("step", after_init, after)):
            touched = [n for n, a, b in zip(("torch", "NumPy", "Python"), one, two, strict=True) if a != b]
            if touched:
                return failed(
                    f"{instance.name}: {method} changes the global generator of {', '.join(touched)}",
                    **instance.shape,
                    method=method,
                    generators=touched,
                )
    return passed("the global generators are as they were", instances=len(case.instances))


@register(
    asserts="The state that `init` makes is at x_0, byte for byte.",
    why="Every bound starts from ||x_0 - x*|| or F(x_0). A method that begins elsewhere is given a distance that it "
    "did not have to go, or one that it did not choose.",
    breaks="A start that is drawn or predicted inside `init`, a warm-up step in it, a projection, a shift that belongs "
    "to the experiment.",
    advice="take x_0 as it is; put a predicted start outside, or make it the first step",
)
def starts_at_x0(case: Case) -> Finding:
    """On every instance."""
    for instance in case.instances:
        seed_global_rng(case.seed)
        x = case.fresh().init(instance.problem, instance.x0.clone(), seed=case.seed).x
        if not same(x, instance.x0):
            off = float((x - instance.x0).abs().max()) if x.shape == instance.x0.shape else None
            words = f"by up to {off:.3g}" if off is not None else f"in shape, {tuple(x.shape)}"
            return failed(f"{instance.name}: the state of init differs from x_0 {words}", **instance.shape, lhs=off)
    return passed("init starts at x_0", instances=len(case.instances))


def tensors_of(thing: Any, where: str = "state") -> dict[str, torch.Tensor]:
    """The tensors inside an object, by where they are."""
    tensors = {}
    for name, part in _parts(thing, where, (torch.Tensor, np.ndarray)):
        tensors[name] = part if isinstance(part, torch.Tensor) else torch.from_numpy(part)
    return tensors


def _parts(thing: Any, where: str, kinds: tuple[type, ...], depth: int = 0) -> Iterator[tuple[str, Any]]:
    """The parts of an object that are of these kinds, by where they are."""
    if isinstance(thing, kinds):
        yield where, thing
        return
    if depth > 6 or isinstance(thing, (torch.nn.Module, torch.Tensor)):
        return
    if isinstance(thing, Mapping):
        parts = {f"{where}[{k!r}]": v for k, v in thing.items()}
    elif isinstance(thing, (list, tuple)):
        parts = {f"{where}[{i}]": v for i, v in enumerate(thing)}
    elif dataclasses.is_dataclass(thing):
        parts = {f"{where}.{f.name}": getattr(thing, f.name) for f in dataclasses.fields(thing)}
    else:
        parts = {f"{where}.{k}": v for k, v in getattr(thing, "__dict__", {}).items() if not k.startswith("__")}
    for name, part in parts.items():
        yield from _parts(part, name, kinds, depth + 1)


_GENERATORS = (torch.Generator, np.random.Generator, np.random.RandomState, random.Random)


@dataclasses.dataclass(frozen=True)
class Generators:
    """The random generators that a state holds: a step draws from them and so moves them on."""

    generators: tuple[Any, ...]

    def __bool__(self) -> bool:
        return bool(self.generators)

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Put them back afterwards to where they were."""
        before = [_position(g) for g in self.generators]
        try:
            yield
        finally:
            for generator, position in zip(self.generators, before):
                _set_position(generator, position)


def generators_of(state: Any) -> Generators:
    """Those of torch, NumPy and Python inside a state."""
    return Generators(tuple(g for _, g in _parts(state, "state", _GENERATORS)))


def _position(generator: Any) -> Any:
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    return generator.getstate() if isinstance(generator, random.Random) else generator.get_state()


def _set_position(generator: Any, position: Any) -> None:
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = position
    elif isinstance(generator, random.Random):
        generator.setstate(position)
    else:
        generator.set_state(position)


def _copies(*things: tuple[str, Any]) -> dict[str, torch.Tensor]:
    return {name: t.detach().clone() for where, thing in things for name, t in tensors_of(thing, where).items()}


def _data(problem: Composite) -> dict[str, torch.Tensor]:
    return {**problem.smooth.arrays(), **problem.nonsmooth.arrays()}


@register(
    asserts="`init` leaves x_0 and the problem, `step` leaves its state and the problem as they were, and a second "
    "step from the same state gives the same bytes.",
    why="Bounds compare x_{k-1} with x_k, and attribution replays steps from kept states. A state that a later step "
    "writes into makes every such comparison one of a point with itself.",
    breaks="In-place updates (x -= ..., v.mul_(...)), a momentum buffer kept on the optimizer, returning the state "
    "that was given.",
    advice="make new tensors (x = x - step * g) and return a new state",
)
def state_not_mutated(case: Case) -> Finding:
    """Copies before, bytes after, at every step of a short run."""
    steps = min(case.steps, 8)
    for instance in case.instances:
        case.doing = f"a run on {instance.name}"
        optimizer, problem, x0 = case.fresh(), instance.problem, instance.x0.clone()
        data = _copies(("problem", _data(problem)))
        with torch.no_grad():
            seed_global_rng(case.seed)
            state = optimizer.init(problem, x0, seed=case.seed)
            if not same(x0, instance.x0):
                return failed(f"{instance.name}: init changes x_0", **instance.shape, tensor="x0")
            for k in range(steps):
                before = _copies(("state", state))
                with generators_of(state).restored():
                    seed_global_rng(k)
                    one = optimizer.step(problem, state)
                result = _copies(("state", one))
                changed = _changed(before, _copies(("state", state))) + _changed(
                    data, _copies(("problem", _data(problem)))
                )
                if changed:
                    return failed(
                        f"{instance.name}, step {k + 1}: step changes {', '.join(changed[:3])}",
                        **instance.shape,
                        step=k + 1,
                        changed=changed[:8],
                    )
                seed_global_rng(k)
                again = _copies(("state", optimizer.step(problem, state)))
                if changed := _changed(result, again):
                    return failed(
                        f"{instance.name}, step {k + 1}: a second step from the same state gives another "
                        f"{', '.join(changed[:3])}",
                        **instance.shape,
                        step=k + 1,
                        changed=changed[:8],
                    )
                state = one
    words = " from the same place of the random generators that the state holds" if generators_of(state) else ""
    return passed(f"{steps} steps leave state and problem alone and can be repeated{words}", steps=steps)


def _changed(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> list[str]:
    return [name for name, t in before.items() if name not in after or not same(t, after[name])]


@register(
    asserts="A batch of B instances gives the runs of the B instances by themselves, up to rounding.",
    why="Otherwise an instance's result depends on which others happen to be beside it, so that batch size and order "
    "are hidden parameters: results at batch 128 in training say nothing of batch 1 in use.",
    breaks="The gradient of the batch mean (features scale with 1/B), one learned step size or one norm for the whole "
    "batch, a line search that stops for all at once, batch normalisation.",
    advice="reduce over the variables (dim=-1) and never over the instances; one scalar per instance has shape (B, 1)",
)
def batch_equals_loop(case: Case) -> Finding:
    """The batch, and each instance selected from it."""
    comparisons, refused = [], "every problem has one instance"
    for instance, run in case.runs():
        batch = instance.problem.batch_size
        if batch == 1:
            continue
        alone = []
        try:
            for b in range(batch):
                one, x0 = instance.problem.select([b]), instance.x0[b : b + 1]
                with case.image("one instance of a batch", one, x0):
                    alone.append(case.run_on(f"{instance.name}, instance {b} alone", one, x0).x)
        except Refused as reason:
            refused = str(reason)
            continue
        comparisons.append(compare(case, instance, run, torch.cat(alone)))
    if not comparisons:
        return not_applicable(refused)
    return verdict(comparisons, "the batch is its instances", "an instance alone runs differently", case)


@register(
    asserts="A run written by Run.save and read by Run.load is the same, and the weights of a learned optimizer "
    "survive being written and read: the run with them is equal byte for byte.",
    why="What is published is a file. A weight that is not in it, or a state that is not restored, is another model.",
    breaks="Weights or normalisers kept outside the parameters, tensors that are no buffers of the module, weights "
    "written in float32.",
    advice="keep everything learned among the parameters (for a module: parameters or buffers) and write it as it is",
)
def save_load(case: Case) -> Finding:
    """Files in a temporary folder."""
    instance = case.instances[0]
    optimizer = case.fresh()
    run = case.run(instance, optimizer)
    with tempfile.TemporaryDirectory() as folder:
        back = Run.load(run.save(Path(folder) / "run.npz"))
        for name, tensor in tensors_of(run, "run").items():
            if name not in (loaded := tensors_of(back, "run")) or not same(tensor, loaded[name]):
                return failed(f"{instance.name}: {name} is not the same after Run.save and Run.load", tensor=name)
        other = restored(optimizer, case, Path(folder))
    if other is None:
        model = Model.of(case)
        if model.not_replaced is not None:
            return not_applicable(f"the run is the same from its file; of weights: {model.not_replaced}")
        return passed(f"the run is the same from its file; no weights to keep ({model.nothing})", **instance.shape)
    again = case.run(instance, other)
    if not same(run.x, again.x):
        where = first_difference(run.x, again.x)
        return failed(
            f"{instance.name}: with the weights from the file the run differs, first at step {where['step']}",
            **instance.shape,
            **where,
        )
    return passed("the run and the weights are the same from their files", **instance.shape)
