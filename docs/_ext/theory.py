"""The pages of the theory, written from the catalogue when the documentation is built.

A page for each number, `theory/b01.md` to `b20.md`: formulas, hypotheses, sources, proofs and examples are what
`bounds` says and computes at that moment; the words around them are those of `words`. Formulas are drawn by matplotlib.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from words import TITLES, WORDS

from l2obound import bounds
from l2obound.bounds.coq import is_kernel_checked
from l2obound.bounds.proofs import ARGUMENTS
from l2obound.bounds.statements import (
    accelerated,
    certificate,
    descent,
    features,
    guaranteed,
    history,
    linear,
    nonconvex,
    out_of_distribution,
    preconditioned,
    rates,
)
from l2obound.verification.pages.formula import formula_svg

MODULES = (
    descent,
    rates,
    features,
    out_of_distribution,
    linear,
    nonconvex,
    history,
    certificate,
    guaranteed,
    accelerated,
    preconditioned,
)
OVERVIEW = "<!-- the overview is put here by _ext/theory.py -->"
_PLAIN = str.maketrans({c: f"\\{c}" for c in "*_|[]<>$"})


def number_of(bound: bounds.Bound) -> int:
    """14 for B14, 6 for B6, B6b and B6c: which page it is on."""
    return int(re.match(r"B(\d+)", bound.number)[1])


def entries(number: int | None = None) -> list[bounds.Bound]:
    """The bounds of one page, or of all, in the order of the catalogue."""
    chosen = [bounds.get(key) for key in bounds.names(variants=True)]
    return [b for b in chosen if number in (None, number_of(b))]


def drawn(latex: str) -> str:
    """The formula as a drawing."""
    # mathtext wants the arguments of a fraction in braces and knows no \textstyle
    drawing = formula_svg(re.sub(r"\\tfrac(\w)(\w)", r"\\frac{\1}{\2}", latex).replace(r"\textstyle", ""))
    assert drawing, f"not drawn: {latex}"
    return drawing


def implemented(bound: bounds.Bound) -> str:
    """The module that holds the entry, and the function that argues for it."""
    module = next(m for m in MODULES if any(entry.key == bound.key for entry in m.ENTRIES))
    argument = ARGUMENTS.get(bound.key)
    line = f"Implemented in `{module.__name__}`"
    return line + (f", argued for in `{argument.__module__}`." if argument else "; no argument of ours.")


def _run(p: float, bias: float, h: float) -> bounds.Quantities:
    """Three steps D = p G + b on f = (x_1^2 + x_2^2 / 2)/2, r = 0, from (2, 1); z = 0 is the minimiser, L = 1."""
    curvature, x = np.array([1.0, 0.5]), [np.array([2.0, 1.0])]
    for _ in range(3):
        x.append(x[-1] - p * curvature * x[-1] - bias)
    path = np.array(x)[None]
    gradient, none = curvature * path, np.zeros((1, 2))
    q = bounds.measure(
        x=path,
        gradient=gradient[:, :-1],
        subgradient=np.zeros((1, 3, 2)),
        objective=(curvature * path**2).sum(-1) / 2,
        L=1.0,
        comparator=none,
        comparator_objective=np.zeros(1),
        comparator_residual=np.zeros(1),
        comparator_gradient=none,
        reference_step=h,
        preconditioner=np.full((1, 3, 2), p),
        end_gradient=gradient[:, -1],
        strong_convexity=np.array([0.5]),
        objective_lower=np.zeros(1),
        mean_objective=(curvature * path[:, 1:].mean(1) ** 2).sum(-1) / 2,
        facts=dict.fromkeys(bounds.quantities.FACTS, True),
    )
    G, D = gradient[:, :-1], path[:, :-1] - path[:, 1:]
    virtual = bounds.virtual.magnitudes(
        p=np.full_like(G, 0.9), b=np.full_like(G, 0.02), p_ood=np.full_like(G, p), step_ood=D, G_ood=G, L_ood=1.0,
        dz=np.full((1, 3), 0.5), reference_step=h,
    )[0]  # fmt: skip
    factors, W = np.array([[0.5, 0.75, 1.0]]), np.array([[1.0, 1.0, 2.0]])
    a, f, after = np.array([[0.25, 0.25, 0.5]]), (curvature * path[:, 1:] ** 2).sum(-1) / 2, gradient[:, 1:]
    # an accelerated guard that makes its steps 1 and 2, and not the third
    t = np.array([[0.0, 1.0, (1 + 5**0.5) / 2]])
    spent = np.cumsum(q.values["enorm"], axis=1)
    others = {
        "share": a,
        "left": np.array([[1.0, 0.75, 0.5, 0.0]]),
        "model": f - (after * path[:, 1:]).sum(-1),
        "model_0": f + (after * (path[:, :1] - path[:, 1:])).sum(-1),
        "mean_grad": np.linalg.norm((a[..., None] * after).sum(1), axis=-1),
        "guard_count": np.array([[0.0, 1.0, 2.0, 2.0]]),
        "guard_weight": t[:, [0, 1, 2, 2]] ** 2,
        "guard_momentum": np.array([[1.0, t[0, 2], 0.0]]),
        "guarded": np.array([[1.0, 1.0, 0.0]]),
        "guard_floor": np.full((1, 3), 1e-15),
        "x_floor": np.full((1, 3), 1e-15),
        "budget": spent[:, -1:] + 0.1 - np.concatenate([np.zeros((1, 1)), spent], axis=1),
        "energy": np.array([[0.0, 1e-3, 1e-3, 1e-4]]),
        "motion": np.concatenate([np.zeros((1, 1)), q.values["D2"] / 2], axis=1),
        "eps": np.array([[0.01, 0.01, 0.01]]),
        "step_h": factors,
        "ex_own": ((D - factors[..., None] * G) * path[:, 1:]).sum(-1),
        "weight": W,
        "pot": out_of_distribution.weight_potentials(W),
        "history_q": np.array([0.5]),
        "history_r": np.array([0.8]),
        "history_b": np.array([0.6]),
        "history_radius": np.atleast_1d(bounds.history.frozen_mode(0.8, 0.5, 0.6).radius),
        "defect": np.array([[0.0, 2e-16, 3e-16]]),
        "defect_floor": np.array([[1e-15, 1e-15, 1e-15]]),
    }
    ahead = bounds.accelerated.look_ahead(path)
    reference = bounds.accelerated.measure(
        ahead, gradient=curvature * ahead.point, subgradient=np.zeros((1, 3, 2)), L=1.0, comparator=none
    )[0]
    values = {**q.values, **virtual, **others, **reference}
    return bounds.Quantities(values, q.errors, q.facts, q.steps, q.batch)


@cache
def _runs() -> tuple[bounds.Quantities, ...]:
    """With a bias, without one, and exact steps of 1/L and 1/(2L)."""
    return _run(0.8, 0.05, 1.0), _run(0.8, 0.0, 1.0), _run(1.0, 0.0, 1.0), _run(0.5, 0.0, 0.5)


def _given(bound: bounds.Bound) -> dict[str, Any]:
    """Its quantities on the first of the runs that meets its hypotheses, to six digits."""
    for q in _runs():
        if all(np.all(check.holds) for check in bound.check(q)):
            return {name: _short(q.values[name]) for name in bound.quantities}
    raise AssertionError(f"{bound.key}: no example meets its hypotheses")


def _short(values: np.ndarray) -> Any:
    rounded = np.vectorize(lambda v: float(f"{v:.6g}"))(values)
    return float(rounded[0]) if rounded.shape == (1,) else rounded.tolist()


def example(bound: bounds.Bound) -> str:
    """Both sides on fixed numbers, as one would type it."""
    given = _given(bound)
    evaluated = bound.evaluate(given)
    slack = evaluated.rhs + evaluated.slop - evaluated.lhs
    assert (slack >= -1e-5 * (1 + np.abs(evaluated.rhs))).all(), f"{bound.key}: {evaluated}"
    arguments = "".join(f"    {name!r}: {value},\n" for name, value in given.items())
    sides = [("lhs", evaluated.lhs), ("rhs", evaluated.rhs)] + (
        [("slop", evaluated.slop)] if evaluated.slop.any() else []
    )
    lines = [f">>> side.{name}\n{', '.join(f'{v:.6g}' for v in np.ravel(value))}" for name, value in sides]
    return "\n".join([f">>> side = bounds.get({bound.key!r}).evaluate({{\n{arguments}}})", *lines])


def _table(rows: Iterable[Iterable[str]], *header: str) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _folded(title: str, text: str, language: str) -> str:
    return f"<details><summary>{title}</summary>\n\n```{language}\n{text.rstrip()}\n```\n\n</details>"


STATUS = {
    "kernel-checked": "proved by machine, and [kernel-checked](../kernel-checked.md)",
    "machine-checked": "proved by machine",
    "quoted": "not proved here",
}


def standing(bound: bounds.Bound) -> str:
    """How sure a bound is: the kernel of Coq, the prover and its checker, or its source."""
    if is_kernel_checked(bound):
        return "kernel-checked"
    return "machine-checked" if bound.key in ARGUMENTS else "quoted"


def entry(bound: bounds.Bound, proof: Any) -> str:
    """The section of one bound."""
    needs = [(f"`{h.name}`", h.statement.translate(_PLAIN)) for h in bound.hypotheses]
    quantities = [
        (f"`{name}`", bounds.VOCABULARY[name].meaning.translate(_PLAIN), bounds.VOCABULARY[name].unit.translate(_PLAIN))
        for name in bound.quantities
    ]
    proved = proof.valid
    status = STATUS[standing(bound)]
    return "\n\n".join(
        [
            f"## {bound.number} `{bound.key}`",
            f"{bound.title.translate(_PLAIN)}. *{bound.kind}*, one verdict per {bound.level}, {status}.",
            f"<div class='drawn'>{drawn(bound.latex())}</div>",
            "Supposed: nothing." if not needs else _table(needs, "hypothesis", "says"),
            _table(quantities, "quantity", "meaning", "unit"),
            f"Source: {str(bound.source).translate(_PLAIN)}. {implemented(bound)}",
            _folded("The proof, as the machine prints it" if proved else "Why there is no proof", proof.text, "text"),
            _folded("An example in numbers", example(bound), "text"),
        ]
    )


def page(number: int) -> str:
    """The page of one number, its proofs checked while it is written."""
    chosen = entries(number)
    proofs = {b.key: b.prove() for b in chosen}
    wrong = [key for key, proof in proofs.items() if not proof.valid and key in ARGUMENTS]
    assert not wrong, f"proofs that fail: {wrong}"
    sections = [entry(b, proofs[b.key]) for b in chosen]
    return "\n\n".join([f"# B{number}: {TITLES[number]}", WORDS[number].strip(), *sections]) + "\n"


def overview() -> str:
    """A row for each entry of the catalogue."""
    rows = [
        (
            f"[{b.number}](b{number_of(b):02}.md)",
            f"`{b.key}`",
            b.title.translate(_PLAIN),
            b.kind,
            b.level,
            standing(b),
        )
        for b in entries()
    ]
    return _table(rows, "", "name", "says", "kind", "one verdict per", "standing")


def write(folder: Path) -> None:
    """Write the pages; what has not changed is left as it is, so that a second build is short."""
    for number in sorted({number_of(b) for b in entries()}):
        file, text = folder / f"b{number:02}.md", page(number)
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")


def _source(app: Any, name: str, source: list[str]) -> None:
    if name == "theory/index":
        assert OVERVIEW in source[0]
        source[0] = source[0].replace(OVERVIEW, overview())


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("builder-inited", lambda app: write(Path(app.srcdir) / "theory"))
    app.connect("source-read", _source)
    return {"parallel_read_safe": True}
