"""`l2obound train`: weights, a manifest, and a state to go on from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from .... import l2o
from ..console import console, emit, progress_bar
from ..inputs import command
from ..options import writable_folder


def train(
    config: Annotated[Path, typer.Argument(help="TOML file; see configs/.")],
    out: Annotated[Path | None, typer.Option(help="Folder for weights, manifest and resumable state.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest.")] = False,
) -> None:
    """Train a learned optimizer; interrupted and started again with the same --out, it goes on where it was.

    Example: l2obound train configs/train-go-math-l2o-lasso.toml --out runs/go-math-l2o
    """
    settings = l2o.training.load_config(config)
    folder = writable_folder(Path("runs") / config.stem if out is None else out)
    with progress_bar() as bar:
        task = bar.add_task("training", total=None)
        trained = l2o.train(
            settings,
            folder,
            command=command(),
            progress=lambda done, total, loss: bar.update(
                task, completed=done, total=total, description=f"loss {loss:.6g}"
            ),
        )
    if as_json:
        emit(json.dumps(trained.manifest))
        return
    if trained.resumed_at:
        console.print(f"resumed after {trained.resumed_at} batches found in {folder}", highlight=False, markup=False)
    m = trained.manifest
    console.print(
        f"{m['model']}: validation loss {m['validation_loss']:.6g} at update {m['best_update']} of {m['updates']}\n"
        f"{trained.path}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


VERBS = {"train": train}
