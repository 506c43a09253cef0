"""A proof for every K as it is given to people and to a checker: what was shown, as text, LaTeX and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy as sp


@dataclass(frozen=True, eq=False)
class Induction:
    """A proof that the rate of a discovery bounds the worst case for every K, or why there is none.

    `form` is P_k, in what a step is handed (`handed`): the inequalities up to step k leave P_k at least. `conditions`
    are the statements that were shown, in words. For K below `first` the formulas were put into proofs one by one.
    That the bound is attained is shown for the K of the discovery, and for no others. `certificate` is the proof as
    plain JSON, which `checker_induction` checks; None where nothing is proved.
    """

    valid: bool
    reason: str
    rate: sp.Expr | None = None
    form: sp.Matrix | None = field(default=None, repr=False)
    first: int = 0
    handed: tuple[str, ...] = ()
    conditions: tuple[str, ...] = field(default=(), repr=False)
    certificate: Mapping[str, Any] | None = field(default=None, repr=False)

    def __bool__(self) -> bool:
        return self.valid

    @property
    def data(self) -> dict[str, Any]:
        """What was shown as plain JSON, to be read: expressions are text. See `certificate` for what is checked."""
        rows = [] if self.form is None else [[str(e) for e in self.form.row(i)] for i in range(self.form.rows)]
        return {
            "format": "l2obound induction 1",
            "valid": self.valid,
            "reason": self.reason,
            "rate": None if self.rate is None else str(self.rate),
            "form": rows,
            "handed": list(self.handed),
            "by_symbols_from": self.first,
            "conditions": list(self.conditions),
        }

    @property
    def latex(self) -> str:
        """The rate and P_k as LaTeX; empty where nothing is proved."""
        if not self.valid or self.form is None:
            return ""
        vectors = r",\; ".join(self.handed)
        return (
            f"\\begin{{align*}}\n\\tau_K &= {sp.latex(self.rate)} \\quad (K \\ge 1) \\\\\n"
            f"P_k &= {sp.latex(self.form)} \\quad \\text{{in }} {vectors}\n\\end{{align*}}\n"
        )

    @property
    def text(self) -> str:
        """The proof in lines."""
        if not self.valid:
            return f"no proof for every K: {self.reason}\n"
        lines = [f"proved for every K >= 1: the worst case is at most {self.rate}"]
        assert self.form is not None, "a proof has one"
        lines.append(f"the inequalities up to step k leave the form P_k of {', '.join(self.handed)}:")
        lines += [
            f"  P_k[{self.handed[i]}, {self.handed[j]}] = {self.form[i, j]}"
            for i in range(self.form.rows)
            for j in range(i + 1)
        ]
        lines += [f"  {one}" for one in self.conditions]
        return "\n".join(lines) + "\n"
