"""The command: `python -m sharper_bound --quick`."""

from typing import Annotated

import typer

from l2obound.verification.cli.options import COUNT
from l2obound.verification.cli.studies import main, several, verb

from . import STUDY

main(
    verb(
        "sharper-bound",
        lambda: STUDY,
        "For how many steps B6c, the bound of a run, is below B3, the rate of exact steps, on LASSO.",
        quick="Fewer instances and steps.",
        options={
            "optimizer": ("optimizers", several("go-math-l2o, l2o-rnnprop or ista; may be repeated. All if left out.")),
            "steps": ("steps", Annotated[int | None, typer.Option(callback=COUNT, help="Number of steps.")]),
        },
    )
)
