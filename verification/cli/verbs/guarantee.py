"""`l2obound guarantee`: what holds of a new instance, with confidence, from a sample of instances."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..answer import Answer, Table, print_answer
from ..console import emit, progress_bar
from ..options import (
    COUNT,
    NUMBER,
    OPTIMIZER,
    POSITIVE,
    SPLIT_SEED,
    WEIGHT,
    CheckpointKind,
    FigureStyle,
    Verbose,
    real,
    whole,
    writable_folder,
)

if TYPE_CHECKING:
    from ...guarantees import Guarantee


def guarantee(
    optimizer: Annotated[
        str, typer.Argument(help=f"{OPTIMIZER}. A learned one by its bare name has the weights shipped for the family.")
    ],
    kind: CheckpointKind = None,
    problem: Annotated[
        str,
        typer.Option(
            help="lasso, logistic_l1, quadratic or another of l2o.synthetic; or MODULE:NAME or FILE.py:NAME, a "
            "function (seed, batch, **options) that draws instances."
        ),
    ] = "lasso",
    steps: Annotated[int, typer.Option(callback=COUNT, help="Iterations K.")] = 100,
    eps: Annotated[
        list[float] | None,
        typer.Option(callback=POSITIVE, help="Gap F(x_K) - F*; may be repeated. 1e-4 if left out."),
    ] = None,
    rho: Annotated[
        list[float] | None, typer.Option(callback=WEIGHT, help="Deviation r; may be repeated. 1 if left out.")
    ] = None,
    instances: Annotated[int, typer.Option(callback=COUNT, help="Size N of the sample.")] = 1000,
    delta: Annotated[
        float, typer.Option(callback=real(0, 1, above=True), help="Probability with which a statement may be wrong.")
    ] = 0.05,
    rows: Annotated[int, typer.Option(callback=COUNT, help="Rows of A.")] = 20,
    dim: Annotated[int, typer.Option(callback=COUNT, help="Variables.")] = 40,
    sparsity: Annotated[
        int | None, typer.Option(callback=whole(0, 10**12), help="Non-zeros of x_true; the family's own if left out.")
    ] = None,
    lam: Annotated[
        float | None, typer.Option(callback=WEIGHT, help="Weight of the l1 norm; the family's own if left out.")
    ] = None,
    s: Annotated[float, typer.Option("--s", callback=NUMBER, help="Shift of the initial point.")] = 0.0,
    t: Annotated[float, typer.Option("--t", callback=NUMBER, help="Shift of the objective.")] = 0.0,
    seed: Annotated[int, typer.Option(callback=SPLIT_SEED, help="Seed of the sample, chosen beforehand.")] = 0,
    batch: Annotated[int, typer.Option(callback=COUNT, help="Instances in memory at once.")] = 100,
    compare: Annotated[
        bool, typer.Option("--compare", help="Evaluate B6c, and the exact worst case of classical methods, too.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for the sample, the statements and the figure.")] = None,
    style: FigureStyle = "none",
    verbose: Verbose = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the statements as JSON.")] = False,
) -> None:
    """State what holds of a new instance of a family, with confidence 1 - delta over a sample of N of them.

    Example: l2obound guarantee go-math-l2o --problem lasso --steps 100 --eps 1e-4 --instances 1000 --out guarantee
    """
    from .... import l2o
    from ....l2o.support.files import write_bytes
    from ... import guarantees
    from ...guarantees.figures import write_figure

    if out is not None:
        writable_folder(out)
    family = {"family": problem, "rows": rows, "dim": dim, "sparsity": sparsity, "lam": lam, "s": s, "t": t}
    with progress_bar() as bar:
        task = bar.add_task("instances", total=instances, visible=False)  # not beside an error in what was asked
        result = guarantees.guarantee(
            optimizer if kind is None else l2o.resolve_optimizer(optimizer, kind=kind),
            family,
            steps,
            eps=eps or (1e-4,),
            rho=rho or (1.0,),
            delta=delta,
            instances=instances,
            seed=seed,
            batch=batch,
            compare=compare,
            progress=lambda done: bar.update(task, completed=done, visible=True),
        )
    text = json.dumps(result.to_dict(), allow_nan=False)
    written: list[Path] = []
    if out is not None:
        written = [result.save(out / "guarantee.npz"), write_bytes(out / "guarantee.json", text.encode())]
        written += write_figure(result, out)
    if as_json:
        emit(text)
        return
    print_answer(_answer(result, written), verbose)


def _answer(result: Guarantee, written: list[Path]) -> Answer:
    """A row for each statement on the last step."""
    from ...guarantees.result import floored, interval_words

    k, n = result.steps, result.instances
    rows = [
        [f"P(F(x_{k}) - F* <= {eps:g})", f"at least {floored(low)}", f"{good} of {n}"]
        for eps, low, good in zip(result.eps, result.final, result.successes[:, -1], strict=True)
    ]
    rows += [
        [f"P(largest rho_k <= {r:g})", f"at least {floored(low)}", f"{good} of {n}"]
        for r, low, good in zip(result.radii, result.deviation_final, result.within, strict=True)
    ]
    for name, curves in ((f"F(x_{k}) - F*", result.gap_curves), ("largest rho_k", result.deviation_curves)):
        rows += [
            [f"{q:g}-quantile of {name}", f"in {interval_words(low, up)}", ""]
            for q, low, up in zip(result.quantiles, curves.lower[:, -1], curves.upper[:, -1], strict=True)
        ]
    level = 1 - result.delta
    failures = (
        f" {result.diverged} runs diverged and {result.uncertain} F* have no lower bound; they count as failures."
    )
    return Answer(
        title=f"{result.label} on {result.describe()}",
        table=Table(("of a new instance", "with confidence", "in the sample"), rows, "statements"),
        finding=[
            f"Each statement holds with confidence {level:.6g} over the sample of {n} instances. It is about a new "
            f"instance of the same distribution, and not about another distribution."
            + (failures if result.diverged or result.uncertain else "")
        ],
        where=written,
        next="a larger --instances makes the statements sharper; --verbose prints all of them.",
        details=[result.summary()],
    )


VERBS = {"guarantee": guarantee}
