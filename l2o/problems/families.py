"""The families of problems by name: how instances of each are drawn, and which options it has."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from ...errors import InputError, suggestion
from ...user_code import is_code, load, sources_digest
from . import real, synthetic
from .composite import Composite


@dataclass(frozen=True)
class Family:
    """A family of problems.

    Attributes:
        make: (batch, seed, **options) -> problem.
        trained_for: the family whose shipped weights fit.
        fields: the names of its options.
        drawn: whether its instances are independent draws, each from a random stream of its own.
        single: whether it is one instance.
        needs_path: whether it reads the user's files, and so needs the option `path`.
        defaults: the options that have a default, with it.
        dim: its number of variables where that is always the same, and not an option.
    """

    make: Callable[..., Composite] = field(repr=False)
    trained_for: str
    fields: tuple[str, ...]
    drawn: bool = False
    single: bool = False
    needs_path: bool = False
    defaults: Mapping[str, Any] = field(default_factory=dict, repr=False)
    dim: int | None = None

    def variables(self, dim: int) -> int | None:
        """The number of variables of its instances.

        Args:
            dim: The value of the option of that name.

        Returns:
            `dim` where that is an option of the family, else that of the family; None where it is not known.
        """
        return dim if "dim" in self.fields else self.dim


_SIZE = ("rows", "dim", "sparsity", "lam")
_ATOMS = 128  # of the dictionary that pictures are written in


def _defaults(function: Callable[..., Any], fields: tuple[str, ...]) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters
    return {f: parameters[f].default for f in fields if f in parameters and parameters[f].default is not inspect._empty}


def _generator(name: str, *fields: str, trained_for: str | None = None) -> Family:
    """A generator of `l2o.synthetic`; weights that fit it are its own, or those for `trained_for`."""

    def make(batch: int, seed: int, **options: Any) -> Composite:
        return getattr(synthetic, name)(batch, seed=seed, **options)

    defaults = _defaults(getattr(synthetic, name), fields)
    return Family(make, trained_for or name, fields, drawn=True, defaults=defaults)


def _table(name: str, *, path: bool = False) -> Family:
    """One instance of l1-logistic out of `l2o.real`; with `path` from the user's file."""
    fields = (*(("path",) if path else ()), "lam", "smoothness")

    def make(batch: int, seed: int, **options: Any) -> Composite:
        if batch != 1:
            raise InputError(f"{name} is one instance, got batch = {batch}; give 1.")
        return getattr(real, name)(**options, **({} if path else {"seed": seed}))

    defaults = _defaults(getattr(real, name), fields)
    return Family(make, "logistic_l1", fields, single=True, needs_path=path, defaults=defaults)


def _patches(batch: int, seed: int, **options: Any) -> Composite:
    return real.patches(batch, seed=seed, **options)


def _bsds500(batch: int, seed: int, *, path: str, **options: Any) -> Composite:
    return real.bsds500(path, batch, seed=seed, **options)


FAMILIES: dict[str, Family] = {
    "lasso": _generator("lasso", *_SIZE, "condition"),
    "lasso_dictionary": _generator("lasso_dictionary", *_SIZE, "dictionary", trained_for="lasso"),
    "logistic_l1": _generator("logistic_l1", *_SIZE, "smoothness"),
    "quadratic": _generator("quadratic", "dim", "condition"),
    "huber_l1": _generator("huber_l1", *_SIZE),
    "squared_hinge_l1": _generator("squared_hinge_l1", *_SIZE),
    "student_t_l1": _generator("student_t_l1", *_SIZE),
    "welsch_l1": _generator("welsch_l1", *_SIZE),
    "sigmoid_l1": _generator("sigmoid_l1", *_SIZE),
    "simplex_least_squares": _generator("simplex_least_squares", "rows", "dim", "sparsity"),
    "group_lasso": _generator("group_lasso", "rows", "dim", "lam"),
    "breast_cancer": _table("breast_cancer"),
    "digits": _table("digits"),
    "patches": Family(_patches, "lasso", ("lam",), defaults=_defaults(real.patches, ("lam",)), dim=_ATOMS),
    "ionosphere": _table("ionosphere", path=True),
    "spambase": _table("spambase", path=True),
    "bsds500": Family(
        _bsds500, "lasso", ("path", "lam"), needs_path=True, defaults=_defaults(real.bsds500, ("lam",)), dim=_ATOMS
    ),
}
"""Every family by name; `l2o.synthetic` and `l2o.real` say what their options are."""
DRAWN = tuple(name for name, family in FAMILIES.items() if family.drawn)
"""The families whose instances are independent draws from a distribution."""


