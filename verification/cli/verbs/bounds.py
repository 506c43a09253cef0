"""`l2obound bounds` and `l2obound prove`: the catalogue and its proofs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..console import console, emit

if TYPE_CHECKING:
    from .... import bounds

LISTING = Path(__file__).parents[1] / "listing.json"
"""What `listing` gives, written when the catalogue changes: to read it takes no SymPy, which is slow to import."""


def stored_listing() -> list[dict[str, Any]]:
    """What `listing` gives, from the file."""
    return json.loads(LISTING.read_text(encoding="utf-8"))


def _chosen(name: str | None) -> list[bounds.Bound]:
    """The bound of that name, or every entry of the catalogue."""
    from .... import bounds

    return [bounds.get(n) for n in ([name] if name else bounds.names(variants=True))]


def listing(name: str | None = None) -> list[dict[str, Any]]:
    """What the verb says of a bound, or of every entry of the catalogue, from their expressions."""
    return [
        {
            "name": b.key,
            "number": b.number,
            "title": b.title,
            "level": b.level,
            "kind": b.kind,
            "latex": b.latex(),
            "hypotheses": [h.statement for h in b.hypotheses],
            "source": str(b.source),
        }
        for b in _chosen(name)
    ]


def list_bounds(
    name: Annotated[
        str | None, typer.Argument(metavar="[BOUND]", help="One bound, by name or number; all of them if left out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """List the catalogue of bounds, or state one.

    Example: l2obound bounds ood_last_iterate
    """
    entries = stored_listing()
    if name:  # a number, as B6c, is a name too
        entries = [e for e in entries if e["name"] == name] or listing(name)
    if as_json:
        emit(json.dumps(entries))
    elif name:
        e = entries[0]
        console.print(f"{e['number']} {e['name']}: {e['title']} ({e['kind']}, per {e['level']})", markup=False)
        for line in (e["latex"], *(f"needs: {h}" for h in e["hypotheses"]), e["source"]):
            console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
    else:
        width = max(len(e["name"]) for e in entries)  # no table: it cuts names where the terminal is narrow
        for e in entries:
            line = f"{e['number']:5}{e['name']:{width}}  {e['level']:5}{e['kind']:6}{e['title']}"
            console.print(line, highlight=False, markup=False, soft_wrap=True)


def prove_bounds(
    name: Annotated[
        str | None, typer.Argument(metavar="[BOUND]", help="One bound, by name or number; a line for each if left out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the certificate(s) as JSON.")] = False,
) -> None:
    """Check the machine proof of a bound and print it, or check those of all bounds.

    Example: l2obound prove ood_multi_step_sharp
    """
    from ....bounds.proofs import ARGUMENTS

    proofs = []
    for b in _chosen(name):
        proof = b.prove()
        proofs.append(proof)
        if as_json:
            continue
        if name:
            console.print(proof.text, markup=False, highlight=False, soft_wrap=True)
        else:
            says = f"proved, {len(proof.identity)} identities" if proof.valid else proof.reason
            console.print(f"{b.number:5}{b.key}: {says}", markup=False, highlight=False, soft_wrap=True)
    if as_json:
        certificates = [proof.certificate() for proof in proofs]
        emit(json.dumps(certificates[0] if name else certificates))
    # an entry without a proof says so; an argument that does not hold is a violation
    failed = [proof for proof in proofs if not proof.valid and proof.bound in ARGUMENTS]
    raise typer.Exit(1 if failed else 0)


VERBS = {"bounds": list_bounds, "prove": prove_bounds}

if __name__ == "__main__":  # python -m l2obound.verification.cli.verbs.bounds, when the catalogue has changed
    LISTING.write_text(json.dumps(listing(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
