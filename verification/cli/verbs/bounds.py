"""`l2obound bounds` and `l2obound prove`: the catalogue and its proofs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ....errors import InputError
from ..answer import Answer, Table, print_answer, print_lines
from ..console import emit, progress_bar
from ..coq_files import write_coq
from ..formula import in_plain_text, symbols_of
from ..options import Verbose, writable_file

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
    verbose: Verbose = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """List the catalogue of bounds, or state one.

    A name alone is the main form of a bound. NAME:VARIANT is another form of it, and --verbose lists those too.

    Example: l2obound bounds ood_last_iterate
    """
    entries = stored_listing()
    if name:  # a number, as B6c, is a name too
        entries = [e for e in entries if e["name"] == name] or listing(name)
    if as_json:
        emit(json.dumps(entries))
    elif name:
        print_answer(_stated(entries[0]), verbose)
    else:
        _print_catalogue(entries, verbose)


def _stated(entry: dict[str, Any]) -> Answer:
    """One bound: what it says, what it needs and where it comes from."""
    formula = in_plain_text(entry["latex"])
    return Answer(
        title=f"{entry['number']} {entry['name']}: {entry['title']} ({entry['kind']}, for each {entry['level']})",
        details=[f"LaTeX: {entry['latex']}"],
        finding=[
            f"    {formula}",
            *(f"Symbols: {'; '.join(named)}." for named in [symbols_of(formula)] if named),
            f"Needs: {'; '.join(entry['hypotheses']) or 'nothing'}.",
            f"Source: {entry['source']}",
        ],
        next=f"`l2obound prove {entry['name']}` checks its proof, `l2obound verify --bound {entry['name']}` a run.",
    )


def _print_catalogue(entries: list[dict[str, Any]], verbose: bool) -> None:
    """A line for each bound, and with `verbose` for each variant; no table, which would be cut at twelve rows."""
    chosen = [e for e in entries if verbose or ":" not in e["name"]]
    width = max(len(e["name"]) for e in chosen)
    for e in chosen:
        print_lines([f"{e['number']:5}{e['name']:{width}}  {e['level']:5}{e['title']}"])
    if left := len(entries) - len(chosen):
        print_lines([f"and {left} variants of these, as NAME:VARIANT: --verbose lists them."])
    print_lines(["`l2obound bounds NAME` states a bound, what it needs and its source."])


def prove_bounds(
    name: Annotated[
        str | None, typer.Argument(metavar="[BOUND]", help="One bound, by name or number; all of them if left out.")
    ] = None,
    coq: Annotated[
        Path | None, typer.Option(help="Write the proof of BOUND here as a file of Coq, which has it checked.")
    ] = None,
    lean: Annotated[
        Path | None, typer.Option(help="Write the proof of BOUND here as a file of Lean 4, which nobody has checked.")
    ] = None,
    verbose: Verbose = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the certificate(s) as JSON.")] = False,
) -> None:
    """Check the machine proof of a bound, or of all of them.

    With --verbose the proof of one bound is printed, and of all bounds a line for each.
    Exits with 1 where a proof does not hold.
    A file of Coq stands on L2O.v, which is written beside it: `coqc -Q . L2O L2O.v NAME.v`.

    Example: l2obound prove ood_multi_step_sharp
    """
    from ....bounds.proofs import ARGUMENTS

    if (coq or lean) and name is None:
        raise InputError("prove: --coq and --lean write one proof; name the bound, as in `prove B6c --coq b6c.v`.")
    entries = _chosen(name)
    _write_exports(entries[0], coq, lean)
    with progress_bar() as bar:
        proofs = [b.prove() for b in bar.track(entries, description="proofs checked")]
    # an entry without a proof says so; an argument that does not hold is a violation
    failed = [proof.bound for proof in proofs if not proof.valid and proof.bound in ARGUMENTS]
    if as_json:
        certificates = [proof.certificate() for proof in proofs]
        emit(json.dumps(certificates[0] if name else certificates))
    else:
        answer = (_one_proof if name else _all_proofs)(entries, proofs, failed)
        print_answer(replace(answer, where=[file for file in (coq, lean) if file is not None]), verbose)
    raise typer.Exit(1 if failed else 0)


def _write_exports(b: bounds.Bound, coq: Path | None, lean: Path | None) -> None:
    """Write the proof for a kernel, where a file is asked for."""
    for file in (coq, lean):
        if file is not None:
            writable_file(file)
    from ....bounds.coq import coq_text, lean_text
    from ....l2o.support.files import write_bytes  # which imports torch, as the list of bounds must not

    if coq is not None:
        write_coq(coq, coq_text(b))
    if lean is not None:
        write_bytes(lean, lean_text(b).encode())


def _one_proof(entries: list[bounds.Bound], proofs: list[Any], failed: list[str]) -> Answer:
    """Whether the proof of a bound holds."""
    (b,), (proof,) = entries, proofs
    supposed = "; ".join(h.statement for h in b.hypotheses if h.name in proof.hypotheses)
    if proof.valid:
        count = len(proof.identity)
        parts = f"its {count} identities hold" if count > 1 else "its one identity holds"
        verdict = f"PROVED: the checker expanded the proof, and {parts}."
    else:
        verdict = f"{'The proof does NOT hold' if failed else 'There is no proof here'}: {proof.reason}"
    return Answer(
        title=f"{b.number} {b.key}: {b.title}",
        finding=[verdict, f"It supposes: {supposed or 'nothing'}."],
        next="--verbose prints the proof; --json prints it as a certificate that `bounds.proofs.checker` checks.",
        details=[proof.text.split("\n", 1)[-1]],  # without its title
    )


def _all_proofs(entries: list[bounds.Bound], proofs: list[Any], failed: list[str]) -> Answer:
    """How many proofs hold; a row for each bound without one."""
    rows = [
        [b.number, b.key, "the proof does NOT hold" if proof.bound in failed else "no proof here", proof.reason]
        for b, proof in zip(entries, proofs, strict=True)
        if not proof.valid
    ]
    rows.sort(key=lambda row: row[1] not in failed)
    valid = sum(proof.valid for proof in proofs)
    verdict = f"PROVED: {valid} of {len(proofs)} entries of the catalogue."
    if failed:
        verdict = f"FAILED: {len(failed)} proofs do not hold: {', '.join(failed)}. {verdict}"
    return Answer(
        table=Table(("", "bound", "state", "why"), rows),
        finding=[verdict],
        next="`l2obound prove NAME --verbose` prints a proof; --verbose prints a line for each bound.",
        details=[
            f"{b.number:5}{b.key}: {f'proved, {len(proof.identity)} identities' if proof.valid else proof.reason}"
            for b, proof in zip(entries, proofs, strict=True)
        ],
    )


VERBS = {"bounds": list_bounds, "prove": prove_bounds}

if __name__ == "__main__":  # python -m l2obound.verification.cli.verbs.bounds, when the catalogue has changed
    LISTING.write_text(json.dumps(listing(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
