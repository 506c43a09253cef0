"""`l2obound sensitivity`, `conditioning`, `beyond-convex` and `drift`: the verbs of the studies.

With an optimizer of the user's, or data of theirs, sensitivity and drift ask their questions of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from ...studies import load
from ..options import COUNT, OPTIMIZER, SPLIT_SEED, WEIGHT, CheckpointKind, Data, Weights
from ..studies import Other, several, verb

ALL = "all"


def _none_of_all(given: list[str] | None) -> list[str] | None:
    """The patterns that are asked for; None for all of them."""
    return None if ALL in (given or ()) else given


FAMILIES = several(
    "quadratic, lasso or logistic_l1; may be repeated. All if left out. With your model: one family, or MODULE:NAME or "
    "FILE.py:NAME, a function (seed, batch, **options) -> problem; lasso if left out."
)
LOSSES = several("sigmoid_loss, student_t or welsch; may be repeated. All if left out.")
PATTERNS = several("A deviation pattern, or all; may be repeated. All if left out.", callback=_none_of_all)
MODELS = several(
    "go-math-l2o, l2o-pa, l2o-dm, l2o-rnnprop or ada-lista; may be repeated. All if left out, the first two with "
    "--quick. With your data: one optimizer, yours too."
)
SHIFTS = several(
    "dictionary, noise, sparsity, lam, conditioning, dimension, start or objective; may be repeated. All if left out."
)


def _count(words: str) -> Any:
    return Annotated[int | None, typer.Option(callback=COUNT, help=words)]


def _side(words: str) -> Any:
    return Annotated[Path | None, typer.Option(help=words)]


def _family(words: str) -> Any:
    return Annotated[str | None, typer.Option(help=words)]


MODEL = {
    "optimizer": Annotated[
        str | None, typer.Option(help=f"Your model, in the place of the shipped ones. {OPTIMIZER}.")
    ],
    "kind": CheckpointKind,
    "weights": Weights,
}
"""How a model of one's own is named."""
PROBLEM = {
    "data": Data,
    "batch": _count("With your model: number of instances, 6 if left out."),
    "rows": _count("With your model: rows of A, 20 if left out."),
    "dim": _count("With your model: variables, 40 if left out."),
    "lam": Annotated[
        float | None,
        typer.Option(callback=WEIGHT, help="With your model: weight of the l1 norm, that of the file or 0.1."),
    ],
}
"""How a problem of one's own is named."""


def _one(given: Mapping[str, Any], option: str, otherwise: str | None = None) -> Any:
    """The one value of an option that the study of the shipped models takes several of."""
    value = given.get(option, otherwise)
    if not isinstance(value, (list, tuple)):
        return value
    if len(value) > 1:
        from ....errors import InputError

        raise InputError(f"--{option}: with your own model or data give one, got {', '.join(value)}.")
    return value[0]


def _model_of(given: Mapping[str, Any], family: str, dim: int) -> dict[str, Any]:
    """The optimizer, and its name for people."""
    from ..inputs import optimizer_of

    named, kind = _one(given, "optimizer"), given.get("kind")
    optimizer, label = optimizer_of(named, family, given.get("weights"), kind=kind, dim=dim)
    return {"optimizer": optimizer, "label": label}


def _problem_of(given: Mapping[str, Any], data: Path | None, seed: int) -> tuple[Any, str, str]:
    """The problem, its family, and its name for people."""
    from ....errors import InputError
    from ..inputs import data_problem, problem_of

    name = _one(given, "problem", "lasso")
    if data is None:
        sizes = (given.get("batch", 6), given.get("rows", 20), given.get("dim", 40))
        problem, family = problem_of(name, *sizes, given.get("lam"), seed)
        return problem, family, name
    if unfit := [option for option in ("batch", "rows", "dim") if option in given]:
        raise InputError(f"--{unfit[0]}: the file {data} has its own size; leave it out.")
    problem, family = data_problem(data, given.get("lam"), name)
    return problem, family, f"{family} of {data}"


def _sensitivity_of(given: Mapping[str, Any], seed: int) -> Any:
    from ...studies.sensitivity import ModelSettings

    problem, family, words = _problem_of(given, given.get("data"), seed)
    more: dict[str, Any] = {"sizes": (0.0, *sorted({*given["size"]} - {0.0}))} if "size" in given else {}
    more |= {"steps": given["steps"]} if "steps" in given else {}
    return ModelSettings(problem=problem, data=words, seed=seed, **_model_of(given, family, problem.dim), **more)