def is_family(name: str) -> bool:
    """Whether a text is the name of a family, or has the form of code that makes one; nothing is run.

    Args:
        name: The text.

    Returns:
        Whether it is.
    """
    return name in FAMILIES or is_code(name)


def check_family(name: str) -> str:
    """The name of a family, checked; code of the user's is not run.

    Args:
        name: The name.

    Returns:
        The same.

    Raises:
        InputError: It is none; the error suggests one.
    """
    if not is_family(name):
        raise InputError(
            f"unknown family {name!r}: {suggestion(name, FAMILIES)}`l2obound list problems` has all names; or give "
            f"MODULE:NAME or FILE.py:NAME, a function (seed, batch, **options) -> problem."
        )
    return name


def family_of(name: str) -> Family:
    """The family of a name, or of a function of the user's.

    Args:
        name: A name of `FAMILIES`; or MODULE:NAME or FILE.py:NAME, a function (seed, batch, **options) that makes
            `batch` instances, drawn independently. Its options are its further arguments; its attribute `trained_for`,
            where it has one, names the family whose shipped weights fit.

    Returns:
        The family.

    Raises:
        InputError: There is no such family, or what is named is no such function.
    """
    if name in FAMILIES:
        return FAMILIES[name]
    function, _ = load(check_family(name))
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    if len(named) < 2 or named[1].kind is inspect.Parameter.KEYWORD_ONLY:
        raise InputError(f"{name}: expected a function (seed, batch, **options) -> problem, got {function!r:.60}.")

    def make(batch: int, seed: int, **options: Any) -> Composite:
        problem = function(seed, batch, **options)
        if not isinstance(problem, Composite):
            raise InputError(f"{name}: expected a problem (Composite), got {type(problem).__name__}; return one.")
        if problem.batch_size != batch:
            raise InputError(f"{name}: expected {batch} instances, got {problem.batch_size}; make `batch` of them.")
        return problem

    fields = tuple(p.name for p in named[2:])
    trained_for = str(getattr(function, "trained_for", name))
    return Family(make, trained_for, fields, drawn=True, defaults=_defaults(function, fields))


def code_digest_of(name: str) -> str | None:
    """Hex digest of the source of a family that is code of the user's; None for one of `FAMILIES`.

    Args:
        name: See `family_of`.

    Returns:
        The digest.
    """
    return None if name in FAMILIES else sources_digest(load(check_family(name))[1])


def build(name: str, batch: int = 1, seed: int = 0, *, dtype: torch.dtype | None = None, **options: Any) -> Composite:
    """`batch` instances of a family.

    Args:
        name: See `family_of`.
        batch: The number of instances B.
        seed: Of the draws.
        dtype: The precision; float64 where it is None.
        **options: Those of the family; one that is None keeps its default.

    Returns:
        The problem.

    Raises:
        InputError: No such family, or an option that it does not have, or lacks.
    """
    family = family_of(name)
    given = {option: value for option, value in options.items() if value is not None}
    unknown = sorted(set(given) - set(family.fields))
    if unknown:
        raise InputError(
            f"{name} has no {', '.join(unknown)}; leave it out. Its options are {', '.join(family.fields) or 'none'}."
        )
    if missing := [option for option in family.fields if option not in given and option not in family.defaults]:
        raise InputError(f"{name} needs {', '.join(missing)}; give it.")
    problem = family.make(batch, seed, **given)
    return problem if dtype is None else problem.to(dtype)


__all__ = ["DRAWN", "FAMILIES", "Family", "build", "check_family", "code_digest_of", "family_of", "is_family"]
