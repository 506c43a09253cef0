"""Convergence bounds of learned optimizers, as formulas that can be held against a run.

A bound is one `Bound`: two sympy expressions in named quantities, its hypotheses, its source. `measure` turns
the arrays of a run into those quantities, each with a bound on its rounding error; the same expressions print
as LaTeX and evaluate to numbers.

    >>> from l2obound import bounds
    >>> b = bounds.get("ood_multi_step_sharp")
    >>> b.evaluate({"L": 1.0, "K": 9, "R": 2.0, "ex": 0.0, "F": 0.1, "F_z": 0.0}).rhs
    array([0.2])

Where things are: `quantities` (`measure`), `vocabulary` (every named quantity), `hypotheses` and `assumptions` (what
can be checked), `virtual` (the attribution of a deviation to three terms), `equivariance` (the table of B12), `history`
(the recurrence of B14), `accelerated` (runs against accelerated steps, B19), `statements` (the bounds, and `names` and
`get`), `proofs` (their proofs, checked by machine: `Bound.prove`), `evaluation` (numbers with their rounding errors).

To add a bound: append one `Bound(...)` to the `ENTRIES` of the module of `statements` it belongs to, and its argument
to the `ARGUMENTS` of the module of that name in `proofs`. The catalogue, the LaTeX, the evaluation and the list of what
it needs follow from the entry. A quantity nobody measures yet is one line in the table of `vocabulary` and one in
`evaluation.measure`.

`worst_case` (in `worst_cases`) answers how loose a bound is: the exact worst case of a method over a function class.
`design` looks for the steps and the momentum that make it least, and `discover` for a formula in K.

Only NumPy, SciPy and SymPy are imported here; `worst_cases` loads its solver when first asked for.
"""

if __name__ == "bounds":  # a checkout has the folder on the path; its modules import each other below l2obound
    raise ImportError("this is a part of l2obound: from l2obound import bounds")

from typing import TYPE_CHECKING, Any

from . import accelerated, assumptions, equivariance, history, hypotheses, quantities, virtual
from ._hypothesis import Hypothesis, HypothesisCheck
from .bound import Bound, Evaluation, Source
from .errors import DefectError, InputError
from .evaluation.ball import Ball
from .evaluation.evaluate import evaluate_expression
from .quantities import VOCABULARY, Quantities, Quantity, from_inner_products, from_scalars, measure
from .statements.catalog import get, names

if TYPE_CHECKING:
    from .worst_cases import Design, Discovery, UnboundedError, WorstCase, design, discover, worst_case


def __getattr__(name: str) -> Any:
    if name in ("Design", "Discovery", "UnboundedError", "WorstCase", "design", "discover", "worst_case"):
        from . import worst_cases

        return getattr(worst_cases, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "VOCABULARY",
    "Ball",
    "Bound",
    "DefectError",
    "Design",
    "Discovery",
    "Evaluation",
    "Hypothesis",
    "HypothesisCheck",
    "InputError",
    "Quantities",
    "Quantity",
    "Source",
    "UnboundedError",
    "WorstCase",
    "accelerated",
    "assumptions",
    "design",
    "discover",
    "equivariance",
    "evaluate_expression",
    "from_inner_products",
    "from_scalars",
    "get",
    "history",
    "hypotheses",
    "measure",
    "names",
    "quantities",
    "virtual",
    "worst_case",
]
