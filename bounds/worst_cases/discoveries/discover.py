"""`discover`: formulas in K for a worst case and the multipliers of its proof, out of exact proofs for small K."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

from ....errors import suggestion
from ...errors import InputError
from .._patterns import recognised
from .._setting import Setting
from .._solve import question_of
from ..traced import TracedSetting
from ._fit import Fit, fitted, geometric_base
from ._kinds import Kind
from ._proofs import Problem, Proof, exact_proof, needed_kinds
from .discovery import Discovery, Multiplier, placed

DEFAULTS: dict[str, Any] = {
    "function_class": "smooth_convex",
    "L": 1,
    "mu": None,
    "method": "gradient",
    "step": 1.0,
    "metric": "objective",
    "initial": "distance",
    "momentum": None,
}
FEWEST = 4
"""Exact proofs that a formula is looked for in, at least."""
ASIDE = ((0, 0), (0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (1, 2), (2, 1))
"""How many of the first and the last k have formulas of their own, tried in this order."""


def discover(
    method: Any = "gradient",
    metric: Any = "objective",
    *,
    fit_on: Iterable[int] = range(1, 8),
    check_on: Iterable[int] = range(8, 11),
    at: Callable[[int], Mapping[str, Any]] | None = None,
    **question: Any,
) -> Discovery:
    """A formula in K for the worst case of a method, found in exact proofs for small K and checked at larger ones.

    For each K of `fit_on` the engine finds a proof over the fractions with few inequalities, the same kinds of them for
    every K. The rate is fitted as a rational function of K, and multipliers as rational functions of k and K, both
    times a power of a number where the rate is geometric. For each K of `check_on` the formulas are put into the proof:
    by exact arithmetic multipliers are not negative, function values cancel, and the remainder is positive
    semidefinite.

    Args:
        method: A built-in method, or a method as code, as in `worst_case`.
        metric: As in `worst_case`.
        fit_on: The K to fit on, at least four of them.
        check_on: The K to check at, none of which is in `fit_on`.
        at: Arguments of `worst_case` that depend on K, such as `lambda K: {"step": Fraction(1, K)}`.
        **question: `function_class`, `L`, `mu`, `step`, `initial` and `momentum`, as in `worst_case`.

    Returns:
        What was found, and what was not: a `Discovery`. It is a conjecture for all K, and a proof for each K that it
        names.

    Raises:
        InputError: For a question that makes no sense.
    """
    arguments = {**question, "method": method, "metric": metric}
    for name in arguments:
        if name not in DEFAULTS:
            raise InputError(f"discover: unknown argument {name!r}; {suggestion(name, DEFAULTS)}known are "
                             f"{', '.join(DEFAULTS)}, fit_on, check_on, at.")  # fmt: skip
    fit_on, check_on = _lengths(fit_on, "fit_on"), _lengths(check_on, "check_on")
    if len(fit_on) < FEWEST:
        raise InputError(f"fit_on: expected at least {FEWEST} numbers of steps, got {fit_on}.")
    if set(fit_on) & set(check_on) or not check_on:
        raise InputError(f"check_on: expected numbers of steps that are not in fit_on, got {check_on}.")

    def setting(K: int) -> Setting:
        given = {**DEFAULTS, "relative_error": None, "absolute_error": None, **arguments, **(at(K) if at else {})}
        return question_of(**{**given, "steps": K})

    problems = {K: Problem(setting(K)) for K in fit_on}
    proofs, failures = _proofs(problems)
    rate, base, multipliers, unfitted = _formulas(problems, proofs)
    bound = _recognised(problems, proofs) if rate is not None else None
    draft = Discovery(setting, arguments, rate, base, multipliers, tuple(unfitted), failures, proofs, (), {}, bound)
    return draft.checked(check_on) if draft.complete else draft


def _lengths(given: Iterable[int], name: str) -> tuple[int, ...]:
    lengths = tuple(sorted(set(given)))
    if not all(isinstance(K, int) and not isinstance(K, bool) and K >= 1 for K in lengths):
        raise InputError(f"{name}: expected integers K >= 1, got {lengths}.")
    return lengths


def _proofs(problems: Mapping[int, Problem]) -> tuple[dict[int, Proof], dict[int, str]]:
    """Exact proofs from the kinds that the longest run needs, and from more of them where those do not suffice."""
    solved = [K for K in problems if problems[K].solved]
    if not solved:
        return {}, {K: f"the solver has no solution ({p.solution.status})" for K, p in problems.items()}
    kinds = needed_kinds(problems[max(solved)])
    proofs: dict[int, Proof] = {}
    failures: dict[int, str] = {}
    for K, problem in problems.items():
        proof: Proof | str = exact_proof(problem, kinds)
        if isinstance(proof, str) and problem.solved:
            more = exact_proof(problem, kinds | needed_kinds(problem))
            if not isinstance(more, str):
                proof = more
        if isinstance(proof, str):
            failures[K] = proof
        else:
            proofs[K] = proof
    return proofs, failures


def _formulas(
    problems: Mapping[int, Problem], proofs: Mapping[int, Proof]
) -> tuple[Fit | None, Fraction, tuple[Multiplier, ...], list[str]]:
    """The rate, the base of its geometric factor, the multipliers, and what has no formula."""
    if len(proofs) < FEWEST:
        return None, Fraction(1), (), [f"a formula: it needs exact proofs for {FEWEST} K, and there are {len(proofs)}"]
    taus = {K: proof.tau for K, proof in proofs.items()}
    base = geometric_base(taus)
    rate = fitted({(K,): tau for K, tau in taus.items()}, base)
    missing = [] if rate is not None else ["a formula of the rate"]
    values: dict[Kind, dict[int, dict[int, Fraction]]] = {}
    for K, proof in proofs.items():
        for kind, names in problems[K].kinds(problems[K].data.names).items():
            values.setdefault(kind, {})[K] = {i: proof.multipliers.get(name, Fraction(0)) for i, name in names.items()}
    made = []
    for kind, by_length in sorted(values.items()):
        if not any(v for numbers in by_length.values() for v in numbers.values()):
            continue
        one = _multiplier(kind, by_length, base)
        if one is None:
            missing.append(f"a formula of the multipliers of {kind}")
        else:
            made.append(one)
    return rate, base, tuple(made), missing


def _multiplier(kind: Kind, values: Mapping[int, Mapping[int, Fraction]], base: Fraction) -> Multiplier | None:
    """Formulas of one kind: of all k, or of those between the first and the last ones."""
    indexed = "k" in kind.pattern
    if not indexed:
        fit = fitted({(K,): next(iter(numbers.values())) for K, numbers in values.items()}, base)
        return None if fit is None else Multiplier(kind, fit, (), (), False)
    for before, after in ASIDE:
        inner: dict[tuple[int, ...], Fraction] = {}
        sides: dict[tuple[str, int], dict[tuple[int, ...], Fraction]] = {}
        for K, numbers in values.items():
            for which, place in placed(sorted(numbers), before, after).items():
                if which is None:
                    inner |= {(i, K): numbers[i] for i in place}
                else:
                    sides.setdefault(which, {})[K,] = numbers[place[0]]
        fit = fitted(inner, base)
        rest = {which: fitted(numbers, base) for which, numbers in sides.items()}
        if fit is not None and all(one is not None for one in rest.values()):
            first = tuple(rest["first", i] for i in range(before))
            last = tuple(rest["last", i] for i in range(after))
            return Multiplier(kind, fit, first, last, True, _span(values))  # type: ignore[arg-type]
    return None


def _span(values: Mapping[int, Mapping[int, Fraction]]) -> tuple[int, int] | None:
    spans = {(min(numbers), max(numbers) - K) for K, numbers in values.items()}
    return spans.pop() if len(spans) == 1 else None


def _recognised(problems: Mapping[int, Problem], proofs: Mapping[int, Proof]) -> str | None:
    """The bound of the catalogue that has these multipliers for each K."""
    names = set()
    for K, proof in proofs.items():
        setting = problems[K].setting
        names.add(None if isinstance(setting, TracedSetting) else recognised(setting, dict(proof.multipliers)))
    return names.pop() if len(names) == 1 else None
