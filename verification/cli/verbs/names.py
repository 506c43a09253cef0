"""`l2obound list`: what has a name that other verbs take."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Annotated

import typer

from ....errors import InputError, suggestion
from ..answer import Answer, Table, print_answer, print_lines
from ..console import emit
from ..options import Verbose
from .bounds import stored_listing

Named = dict[str, str]
"""Names, and what each is."""


def _optimizers() -> Named:
    from .... import l2o
    from ....l2o.optimizers import optimizer_class

    return {name: _first_line(optimizer_class(name).__doc__) for name in l2o.optimizer_names()}


def _problems() -> Named:
    from ....l2o.problems.families import FAMILIES

    return {name: f"options: {', '.join(family.fields) or 'none'}" for name, family in FAMILIES.items()}


def _bounds() -> Named:
    return {entry["name"]: f"{entry['number']}: {entry['title']}" for entry in stored_listing()}


def _weights() -> Named:
    from .... import l2o
    from ....l2o.pretrained import manifest

    return {
        f"{name}:{family}": f"{manifest(name, family)['updates']} updates, validation loss "
        f"{manifest(name, family)['validation_loss']:.6g}"
        for name, family in l2o.pretrained_names()
    }


def trainings() -> Named:
    """The configurations that made shipped weights, with the comment that each begins with."""
    from ....l2o.training import shipped_configs

    files = shipped_configs().items()
    return {name: path.read_text(encoding="utf-8").splitlines()[0].lstrip("# ") for name, path in files}


def _checks() -> Named:
    from ...conformance import CHECKS

    return {name: check.asserts for name, check in CHECKS.items()}


def _studies() -> Named:
    from ...studies import STUDIES
    from ..app import VERBS

    return {name: VERBS[name][1] for name in STUDIES}


KINDS: dict[str, Callable[[], Named]] = {
    "optimizers": _optimizers,
    "problems": _problems,
    "bounds": _bounds,
    "weights": _weights,
    "trainings": trainings,
    "checks": _checks,
    "studies": _studies,
}


def print_named(kinds: Mapping[str, Named], as_json: bool, verbose: bool = True) -> None:
    """A list for each kind; as JSON an object with a list of names for each.

    Without `verbose`, names alone where there are several kinds: of each kind how many there are, and the first.
    """
    if as_json:
        emit(json.dumps({kind: [{"name": n, "about": a} for n, a in named.items()] for kind, named in kinds.items()}))
        return
    if len(kinds) > 1 and not verbose:
        rows = [[kind, str(len(named)), _some(list(named))] for kind, named in kinds.items()]
        print_answer(
            Answer(
                table=Table(("kind", "names", "for example"), rows), next="`l2obound list KIND` lists those of a kind."
            )
        )
        return
    for kind, named in kinds.items():
        width = max(map(len, named), default=0)
        print_lines([kind] if len(kinds) > 1 else [])
        print_lines([f"  {name:{width}}  {about}" for name, about in named.items()])


def _some(names: list[str]) -> str:
    """The first and the last of them; the last ones of most lists are those of this package."""
    return ", ".join(dict.fromkeys([names[0], names[-1]])) if names else ""


def list_names(
    kind: Annotated[
        list[str] | None, typer.Argument(metavar="[KIND]...", help=f"{', '.join(KINDS)}; all of them if left out.")
    ] = None,
    verbose: Verbose = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the names as JSON.")] = False,
) -> None:
    """List what has a name that other verbs take: optimizers, problems, bounds, weights, trainings, checks, studies.

    Without a kind it lists the kinds; --verbose lists all names of all of them.

    Example: l2obound list optimizers weights
    """
    for given in kind or ():
        if given not in KINDS:
            raise InputError(f"list: {suggestion(given, KINDS)}expected some of {', '.join(KINDS)}, got {given!r}.")
    print_named(
        {name: make() for name, make in KINDS.items() if not kind or name in kind}, as_json, verbose or bool(kind)
    )


def _first_line(text: str | None) -> str:
    return (text or "").strip().split("\n", 1)[0]


VERBS = {"list": list_names}
