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
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from l2o._errors import InputError
from l2o._files import write_bytes, write_npz
from l2o.optimizers import Optimizer
from l2o.optimizers._learned import LearnedOptimizer, detach
from l2o.optimizers.kernel import Workspace
from l2o.problems import Composite, synthetic
from l2o.training.config import TrainingConfig, load_config, split_seed
from l2o.training.state import TrainingState

_MAX_SKIPPED_SHARE = 0.2
_SAVE_EVERY_SECONDS = 20.0
Progress = Callable[[int, int, float], None]


@dataclass(frozen=True)
class Trained:
    """What training leaves: the optimizer with its best weights, their file, and the manifest beside it."""

    optimizer: Optimizer
    path: Path | None
    manifest: dict[str, Any]
    resumed_at: int


def _weights_loss(unroll: int, kind: str, like: torch.Tensor) -> torch.Tensor:
    weights = torch.ones(unroll) if kind == "mean" else torch.arange(1, unroll + 1)
    return (weights / weights.sum()).to(like)


def _segment(
    model: LearnedOptimizer, problem: Composite, state: Any, unroll: int, kind: str
) -> tuple[torch.Tensor, Any]:
    values = []
    for _ in range(unroll):
        state = model.step(problem, state)
        smooth, _ = problem.smooth.value_and_gradient(state.x)  # the gradient is for the next step
        values.append((smooth + problem.nonsmooth.value(state.x)).mean())
    stacked = torch.stack(values)
    return (stacked * _weights_loss(unroll, kind, stacked)).sum(), state


def _adam(state: TrainingState, gradient: dict[str, torch.Tensor], rate: float) -> None:
    """One Adam update (Kingma and Ba 2015; 0.9, 0.999, 1e-8), moments kept in `state` so that a run can resume."""
    state.updates += 1
    one, two = 1 - 0.9**state.updates, 1 - 0.999**state.updates
    for name, g in gradient.items():
        state.first[name] = 0.9 * state.first[name] + 0.1 * g
        state.second[name] = 0.999 * state.second[name] + 0.001 * g * g
        direction = (state.first[name] / one) / ((state.second[name] / two).sqrt() + 1e-8)
        state.weights[name] = state.weights[name] - rate * direction


def _train_batch(model: LearnedOptimizer, config: TrainingConfig, state: TrainingState, workspace: Workspace) -> float:
    schedule = config.training
    dtype = getattr(torch, schedule.precision)
    index = state.batches_done % schedule.batches
    rate = schedule.learning_rate * schedule.decay ** (state.batches_done // schedule.batches)
    seed = split_seed("train", index, schedule.seed)
    double = config.problem.build(schedule.batch, seed)
    x0 = synthetic.starts(double, seed=seed).to(dtype)
    problem = double.to(dtype, schedule.device).remembering()
    run_state = model.with_parameters(state.weights).init(problem, x0.to(schedule.device))
    last = math.nan
    for _ in range(schedule.horizon // schedule.unroll):
        leaves = {n: w.detach().requires_grad_() for n, w in state.weights.items()}
        prepared = model.with_parameters(leaves).prepared(workspace)
        loss, run_state = _segment(prepared, problem, run_state, schedule.unroll, schedule.loss)
        gradients = torch.autograd.grad(loss, list(leaves.values()))
        loss = loss.detach()
        size = float(torch.stack([g.square().sum() for g in gradients]).sum().sqrt())
        if not math.isfinite(size) or not math.isfinite(float(loss)):
            state.skipped += 1
            break
        factor = 1.0 if schedule.clip is None else min(1.0, schedule.clip / (size + 1e-6))
        _adam(state, {n: factor * g for n, g in zip(leaves, gradients, strict=True)}, rate)
        run_state = detach(run_state)
        last = float(loss)
    state.batches_done += 1
    return last


@torch.no_grad()
def _validate(model: LearnedOptimizer, problem: Composite, x0: torch.Tensor, steps: int, state: TrainingState) -> None:
    trained, problem = model.with_parameters(state.weights), problem.remembering()
    run, total = trained.init(problem, x0), 0.0
    for _ in range(steps):
        run = trained.step(problem, run)
        total += float(problem.objective(run.x).mean())
    loss = total / steps
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


def train(
    config: TrainingConfig | dict[str, Any] | str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    progress: Progress | None = None,
    command: str | None = None,
) -> Trained:
    """Train the optimizer that `config` names; keep the weights with the lowest validation loss.

    With `out`, the folder gets `state.npz` while the run goes on (a later call with the same settings resumes there
    and ends with the same weights as an uninterrupted run) and at its end `weights.npz` and `manifest.json`.
    `progress(batches done, batches in all, last training loss)` is called after every batch.
    """
    if not isinstance(config, TrainingConfig):
        config = load_config(config)
    folder = None if out is None else Path(out)
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise InputError(f"{folder}: cannot be used as the folder of a training ({problem.strerror}).") from None
    before = torch.get_num_threads()
    try:
        if config.training.threads is not None:
            torch.set_num_threads(config.training.threads)
        return _train(config, folder, progress, command)
    finally:
        torch.set_num_threads(before)


def _train(config: TrainingConfig, folder: Path | None, progress: Progress | None, command: str | None) -> Trained:
    schedule = config.training
    model = config.model.build(schedule.seed)
    assert isinstance(model, LearnedOptimizer)  # the config checked it
    dtype = getattr(torch, schedule.precision)
    state_file = None if folder is None else folder / "state.npz"
    if state_file is not None and state_file.exists():
        state = TrainingState.load(state_file, config.digest)
        for group in TrainingState._GROUPS:
            moved = {n: t.to(dtype=dtype, device=schedule.device) for n, t in getattr(state, group).items()}
            setattr(state, group, moved)
    else:
        start = {n: w.to(dtype=dtype, device=schedule.device) for n, w in model.parameters.items()}
        state = TrainingState.start(config.digest, start)
    resumed_at = state.batches_done

    seed = split_seed("validation", 0, schedule.seed)
    held_out = config.problem.build(config.validation.batch, seed)
    x0 = synthetic.starts(held_out, seed=seed).to(dtype=dtype, device=schedule.device)
    held_out = held_out.to(dtype, schedule.device)

    if not state.curve:  # the untrained model is a candidate too: a diverging run must not replace it
        _validate(model, held_out, x0, config.validation.steps, state)
    total = schedule.epochs * schedule.batches
    begun, saved = time.monotonic() - state.seconds, time.monotonic()
    consistent, workspace = state.copy(), Workspace()
    try:
        while state.batches_done < total:
            loss = _train_batch(model, config, state, workspace)
            if state.batches_done % config.validation.every == 0 or state.batches_done == total:
                _validate(model, held_out, x0, config.validation.steps, state)
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

    best = {n: w.detach().cpu().double().numpy() for n, w in state.best.items()}
    manifest = _manifest(config, state, weights_hash(best), command or "l2o.train(config)")
    path = None
    if folder is not None:
        path = write_npz(folder / "weights.npz", best)
        write_bytes(folder / "manifest.json", (json.dumps(manifest, indent=1) + "\n").encode())
    tensors = {n: torch.from_numpy(a) for n, a in best.items()}
    return Trained(model.with_parameters(tensors), path, manifest, resumed_at)
