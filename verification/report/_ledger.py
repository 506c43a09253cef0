"""Which bounds a report holds against its runs, and the ledger of the whole catalogue with its machine proofs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ... import bounds
from ...bounds.coq import is_kernel_checked

# Held against the steps of a learned method that have a paired step without a shift.
PAIRED = ("virtual_decomposition", "ood_per_step:magnitude", "ood_multi_step:virtual")
GUARDED = "accelerated_guard"
# Main entries that no single run can be held against, and what is there instead.
ELSEWHERE = {
    "equivariance": "a statement about two runs: measured where s = t, see the figures of starts and objectives",
    "run_certificate": "computed for every run where the configuration says certificates = true",
    GUARDED: "a statement about runs under a guard; this report has none, or was not asked to",
    "history_stability": "a statement about one frozen mode of the recurrence, not about a run",
}


def checked_names(chosen: tuple[str, ...] | None, paired: bool, guarded: bool = False) -> list[str]:
    """The bounds to hold against a run, in the order of the catalogue: `chosen`, or else every main entry that can be.

    `paired`: the run is of a learned method and has one without a shift to be paired with. `guarded`: it is made under
    an accelerated guard, which has a bound of its own.
    """
    if chosen is not None:
        return list(chosen)
    wanted = {name for name in bounds.names() if bounds.get(name).on_runs}
    wanted |= set(PAIRED) if paired else set()
    wanted |= {GUARDED} if guarded else set()
    return [name for name in bounds.names(variants=True) if name in wanted]


def number_of(bound: bounds.Bound) -> str:
    """Its number as the page writes it: "B5", "B5:magnitude"."""
    return bound.number if bound.variant is None else f"{bound.number}:{bound.variant}"


def bound_entry(name: str) -> dict[str, Any]:
    """What the page says of a bound."""
    bound = bounds.get(name)
    return {
        "key": bound.key,
        "number": number_of(bound),
        "title": bound.title,
        "latex": bound.latex(),
        "level": bound.level,
        "source": str(bound.source),
        "origin": bound.source.origin,
        "kind": bound.kind,
        "hypotheses": [{"name": h.name, "statement": h.statement} for h in bound.hypotheses],
    }


def ledger(proofs: dict[str, dict[str, Any]], checked: Iterable[str]) -> list[dict[str, Any]]:
    """Every entry of the catalogue with its proof, whether a kernel checked it, and why nothing was held against it."""
    checked = set(checked)
    return [
        bound_entry(name)
        | {
            "proof": proofs.get(name),
            "kernel": is_kernel_checked(bounds.get(name)),
            "unchecked": None if name in checked else _why_not(name),
        }
        for name in bounds.names(variants=True)
    ]


def _why_not(name: str) -> str:
    if name in ELSEWHERE:
        return ELSEWHERE[name]
    if name in PAIRED:
        return "needs a learned run paired with one without a shift; this report has none, or was not asked to"
    if bounds.get(name).variant is not None:
        return "another form of the main entry; ask for it under `bounds`"
    return "not asked for"


def prove_all() -> dict[str, dict[str, Any]]:
    """The machine proof of every entry, as far as there is one: some 20 s."""
    proofs = {}
    for name in bounds.names(variants=True):
        proof = bounds.get(name).prove()
        claims = (proof.data or {}).get("claims", [])
        proofs[name] = {
            "valid": proof.valid,
            "reason": proof.reason,
            "claims": len(claims),
            "inequalities": len(proof.multipliers),
        }
    return proofs
