"""The training loop: the authors' protocol, without its defects.

Batches, initial points and network states are fresh for every batch; a batch is iterated `horizon` times in segments
of `unroll`, each followed by one Adam update, the graph cut in between. Departures from the authors' code, each on
purpose: train, validation and test instances come from disjoint seeds; the network state starts at zero, in training
and after; a segment whose loss or gradient is not finite makes no update and ends its batch, instead of being retried
from a state that already holds NaN; the gradient is clipped for every model alike.
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...errors import InputError
from ..optimizers import Optimizer
from ..optimizers.guaranteed import Guaranteed
from ..optimizers.kernel import Workspace
from ..optimizers.learned import LearnedOptimizer, detach
from ..optimizers.segment import one_call
from ..problems import Composite, synthetic
from ..support.files import read_npz, write_bytes, write_npz
from ..support.memory import data_size, require_memory, run_size
from .config import TrainingConfig, split_seed
from .measures import reference_values, score, segment_loss, segment_weights
from .state import TrainingState

_MAX_SKIPPED_SHARE = 0.2
_SAVE_EVERY_SECONDS = 20.0
Progress = Callable[[int, int, float], None]
Trainable = LearnedOptimizer | Guaranteed
"""What has weights to train: a learned optimizer, alone or with a guarantee around it."""


@dataclass(frozen=True)
class Trained:
    """What training leaves: the optimizer with its best weights, their file, and the manifest beside it.

    `stages`: batches done -> the optimizer with the weights it had then, for the stages that were asked for.
    """

    optimizer: Optimizer
    path: Path | None
    manifest: dict[str, Any]
    resumed_at: int
    stages: dict[int, Optimizer] = field(default_factory=dict)


def _segment(model: Trainable, problem: Composite, state: Any, unroll: int, kind: str) -> tuple[torch.Tensor, Any]:
    together = one_call(model, problem, state, segment_weights(unroll, kind, state.x))
    if together is not None:
        return together
    values = []
    for _ in range(unroll):
        state = model.step(problem, state)
        smooth, _ = problem.smooth.value_and_gradient(state.x)  # the gradient is for the next step
        values.append((smooth + problem.nonsmooth.value(state.x)).mean())
    return segment_loss(torch.stack(values), kind), state


def _adam(state: TrainingState, gradient: dict[str, torch.Tensor], rate: float) -> None:
    """One Adam update (Kingma and Ba 2015; 0.9, 0.999, 1e-8), moments kept in `state` so that a run can resume."""
    state.updates += 1
    one, two = 1 - 0.9**state.updates, 1 - 0.999**state.updates
    for name, g in gradient.items():
        state.first[name] = 0.9 * state.first[name] + 0.1 * g
        state.second[name] = 0.999 * state.second[name] + 0.001 * g * g
        direction = (state.first[name] / one) / ((state.second[name] / two).sqrt() + 1e-8)
        state.weights[name] = state.weights[name] - rate * direction


def _train_batch(model: Trainable, config: TrainingConfig, state: TrainingState, workspace: Workspace) -> float:
    schedule = config.training
    dtype = getattr(torch, schedule.precision)
    index = state.batches_done % schedule.batches
    rate = schedule.learning_rate * schedule.decay ** (state.batches_done // schedule.batches)
    seed = split_seed("train", index, schedule.seed)
    double = config.problem.build(schedule.batch, seed)
    x0 = synthetic.starts(double, seed=seed).to(dtype)
    problem, x0 = double.to(dtype, schedule.device).remembering(), x0.to(schedule.device)
    run_state = model.with_parameters(state.weights).init(problem, x0)
    last, felt = math.nan, False
    for _ in range(schedule.horizon // schedule.unroll):
        leaves = {n: w.detach().requires_grad_() for n, w in state.weights.items()}
        prepared = model.with_parameters(leaves).prepared(workspace)
        loss, run_state = _segment(prepared, problem, run_state, schedule.unroll, schedule.loss)
        # Of the layers of Ada-LISTA a segment may use the last only, and where a guard leads on all instances it uses
        # no weight; the others have the gradient 0.
        felt = felt or loss.requires_grad
        gradients = (
            torch.autograd.grad(loss, list(leaves.values()), allow_unused=True, materialize_grads=True)
            if loss.requires_grad
            else [torch.zeros_like(w) for w in leaves.values()]
        )
        loss = loss.detach()
        size = float(torch.stack([g.square().sum() for g in gradients]).sum().sqrt())
        if not math.isfinite(size) or not math.isfinite(float(loss)):
            state.skipped += 1
            break
        factor = 1.0 if schedule.clip is None else min(1.0, schedule.clip / (size + 1e-6))
        _adam(state, {n: factor * g for n, g in zip(leaves, gradients, strict=True)}, rate)
        run_state = detach(run_state)
        last = float(loss)
    if not felt:
        raise InputError(
            "training: no weight has an influence on the loss, because the guard leads on every instance of a batch; "
            'begin with trained weights, as base = "go-math-l2o:lasso" in the options of the model.'
        )
    state.batches_done += 1
    return last


@dataclass(frozen=True)
class HeldOut:
    """The validation instances, in float64, with their initial points and an estimate of F*."""

    problem: Composite
    x0: torch.Tensor
    reference: torch.Tensor
    steps: int
    criterion: str

    @classmethod
    def make(cls, config: TrainingConfig, index: int = 0, times: int = 1) -> HeldOut:
        """Batch `index` of the validation split, `times` as many instances as the config says."""
        judge = config.validation
        seed = split_seed("validation", index, judge.seed)
        problem = config.problem.build(times * judge.batch, seed).to(device=config.training.device)
        x0 = synthetic.starts(problem, seed=seed)
        return cls(problem, x0, reference_values(problem, x0), judge.steps, judge.criterion)

    @torch.no_grad()
    def score(self, model: Optimizer) -> float:
        """The score of a run of `model`; less is better."""
        problem, values = self.problem.remembering(), []
        run = model.init(problem, self.x0)
        for _ in range(self.steps):
            run = model.step(problem, run)
            values.append(problem.objective(run.x))
        return score(torch.stack(values), self.criterion, self.reference)


def _validate(model: Trainable, held_out: HeldOut, state: TrainingState) -> None:
    loss = held_out.score(model.with_parameters(state.weights))
    state.curve.append([state.updates, loss])
    if loss < state.best_loss:
        state.best_loss, state.best_at = loss, state.updates
        state.best = {n: w.detach().clone() for n, w in state.weights.items()}


def weights_hash(weights: dict[str, np.ndarray]) -> str:
    """Hex digest of names, shapes and float64 values of weights."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        array = np.ascontiguousarray(weights[name], dtype="<f8")
        digest.update(f"{name}{array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()


def _manifest(config: TrainingConfig, state: TrainingState, digest: str, command: str) -> dict[str, Any]:
    return {
        "model": config.model.name,
        "options": config.model.options,
        "family": config.problem.family,
        "config": config.model_dump(mode="json"),
        "config_digest": config.digest,
        "seed": config.training.seed,
        "updates": state.updates,
        "skipped_segments": state.skipped,
        "best_update": state.best_at,
        "validation_loss": state.best_loss,
        "validation_curve": state.curve,
        "sha256": digest,
        "command": command,
        "seconds": round(state.seconds, 1),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def _numpy(weights: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    return {n: w.detach().cpu().double().numpy() for n, w in weights.items()}


@dataclass
class _Stages:
    """Weights as they were after some numbers of batches, in files beside the state where there is a folder."""

    wanted: frozenset[int]
    folder: Path | None
    digest: str
    weights: dict[int, dict[str, np.ndarray]] = field(default_factory=dict)

    def _path(self, batches: int) -> Path | None:
        return None if self.folder is None else self.folder / f"stage-{batches}-{self.digest[:12]}.npz"

    def resume(self, done: int, shapes: dict[str, torch.Size]) -> None:
        """Take up the stages that an earlier call has passed."""
        for batches in sorted(b for b in self.wanted if b < done):
            path = self._path(batches)
            if path is None or not path.exists():
                raise InputError(
                    f"{self.folder}: a training stands there at {done} batches, and its weights after {batches} were "
                    f"not kept; give another folder, or delete it to start over."
                )
            weights = read_npz(path, "the weights of a stage", "delete the folder to start over")
            fits = {n: a.shape for n, a in weights.items()} == {n: tuple(s) for n, s in shapes.items()}
            if not fits or any(a.dtype != np.float64 for a in weights.values()):
                raise InputError(f"{path}: not the weights of this model, or damaged; delete the folder to start over.")
            self.weights[batches] = weights

    def keep(self, state: TrainingState) -> None:
        """Keep the weights as they are now, if they were asked for."""
        if state.batches_done in self.wanted and state.batches_done not in self.weights:
            weights, path = _numpy(state.weights), self._path(state.batches_done)
            self.weights[state.batches_done] = weights
            if path is not None:
                write_npz(path, weights)


def _check_memory(config: TrainingConfig) -> None:
    """Refuse batches, or a graph of `unroll` iterations, that do not fit into memory; before anything is made."""
    schedule, problem, judge = config.training, config.problem, config.validation
    rows = problem.data_rows
    for name, batch in (("training", schedule.batch), ("validation", judge.batch)):
        what = f"{name}.batch: {batch} instances of {rows} x {problem.dim}"
        require_memory(data_size(batch, rows, problem.dim), what, "ask for fewer instances or smaller sizes")
    itemsize = 4 if schedule.precision == "float32" else 8
    what = f"training.unroll: the graph of {schedule.unroll} iterations on {schedule.batch} instances"
    size = run_size(schedule.batch, problem.dim, schedule.unroll, itemsize=itemsize)
    require_memory(size, what, "ask for a smaller unroll, or fewer instances")


def train_one(
    config: TrainingConfig, folder: Path | None, progress: Progress | None, command: str, stages: frozenset[int]
) -> Trained:
    """Train with one seed, in an existing folder; see `l2o.train`."""
    schedule = config.training
    _check_memory(config)
    model = config.model.build(schedule.seed)
    assert isinstance(model, (LearnedOptimizer, Guaranteed))  # the config checked it
    assert model.parameters is not None
    dtype = getattr(torch, schedule.precision)
    state_file = None if folder is None else folder / "state.npz"
    if state_file is not None and state_file.exists():
        state = TrainingState.load(state_file, config.digest)
        state.check({n: w.shape for n, w in model.parameters.items()}, state_file)
        for group in TrainingState._GROUPS:
            moved = {n: t.to(dtype=dtype, device=schedule.device) for n, t in getattr(state, group).items()}
            setattr(state, group, moved)
    else:
        start = {n: w.to(dtype=dtype, device=schedule.device) for n, w in model.parameters.items()}
        state = TrainingState.start(config.digest, start)
    resumed_at = state.batches_done

    held_out = HeldOut.make(config)
    snapshots = _Stages(stages, folder, config.digest)
    snapshots.resume(resumed_at, {n: w.shape for n, w in state.weights.items()})
    snapshots.keep(state)
    if not state.curve:  # the untrained model is a candidate too: a diverging run must not replace it
        _validate(model, held_out, state)
    total = schedule.epochs * schedule.batches
    begun, saved = time.monotonic() - state.seconds, time.monotonic()
    consistent, workspace = state.copy(), Workspace()
    try:
        while state.batches_done < total:
            loss = _train_batch(model, config, state, workspace)
            snapshots.keep(state)
            if state.batches_done % config.validation.every == 0 or state.batches_done == total:
                _validate(model, held_out, state)
            if state.skipped > max(5, _MAX_SKIPPED_SHARE * state.batches_done):
                raise InputError(
                    f"training diverged: {state.skipped} of {state.batches_done} batches ended in a loss or gradient "
                    f"that is not finite; lower learning_rate or unroll."
                )
            state.seconds = time.monotonic() - begun
            consistent = state.copy()
            if state_file is not None and time.monotonic() - saved > _SAVE_EVERY_SECONDS:
                state.save(state_file)
                saved = time.monotonic()
            if progress is not None:
                progress(state.batches_done, total, loss)
    finally:
        # Also on the way out of an interruption, which may have come in the middle of a batch: the last whole one.
        if state_file is not None and consistent.batches_done > resumed_at:
            consistent.save(state_file)

    best = _numpy(state.best)
    manifest = _manifest(config, state, weights_hash(best), command)
    path = None
    if folder is not None:
        path = write_npz(folder / "weights.npz", best)
        write_bytes(folder / "manifest.json", (json.dumps(manifest, indent=1) + "\n").encode())

    def carrying(weights: dict[str, np.ndarray]) -> Optimizer:
        return model.with_parameters({n: torch.from_numpy(a) for n, a in weights.items()})

    at = {batches: carrying(weights) for batches, weights in sorted(snapshots.weights.items())}
    return Trained(carrying(best), path, manifest, resumed_at, at)
