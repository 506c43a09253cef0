"""Files for a proof kernel say what the catalogue says; no kernel is needed to see that."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
import sympy as sp

from l2obound import bounds
from l2obound.bounds import coq
from l2obound.bounds.coq import kernel, ledger
from l2obound.bounds.proofs.export import identifier
from l2obound.bounds.proofs.export.nodes import Node, add, at, mul, name, number, sub
from l2obound.bounds.proofs.export.printing import COQ, INDUCTION, LEAN
from l2obound.bounds.vocabulary import Q

UNWRITTEN = {"equivariance", "energy_descent", "energy_descent:momentum", "variable_metric"}
"""Entries that speak of more than vectors: of a transformed run, of numbers that differ from entry to entry."""


def theorem(text: str) -> str:
    """What the last theorem of a file states, in one line."""
    match = re.search(r"Theorem \w+ : (.*?)\.\n\s*Proof", text, re.S)
    assert match is not None
    return " ".join(match[1].split())


def test_the_theorem_is_what_the_catalogue_says() -> None:
    text = theorem(coq.coq_text(bounds.get("ood_last_iterate")))
    assert text == (
        "F (x K) - F z <= L * norm (x 0 -v z) ^ 2 / (4 * h * INR K) - L / h * sum K (fun i => INR i / (2 * INR K - "
        "INR i) * dot (e i) (x i -v z) - (INR i - 1) / (2 * INR K - INR i + 1) * dot (e i) (x (pred i) -v z))"
    )


def test_a_step_is_a_step() -> None:
    text = theorem(coq.coq_text(bounds.get("per_step_descent")))
    assert text.startswith("forall k, (1 <= k <= K)%nat -> F (x k) - F (x (pred k)) <= L / 2 * sq (e k)")


@pytest.mark.parametrize(
    ("entry", "old", "new", "before", "after"),
    [
        ("ind_rate:exact", sp.Integer(1), sp.Rational(40, 41), "(4 * h * INR K)", "(41 * h * INR K)"),
        ("nonconvex_stationarity", Q.F[0], Q.F[Q.K], "F (x 0) - F_low", "F (x K) - F_low"),
        ("strong_convexity", Q.mu, 2 * Q.mu, "mu", "2 * mu"),
    ],
)
def test_the_theorem_follows_the_expression(entry: str, old: sp.Expr, new: sp.Expr, before: str, after: str) -> None:
    bound = bounds.get(entry)
    rhs = bound.rhs * new if old == 1 else bound.rhs.xreplace({old: new})
    first, second = (theorem(coq.coq_text(b)) for b in (bound, bound.replace(rhs=rhs)))
    assert before in first
    assert after in second
    assert after not in first


def written() -> Iterator[str]:
    yield from (key for key in bounds.names(variants=True) if key not in UNWRITTEN)


def test_most_entries_are_written() -> None:
    assert len(list(written())) == 57
    for key in UNWRITTEN:
        with pytest.raises(bounds.InputError, match="cannot be exported"):
            coq.coq_text(bounds.get(key))


@pytest.mark.parametrize("key", ["ood_multi_step_sharp", "accelerated_guard", "history_stability", "run_certificate"])
def test_files_are_complete(key: str) -> None:
    text = coq.coq_text(bounds.get(key))
    assert text == coq.coq_text(bounds.get(key))
    assert "Admitted" not in text
    assert "Axiom" not in text
    assert text.count("  Proof.") == text.count("Qed.")
    assert text.rstrip().endswith(f"End {identifier(key)}_proof.")
    supposed = {h.name for h in bounds.get(key).hypotheses}
    assert ("f_convex" in supposed) == ("Hypothesis f_convex" in text)


@pytest.mark.parametrize("dropped", ["f_smooth", "r_convex", "reference_step_longer"])
def test_what_is_not_supposed_is_not_written(dropped: str) -> None:
    bound = bounds.get("ood_last_iterate")
    weaker = bound.replace(hypotheses=tuple(h for h in bound.hypotheses if h.name != dropped))
    with pytest.raises(bounds.InputError, match=r"does not suppose|has no reason"):
        coq.coq_text(weaker)


def test_a_statement_out_of_reach_is_refused() -> None:
    bound = bounds.get("ood_multi_step")
    other = bound.replace(rhs=bound.rhs + sp.Symbol("y"))
    with pytest.raises(bounds.InputError, match="cannot be exported"):
        coq.coq_text(other)


def test_lean_says_that_nobody_checked_it() -> None:
    text = coq.lean_text(bounds.get("ood_last_iterate"))
    assert "UNCHECKED" in text
    assert "theorem ood_last_iterate" in text
    assert "F (x K) - F z ≤ L * ‖x 0 - z‖ ^ 2 / (4 * h * (K : ℝ))" in " ".join(text.split())


def test_trees_are_written_with_the_parentheses_they_need() -> None:
    a, b = name("a"), name("b")
    assert COQ(mul(sub(a, b), Node("div", (a, sub(b, number(1)))))) == "(a - b) * (a / (b - 1))"
    assert COQ(sub(a, add(b, number(1)))) == "a - (b + 1)"
    assert COQ(number(Fraction(-1, 2))) == "- (1 / 2)"
    assert (
        COQ.with_indices(INDUCTION)(Node("sq", (Node("vsub", (at("x", "j"), at("x", "k"))),))) == "sq (x j -v x (S j))"
    )
    assert LEAN(Node("dot", (at("x", "j"), name("z")))) == "⟪x (k - 1), z⟫_ℝ"


def certificate() -> bounds.worst_cases.Certificate:
    made = bounds.worst_case(steps=2).certificate()
    assert made is not None
    return made


def test_a_certificate_states_its_question() -> None:
    text = coq.worst_case_text(certificate().data, "two_steps")
    assert theorem(text) == "F (x 2) - F z <= 1 / 10"
    assert "Hypothesis step_x_2 : x 2 = x 1 -v 1 *v grad (x 1)." in text
    assert "Hypothesis start : sq (x 0 -v z) <= 1." in text


def test_a_certificate_that_the_checker_refuses_is_not_written() -> None:
    data = json.loads(json.dumps(certificate().data))
    data["tau"] = "1/11"
    with pytest.raises(bounds.worst_cases.checker.Wrong):
        coq.worst_case_text(data)


def test_the_record_is_of_these_statements() -> None:
    recorded = coq.record()
    assert recorded["library"] == kernel.library_digest()
    assert set(recorded["bounds"]) == set(written())
    for key in written():
        assert coq.is_kernel_checked(bounds.get(key)), f"{key} has changed since it was checked; run `make coq`"


def test_a_changed_statement_loses_the_claim(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bound = bounds.get("per_step_descent")
    assert coq.is_kernel_checked(bound)
    assert not coq.is_kernel_checked(bound.replace(rhs=bound.rhs + Q.L))
    assert not coq.is_kernel_checked(bound.replace(hypotheses=bound.hypotheses[:1]))
    assert not coq.is_kernel_checked(bounds.get("equivariance"))
    other = tmp_path / "L2O.v"
    other.write_bytes(kernel.LIBRARY.read_bytes() + b"\n")
    monkeypatch.setattr(kernel, "LIBRARY", other)
    assert not coq.is_kernel_checked(bound)


def test_without_a_record_nothing_is_claimed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(ledger, "RECORD", tmp_path / "none.json")
    ledger.record.cache_clear()
    try:
        assert not coq.is_kernel_checked(bounds.get("per_step_descent"))
    finally:
        monkeypatch.undo()
        ledger.record.cache_clear()


def test_without_coq_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel.shutil, "which", lambda program: None)
    with pytest.raises(bounds.InputError, match="install Coq"):
        coq.check_text("Theorem a : True.", "a")
