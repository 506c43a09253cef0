"""The kernel of Coq accepts what is true, and refuses what is not; skipped where there is no `coqc`."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pytest

from l2obound import bounds
from l2obound.bounds import coq
from l2obound.bounds.coq.questions import questions
from l2obound.bounds.proofs.export import identifier
from tests.helpers.false_statements import STATEMENTS

pytestmark = pytest.mark.skipif(coq.coqc() is None, reason="there is no coqc here")
REALS = {
    "ClassicalDedekindReals.sig_forall_dec",
    "ClassicalDedekindReals.sig_not_dec",
    "FunctionalExtensionality.functional_extensionality_dep",
    "Classical_Prop.classic",
}
"""The axioms of the real numbers of Coq."""

THEOREM, SUPPOSED = "theorem", "supposed"
PLANTED = [
    # entry, where, what stands there, what is put in its place
    ("per_step_descent", THEOREM, "L / 2", "L / 4"),
    ("per_step_descent", THEOREM, "- (1 - h)", "+ (1 - h)"),
    ("per_step_descent", THEOREM, "(2 - h)", "(3 - h)"),
    ("per_step_descent", THEOREM, "/ (2 * L)", "/ L"),
    ("per_step_descent", THEOREM, "F (x k) - F (x (pred k))", "F (x (pred k)) - F (x k)"),
    ("per_step_descent", THEOREM, "(1 <= k <= K)", "(0 <= k <= K)"),
    ("per_step_descent", THEOREM, "sq (G k)", "sq (G (pred k))"),
    ("per_step_descent", SUPPOSED, "smooth f grad L", "smooth f grad (2 * L)"),
    ("per_step_descent", SUPPOSED, "(1 <= k <= K)%nat -> subgradient", "(2 <= k <= K)%nat -> subgradient"),
    ("per_step_descent", SUPPOSED, "subgradient domain r (x k)", "subgradient domain r (x (pred k))"),
    ("per_step_descent", SUPPOSED, "domain (x 0)", "True"),
    ("homogeneous_descent", THEOREM, "(sigma k - h)", "(- h)"),
    ("homogeneous_descent", SUPPOSED, "h <= 1", "h <= 2"),
    ("homogeneous_descent", SUPPOSED, "<= sigma k * norm (G k) / L", "<= 2 * sigma k * norm (G k) / L"),
    ("ood_multi_step", THEOREM, "sum K (fun i => sq (D i))", "sum (S K) (fun i => sq (D i))"),
    ("ood_multi_step", THEOREM, "sum K (fun i => F (x i))", "sum (S K) (fun i => F (x i))"),
    (
        "ood_multi_step",
        THEOREM,
        "norm (x 0 -v z) ^ 2 - norm (x K -v z) ^ 2",
        "norm (x K -v z) ^ 2 - norm (x 0 -v z) ^ 2",
    ),
    ("ood_multi_step", THEOREM, "dot (e i) (x i -v z)", "dot (e i) (x (pred i) -v z)"),
    ("ood_multi_step", SUPPOSED, "convex_smooth f grad", "strongly_convex f grad (- L)"),
    ("ood_multi_step", SUPPOSED, ": domain z", ": domain (x 0)"),
    ("ood_last_iterate", THEOREM, "(4 * h * INR K)", "(5 * h * INR K)"),
    ("ood_last_iterate", THEOREM, "(INR i - 1)", "INR i"),
    ("ood_last_iterate", THEOREM, "F (x K)", "F (x 0)"),
    ("ood_last_iterate", THEOREM, "x (pred i) -v z", "x i -v z"),
    ("ood_last_iterate", THEOREM, "sum K", "sum (pred K)"),
    ("ood_last_iterate", SUPPOSED, "h <= 1", "h <= 2"),
    ("ood_multi_step_sharp", THEOREM, "(INR K + 1)", "(INR K + 2)"),
    ("ood_multi_step_sharp", SUPPOSED, "h <= 5 / 4", "h <= 2"),
    ("ind_rate:exact", THEOREM, "(4 * h * INR K)", "(41 / 10 * h * INR K + 1)"),
    ("ind_rate:exact", SUPPOSED, "(1 <= k <= K)%nat -> e k = vzero", "(2 <= k <= K)%nat -> e k = vzero"),
    ("ind_rate:exact", SUPPOSED, "e k = vzero", "e k = D k"),
    ("ind_rate:average", THEOREM, "(INR K + 1)", "(INR K + 2)"),
    ("ind_rate:smooth", THEOREM, "4 * h * INR K + 2", "4 * h * INR K + 3"),
    ("ind_rate:smooth", SUPPOSED, "r p = 0", "r p <= 0"),
    ("strong_convexity", THEOREM, "mu", "(2 * mu)"),
    ("strong_convexity", SUPPOSED, "strongly_convex f grad mu", "strongly_convex f grad (mu / 2)"),
    ("strong_convexity:rate", THEOREM, "^ (K - i)", "^ (S K - i)"),
    ("strong_convexity:rate", THEOREM, "^ K", "^ (S K)"),
    ("strong_convexity:pl", THEOREM, "- mu * (F", "- 2 * mu * (F"),
    ("nonconvex_stationarity", THEOREM, "F (x 0)", "F (x K)"),
    ("nonconvex_stationarity", SUPPOSED, "F_low <= F p", "F_low - 1 <= F p"),
    ("run_certificate", THEOREM, "(2 * L)", "L"),
    ("run_certificate", SUPPOSED, "rest 0 = 1", "rest 0 = 2"),
    ("run_certificate", SUPPOSED, "0 <= share k", "- (1) <= share k"),
    ("run_certificate:ball", THEOREM, "norm (x 0 -v z) *", "norm (x 0 -v z) / 2 *"),
    ("accelerated_guard", THEOREM, "2 * L", "L"),
    ("accelerated_guard", THEOREM, "N K + 1", "N K + 2"),
    ("accelerated_guard", SUPPOSED, "a k ^ 2 = A k", "a k ^ 2 = 2 * A k"),
    ("accelerated_guard", SUPPOSED, "F (x k) <= F (x (pred k))", "F (x k) <= F (x (pred k)) + 1"),
    ("accelerated_inexact", THEOREM, "/ (2 * accel_A K)", "/ (3 * accel_A K)"),
    ("accelerated_inexact:a_priori", SUPPOSED, "F z <= F (x k)", "F z <= F (x k) + 1"),
    ("nonconvex_stationarity:exact_steps", THEOREM, "(3 * INR K + 2)", "(3 * INR K + 3)"),
    ("budgeted_deviations", THEOREM, "budget 0", "budget K"),
    ("history_stability", THEOREM, "b * rho / (1 - b)", "b * rho / 2 / (1 - b)"),
    ("history_stability", SUPPOSED, "stable (1 - rho)", "stable (1 + rho)"),
    ("assumption_sensitivity", THEOREM, "^ 2 / 4", "^ 2 / 5"),
    ("relative_deviation_rate", THEOREM, "(INR K + 3)", "(INR K + 4)"),
    ("virtual_decomposition", THEOREM, "+ norm (bshift k)", "- norm (bshift k)"),
    ("asymptotics", THEOREM, "/ Lp_min k", "/ (2 * Lp_min k)"),
]
QUICK = {"per_step_descent", "history_stability", "run_certificate"}
"""Entries of a few seconds; the others are for `make test-slow`."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("coq")


