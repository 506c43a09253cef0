"""Training with several seeds, of which the best is kept."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch

from ...errors import InputError
from ..support.files import write_bytes
from ..support.threads import SMALL, one_thread
from .config import TrainingConfig, load_config
from .loop import HeldOut, Progress, Trained, train_one

_FINAL = 4  # times as many instances as in a validation judge between seeds


def train(
    config: TrainingConfig | dict[str, Any] | str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    progress: Progress | None = None,
    command: str | None = None,
    stages: Collection[int] = (),
) -> Trained:
    """Train the optimizer that `config` names; keep the weights with the lowest validation score.

    With several seeds in the config each is trained in a folder of its own, `seed-N`; the best of them, by its score
    on fresh validation instances, is put beside them, and its manifest lists the scores of all.

    Args:
        config: A `TrainingConfig`, a dict or a TOML file of its keys.
        out: A folder. It gets `state.npz` while the run goes on (a later call with the same settings resumes there and
            ends with the same weights as an uninterrupted run) and at its end `weights.npz` and `manifest.json`.
        progress: Called after every batch with the batches done, the batches in all and the last training loss.
        command: What the manifest says the weights were made with.
        stages: Numbers of batches: the weights as they are after that many, not the best so far, are kept as well, in
            `Trained.stages` and in files `stage-*.npz` of the folder; 0 are the untrained ones. For one seed only.

    Returns:
        The trained optimizer with its manifest.

    Raises:
        InputError: For a configuration that makes no sense, a folder that cannot be used, and stages that do not
            exist.
    """
    if not isinstance(config, TrainingConfig):
        config = load_config(config)
    wanted = _stages(stages, config)
    folder = None if out is None else Path(out)
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise InputError(f"{folder}: cannot be used as the folder of a training ({problem.strerror}).") from None
    command = command or "l2o.train(config)"
    with _threads(config), torch.inference_mode(False), torch.enable_grad():  # the caller gets his mode back
        if config.training.seeds:
            return _best_of(config, folder, progress, command)
        return train_one(config, folder, progress, command, wanted)


@contextmanager
def _threads(config: TrainingConfig) -> Iterator[None]:
    """As many threads as the settings say; else one for small problems, and torch's number for others."""
    threads, problem = config.training.threads, config.problem
    if threads is None and config.training.batch * problem.data_rows * problem.dim < SMALL:
        threads = 1
    before = torch.get_num_threads()
    try:
        if threads is not None:
            torch.set_num_threads(min(threads, os.cpu_count() or 1))
        with one_thread() if threads == 1 else nullcontext():
            yield
    finally:
        torch.set_num_threads(before)


def _stages(stages: Collection[int], config: TrainingConfig) -> frozenset[int]:
    total = config.training.epochs * config.training.batches
    if not all(isinstance(b, int) and 0 <= b <= total for b in stages):
        raise InputError(f"stages: expected numbers of batches from 0 to {total}, got {list(stages)}.")
    if stages and config.training.seeds:
        raise InputError("stages: expected a training with one seed; name `seed` in the settings and no `seeds`.")
    return frozenset(stages)


def _single(config: TrainingConfig, seed: int) -> TrainingConfig:
    schedule = config.training.model_copy(update={"seed": seed, "seeds": ()})
    return config.model_copy(update={"training": schedule})


def _best_of(config: TrainingConfig, folder: Path | None, progress: Progress | None, command: str) -> Trained:
    seeds, runs = config.training.seeds, []
    for place, seed in enumerate(seeds):
        subfolder = None if folder is None else folder / f"seed-{seed}"
        if subfolder is not None:
            subfolder.mkdir(exist_ok=True)

        def tell(done: int, total: int, loss: float, place: int = place) -> None:
            if progress is not None:
                progress(place * total + done, len(seeds) * total, loss)

        runs.append(train_one(_single(config, seed), subfolder, tell, command, frozenset()))
    # Each seed's weights are the best of many on the validation instances, and so look better there than they are.
    judge = HeldOut.make(config, index=1, times=_FINAL)
    finals = [judge.score(run.optimizer) for run in runs]
    # NaN, of a seed that came to nothing, is never the least.
    best = runs[min(range(len(runs)), key=lambda i: (math.isnan(finals[i]), finals[i]))]
    listed = ("seed", "validation_loss", "best_update", "skipped_segments", "sha256", "seconds")
    manifest = best.manifest | {
        "config": config.model_dump(mode="json"),
        "config_digest": config.digest,
        "seeds": [
            {name: run.manifest[name] for name in listed} | {"final_score": final} for run, final in zip(runs, finals)
        ],
    }
    path = None
    if folder is not None:
        assert best.path is not None
        path = write_bytes(folder / "weights.npz", best.path.read_bytes())
        write_bytes(folder / "manifest.json", (json.dumps(manifest, indent=1) + "\n").encode())
    return Trained(best.optimizer, path, manifest, sum(run.resumed_at for run in runs))
