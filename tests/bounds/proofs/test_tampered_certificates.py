"""A certificate in which anything was changed is refused, and what is no certificate, too."""

from __future__ import annotations

import copy
import functools
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from l2obound import bounds
from l2obound.bounds.proofs import ARGUMENTS
from l2obound.bounds.proofs.checker import Wrong, check
from tests.helpers.false_statements import entry
from tests.helpers.proof_material import certificate_of, is_accepted, signed


def leaves(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value of a certificate that is not a container."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from leaves(value, (*path, key))
    elif isinstance(node, list):
        for place, value in enumerate(node):
            yield from leaves(value, (*path, place))
    else:
        yield path


def put(certificate: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """The certificate with another value there."""
    changed = copy.deepcopy(certificate)
    node = changed
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return changed


HARMLESS = ("reason",)
"""Fields for a reader only."""


def tampered(certificate: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The certificate with one value changed: each of its values in turn."""
    for path in leaves(certificate):
        value = functools.reduce(lambda node, key: node[key], path, certificate)
        if path[0] in HARMLESS:
            continue
        if path[-1] == "times":
            new = "0"
        elif path[-1] == "name" and path[1] == len(certificate["claims"]) - 1:
            continue  # nothing refers to the last claim
        elif isinstance(value, str):
            new = f"({value})*51/50 - 1" if path[-1] in FORMULAS else f"{value}x"
        else:
            new = {True: False, False: True, None: "L"}.get(value, 7)
        yield f"{'/'.join(map(str, path))}: {str(value)[:40]}", put(certificate, path, new)


FORMULAS = ("lhs", "rhs", "goal", "increment", "factor", "start", "expression", "times", "multiplier", "square")


MOST = {"homogeneous_descent": 1000, "nonconvex_stationarity:constrained": 40, "strong_convexity:rate": 20}


@pytest.mark.parametrize(("name", "most"), MOST.items())
def test_a_change_of_any_field_is_noticed(name: str, most: int) -> None:
    certificate = certificate_of(name)
    check(certificate)
    made = list(tampered(certificate))
    for what, wrong in random.Random(name).sample(made, min(most, len(made))):
        assert not is_accepted(wrong), what


@pytest.mark.parametrize("name", ["ood_multi_step_sharp", "relative_deviation_rate", "ind_rate:exact", "a_priori"])
def test_a_statement_put_into_a_certificate_is_noticed(name: str) -> None:
    certificate = certificate_of(name)
    other = certificate_of("ood_last_iterate")
    for fields in (("lhs",), ("rhs",), ("lhs", "rhs"), ("hypotheses",), ("goal",), ("level",), ("bound",), ("claims",)):
        wrong = {**certificate, **{field: other[field] for field in fields}}
        if wrong != certificate:
            assert not is_accepted(wrong), fields
            assert not is_accepted(signed(wrong)), fields
    for extra in (
        {"sums": {}},
        {"definitions": ["exact step"]},
        {"norms": {"enorm_k": "x_k"}},
        {"norms": {"mine_k": "1"}},
    ):
        wrong = {**certificate, **extra}
        assert wrong == certificate or not is_accepted(wrong) or name == "ind_rate:exact", extra


@pytest.mark.parametrize("wrong", [{}, {"format": "l2obound-proof-1"}, {"format": "l2obound-proof-2"}, {"claims": []}])
def test_what_is_no_certificate_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Wrong):
        check(wrong)
    full = {**certificate_of("per_step_descent"), **wrong}
    assert full == certificate_of("per_step_descent") or not is_accepted(full)


@pytest.mark.parametrize(
    "text",
    ["__import__('os').system('true')", "x_k.real", "[x_k]", "lambda: 1", "1.5*L", "L if L else h", "", "L +", "'L'"],
)
def test_a_formula_runs_nothing(text: str) -> None:
    certificate = certificate_of("per_step_descent")
    certificate["claims"][0]["parts"][0]["times"] = text
    assert not is_accepted(certificate)
    certificate = certificate_of("per_step_descent")
    certificate["claims"][0]["parts"][0]["terms"][0]["multiplier"] = f"({text})" if text else text
    assert not is_accepted(certificate)


def test_a_certificate_of_a_bound_of_ones_own_is_checked_against_it() -> None:
    mine = entry("per_step_descent", name="mine", variant=None)
    ARGUMENTS["mine"] = ARGUMENTS["per_step_descent"]
    try:
        certificate = json.loads(json.dumps(mine.prove().certificate()))
    finally:
        del ARGUMENTS["mine"]
    check(certificate, mine)
    with pytest.raises(Wrong, match="give the bound"):
        check(certificate)
    with pytest.raises(Wrong, match="not that of the bound"):
        check(certificate, bounds.get("per_step_descent"))