@functools.cache
def text_of(key: str) -> str:
    return " ".join(coq.coq_text(bounds.get(key)).split())


def planted(entry: str, where: str, old: str, new: str) -> str:
    """The file of an entry with an error in its theorem, or in what it supposes."""
    before, theorem, after = re.split(rf"(Theorem {identifier(entry)} : .*?\. Proof\.)", text_of(entry), maxsplit=1)
    if where == THEOREM:
        assert old in theorem, theorem
        return before + (theorem + after).replace(old, new)  # in what its proof says of the statement, too
    supposed = [
        one for one in re.findall(r"Hypothesis \w+ : .*?\. (?=\(\*|Hypothesis|Lemma|Ltac)", before) if old in one
    ]
    assert len(supposed) == 1, supposed
    return before.replace(supposed[0], supposed[0].replace(old, new)) + theorem + after


def slow_unless_quick(entry: str) -> tuple[pytest.MarkDecorator, ...]:
    return () if entry in QUICK else (pytest.mark.slow,)


def test_fifty_errors_are_planted() -> None:
    assert len(set(PLANTED)) >= 50


@pytest.mark.parametrize("key", ["per_step_descent", "run_certificate", "ood_multi_step", "history_stability"])
def test_the_kernel_accepts(key: str, folder: Path) -> None:
    checked = coq.check_text(coq.coq_text(bounds.get(key)), identifier(key), folder)
    assert checked.valid, checked.message
    assert set(checked.axioms) <= REALS


@pytest.mark.parametrize(
    ("entry", "where", "old", "new"),
    [pytest.param(*one, marks=slow_unless_quick(one[0]), id=f"{one[0]}: {one[3]}") for one in PLANTED],
)
def test_the_kernel_refuses_planted_errors(entry: str, where: str, old: str, new: str, folder: Path) -> None:
    checked = coq.check_text(planted(entry, where, old, new), identifier(entry), folder)
    assert not checked.valid
    assert "Error" in checked.message
    assert "Syntax error" not in checked.message


@pytest.mark.slow
@pytest.mark.parametrize("title", list(STATEMENTS))
def test_false_statements_are_refused(title: str, folder: Path) -> None:
    """By the export, which finds no words for them, or by the kernel."""
    bound = STATEMENTS[title]
    try:
        text = coq.coq_text(bound)
    except bounds.InputError:
        return
    checked = coq.check_text(text, identifier(bound.key), folder)
    assert not checked.valid
    assert "Syntax error" not in checked.message


@pytest.mark.parametrize("steps", [1, 2])
def test_the_kernel_accepts_a_certificate_and_no_less(steps: int, folder: Path) -> None:
    asked = dict(questions())[f"gradient_{steps}"]
    certificate = bounds.worst_case(**asked).certificate()
    assert certificate is not None
    text = coq.worst_case_text(certificate.data, "gradient")
    assert coq.check_text(text, "gradient", folder).valid
    bound = f"<= 1 / {4 * steps + 2}."
    assert bound in text
    for old, new in (
        (bound, f"<= 1 / {4 * steps + 3}."),
        ("x 1 = x 0 -v 1 *v", "x 1 = x 0 -v 2 *v"),
        ("<= 1.", "<= 2."),
    ):
        refused = coq.check_text(text.replace(old, new, 1), "gradient", folder)
        assert not refused.valid
        assert "Syntax error" not in refused.message


def test_a_theorem_that_is_not_there_is_asked_for() -> None:
    with pytest.raises(bounds.InputError, match="no theorem"):
        coq.check_text("Theorem a : True. Proof. exact I. Qed.", "b")


def test_a_false_theorem_has_a_message(folder: Path) -> None:
    checked = coq.check_text("Theorem wrong : False. Proof. exact I. Qed.", "wrong", folder)
    assert not checked.valid
    assert "True" in checked.message