def _drift_of(given: Mapping[str, Any], seed: int) -> Any:
    from ....errors import InputError
    from ...studies.drift import ModelSettings

    sides = {}
    for side in ("train", "deployed"):
        data, name = given.get(f"{side}_data"), given.get(f"{side}_problem")
        if data is None and name is None:
            raise InputError(
                f"drift: expected two data sets beside the model, and there is no {side} one; give --{side}-data FILE "
                f"or --{side}-problem NAME."
            )
        sides[side] = _problem_of({**given, "problem": name or "lasso"}, data, seed)
    (train, family, words), (deployed, _, other) = sides["train"], sides["deployed"]
    more: dict[str, Any] = {"steps": given["steps"]} if "steps" in given else {}
    return ModelSettings(
        train=train, deployed=deployed, train_data=words, deployed_data=other, seed=seed,
        **_model_of(given, family, train.dim),
        **more,
    )  # fmt: skip


def _study(package: str, name: str) -> Any:
    return getattr(import_module(f"...studies.{package}", __package__), name)


def _verb(name: str, words: str, example: str, **more: Any) -> Any:
    return verb(name, partial(load, name), f"{words}\n\nExample: l2obound {name} --quick {example}", **more)


VERBS = {
    "sensitivity": _verb(
        "sensitivity",
        "Measure how far steps may drift from 1/L before the guarantee, and then the performance, ends.\n\n"
        "With --optimizer or --data: where the guarantees of that model on that problem end, and what deviations cost "
        "it.\n\n"
        "Exits with 1 where a run contradicts a guarantee, which would be a defect.",
        "--problem lasso --out sensitivity",
        quick="Fewer sizes, instances and steps.",
        options={"problem": ("families", FAMILIES), "pattern": ("patterns", PATTERNS)},
        other=Other(
            partial(_study, "sensitivity", "MODEL_STUDY"),
            {
                **MODEL,
                **PROBLEM,
                "size": Annotated[
                    list[float] | None,
                    typer.Option(callback=WEIGHT, help="With your model: a size of the deviations; may be repeated."),
                ],
                "steps": _count("With your model: steps K that are judged, 20 if left out."),
            },
            _sensitivity_of,
            shared=("pattern",),
            taken=("problem",),
        ),
    ),
    "conditioning": _verb(
        "conditioning",
        "Find whether a very large L, or an ill-conditioned problem, makes a learned optimizer fail, and why.\n\n"
        "Exits with 1 where a run contradicts a theorem of stability, invariance or rate, which would be a defect.",
        "--out conditioning",
        quick="Fewer points, methods and steps.",
    ),
    "beyond-convex": _verb(
        "beyond-convex",
        "Find which guarantees survive where f is not convex or points are constrained, and by which inequality the "
        "others fail.\n\nExits with 1 where a run contradicts what is proved, which would be a defect.",
        "--out beyond-convex",
        quick="One loss, fewer instances and steps.",
        options={"problem": ("families", LOSSES)},
    ),
    "training-curve": _verb(
        "training-curve",
        "Measure what more training brings: iterations at each stage that `l2obound train --stage` kept.\n\n"
        "Exits with 1 where a run contradicts a proved bound, which would be a defect.",
        "--training runs/mine",
        quick="Fewer instances.",
        options={
            "training": ("trainings", several("A folder of a finished training with stages; may be repeated.")),
            "size": ("sizes", several("Another size to run the best weights in, as 100x200; may be repeated.")),
            "batch": ("batch", _count("Number of instances.")),
            "steps": ("steps", _count("Number of steps.")),
        },
    ),
    "drift": _verb(
        "drift",
        "Measure what practical shifts of the distribution cost the shipped models for LASSO, and what the deviations "
        "consist of.\n\nWith --train-data and --deployed-data: what a change of your data costs a model.\n\n"
        "Exits with 1 where a bound is violated or an attribution does not add up, which would be a defect.",
        "--shift noise --shift lam --out drift",
        quick="Fewer models, instances and steps.",
        options={"optimizer": ("models", MODELS), "shift": ("shifts", SHIFTS)},
        other=Other(
            partial(_study, "drift", "MODEL_STUDY"),
            {
                **{name: MODEL[name] for name in ("kind", "weights")},
                "train_data": _side("The data that your model was trained for: an npz or a csv, as for `verify`."),
                "deployed_data": _side("The data that it is used on."),
                "train_problem": _family(
                    "In place of a file: a family, or a function of yours; for a csv, its family."
                ),
                "deployed_problem": _family("The same for the data that it is used on."),
                **{name: PROBLEM[name] for name in ("batch", "rows", "dim", "lam")},
                "steps": _count("With your data: steps K that are judged, 40 if left out."),
            },
            _drift_of,
            taken=("optimizer",),
        ),
        seed=Annotated[int, typer.Option(callback=SPLIT_SEED, help="Seed of the instances and starts, 0 to 999.")],
    ),
}
