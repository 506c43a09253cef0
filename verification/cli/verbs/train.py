"""`l2obound train`: weights, a manifest, and a state to go on from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ....errors import InputError
from ..answer import Answer, print_answer
from ..console import emit, progress_bar
from ..inputs import command
from ..options import COUNT, writable_folder
from .names import print_named, trainings


def train(
    config: Annotated[
        str | None, typer.Argument(help="A TOML file, or the name of a training that made shipped weights, see --list.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for weights, manifest and resumable state; runs/NAME if left out.")
    ] = None,
    stage: Annotated[
        list[int] | None,
        typer.Option(
            callback=COUNT, help="Keep the weights after this number of batches as stage-*.npz too; may be repeated."
        ),
    ] = None,
    shipped: Annotated[bool, typer.Option("--list", help="List the shipped trainings; train nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest, or the list, as JSON.")] = False,
) -> None:
    """Train a learned optimizer, or go on with a training that was interrupted, from what is in --out.

    Example: l2obound train go-math-l2o-lasso --out runs/go-math-l2o
    """
    from .... import l2o

    if shipped:
        print_named({"trainings": trainings()}, as_json)
        return
    if config is None:
        raise InputError("train: give a TOML file, or a name of `l2obound train --list`.")
    settings = l2o.training.load_config(config)
    folder = writable_folder(Path("runs") / Path(config).stem if out is None else out)
    with progress_bar() as bar:
        task = bar.add_task("starting", total=None)
        trained = l2o.train(
            settings,
            folder,
            command=command(),
            stages=stage or (),
            progress=lambda done, total, loss: bar.update(
                task, completed=done, total=total, description=f"batches, loss {loss:.4g}"
            ),
        )
    if as_json:
        emit(json.dumps(trained.manifest))
        return
    m = trained.manifest
    batches = settings.training.epochs * settings.training.batches
    if trained.resumed_at >= batches:
        again = [f"The training in {folder} was finished before, and nothing was trained now."]
    elif trained.resumed_at:
        again = [f"The training went on after batch {trained.resumed_at}, which {folder} had."]
    else:
        again = []
    print_answer(
        Answer(
            finding=[
                f"{m['model']} is trained: {m['updates']:,} updates on {batches:,} batches. The weights after update "
                f"{m['best_update']:,} are kept, because their loss on the validation instances is the least, "
                f"{m['validation_loss']:.4g}.",
                *again,
            ],
            where=[trained.path or folder],
            next=f"`l2obound verify --weights {folder}` holds bounds against the model.",
        )
    )


VERBS = {"train": train}
