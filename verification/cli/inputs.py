"""What verbs of the command line share: problems, optimizers and runs by their options, and exit codes."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import InputError

if TYPE_CHECKING:
    from ... import l2o


def command() -> str:
    """The command as it was given."""
    return shlex.join(["l2obound", *sys.argv[1:]])


def exit_code(verdicts: list[str], strict: bool) -> int:
    """1 for a violation, 3 with `strict` for what is inconclusive, else 0."""
    if "violated" in verdicts:
        return 1
    return 3 if strict and "inconclusive" in verdicts else 0


def data_problem(path: Path, lam: float | None, kind: str) -> tuple[l2o.Composite, str]:
    """A problem and its family, from the user's file.

    A csv is of the family `kind`; an npz says what it is by its arrays, A and y, A and labels, or Q and c. Other arrays
    are ignored; where there are those of several families, `kind` says which is meant. The weight of the l1 norm is
    `lam`, else the file's own, else 0.1; a quadratic has none.
    """
    from ... import l2o
    from ...l2o.support.files import read_npz

    if path.suffix.lower() == ".csv":
        if kind not in ("lasso", "logistic_l1"):
            raise InputError(f"{path}: --problem must be lasso or logistic_l1 for a csv, got {kind!r}.")
        return l2o.real.load(path, kind, lam=lam), kind
    arrays = set(read_npz(path, "an npz of arrays", "save A and y (or labels, or Q and c) with numpy.savez"))
    wanted = {"lasso": {"A", "y"}, "logistic_l1": {"A", "labels"}, "quadratic": {"Q", "c"}}
    families = [name for name, needed in wanted.items() if needed <= arrays]
    if not families:
        raise InputError(
            f"{path}: expected arrays A and y, A and labels, or Q and c (and lam), "
            f"got {', '.join(sorted(arrays)) or 'none'}."
        )
    if len(families) > 1 and kind not in families:
        raise InputError(f"{path}: it has the arrays of {' and '.join(families)}; say which with --problem.")
    family = kind if len(families) > 1 else families[0]
    return l2o.real.load(path, family, lam=lam), family


def problem_of(name: str, batch: int, rows: int, dim: int, lam: float | None, seed: int) -> tuple[l2o.Composite, str]:
    """The instances of a family, or the data set, of that name, and the family whose shipped weights fit.

    A family that has no rows, say, ignores them; `lam` None is 0.1 (of code of the user: its own
    default), and another is an error where there is no such weight.
    """
    from ...l2o.problems.families import FAMILIES, build, family_of

    family = family_of(name)
    if family.needs_path:
        raise InputError(f"{name} reads your files, which a sweep does (path = ...); here give --data FILE.")
    if lam is not None and "lam" not in family.fields:
        raise InputError(f"--lam is the weight of a norm, and a {name} has none; leave it out.")
    given = {"rows": rows, "dim": dim, "lam": 0.1 if lam is None and name in FAMILIES else lam}
    options: dict[str, Any] = {option: value for option, value in given.items() if option in family.fields}
    return build(name, 1 if family.single else batch, seed, **options), family.trained_for


def given_problem(
    name: str, data: Path | None, batch: int, rows: int, dim: int, lam: float | None, seed: int, t: float = 0.0
) -> tuple[l2o.Composite, str]:
    """The problem of --data, else that of --problem in these sizes, as F(x + t); and the family whose weights fit."""
    if data is None:
        problem, family = problem_of(name, batch, rows, dim, lam, seed)
    else:
        problem, family = data_problem(data, lam, name)
    return (problem.shifted(t) if t else problem), family


DEFAULT = "go-math-l2o"
"""The optimizer of a verb that is given neither a name nor weights."""


def optimizer_of(
    name: str | None,
    family: str,
    weights: Path | None = None,
    untrained: bool = False,
    kind: str | None = None,
    dim: int | None = None,
) -> tuple[Any, str]:
    """The optimizer, and its name for people: a learned one says which weights it has.

    Args:
        name: whatever `l2o.resolve_optimizer` takes as a text; None for the model of `weights`, else for `DEFAULT`.
        family: a learned one by its bare name has the weights shipped for this family.
        weights: a folder of `l2obound train`, of the model that is named.
        untrained: random weights instead of those shipped.
        kind: that of a checkpoint.
        dim: the number of variables, by which weights of several sizes are chosen.
    """
    from ... import l2o

    opt: Any
    if weights is not None:
        opt, manifest = l2o.load_trained(weights)
        if untrained or kind is not None:
            other = "--untrained" if untrained else f"--kind {kind}"
            raise InputError(f"{other} says that the weights are not those of --weights {weights}; leave out one.")
        if name not in (None, opt.name):
            raise InputError(
                f"--optimizer {name}: the weights in {weights} are those of {opt.name}; give --optimizer {opt.name}, "
                f"or leave it out."
            )
        return opt, f"{opt.name} (trained on {manifest['family']}, {weights})"
    name = DEFAULT if name is None else name
    if untrained and name not in l2o.optimizer_names():
        raise InputError(f"--untrained belongs to the bare name of a learned optimizer, got {name}; leave it out.")
    source = l2o.resolve_optimizer(name, family=None if untrained else family, dim=dim, kind=kind)
    return source.fresh(), source.label


def lower_of(text: str | None) -> list[float] | float | None:
    """The numbers of --lower."""
    if text is None:
        return None
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"--lower: expected a number, or one for each instance as in 0.5,0.7, got {text!r}.") from None
    return numbers[0] if len(numbers) == 1 else numbers


def given_run(path: Path, problem: l2o.Composite) -> l2o.Run:
    """The run in a file of `Run.save`, or of iterates."""
    from ... import l2o

    return l2o.read_run(path, problem, name="given iterates")
