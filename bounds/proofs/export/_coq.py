"""Writes statements and lemmas as Coq."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ._builder import SPLITS
from ._lemmas import Lemma, Statement
from ._weights import Weight
from .nodes import Node
from .printing import COQ, INDUCTION, STEP, Language, wrapped

PLACES = {
    "step": INDUCTION,
    "0": {**STEP, "k": "0", "j": "0"},
    "1": {**STEP, "k": "1", "j": "0"},
    "K": STEP,
}
INDEX = {"step": ("(S j)", "j"), "0": ("0%nat", "0%nat"), "1": ("1%nat", "0%nat"), "K": ("K", "(pred K)")}


def case_text(case: str | Node, language: Language, k: str) -> str:
    """What a case supposes."""
    return case.replace("{k}", k) if isinstance(case, str) else f"0 <= {language(case)}"


def lemma_lines(lemma: Lemma, unfolded: str, forms: list[Node]) -> Iterator[str]:
    """A lemma with its proof; `unfolded` are the names that its identity unfolds."""
    language = COQ.with_indices(PLACES[lemma.place])
    k, j = INDEX[lemma.place]

    def placed(text: str) -> str:
        return text.replace("{k}", k).replace("{j}", j)

    def reason(text: str) -> str:
        return re.sub(r"{{(\d+)}}", lambda m: language(forms[int(m[1])]), placed(text))

    step = lemma.place == "step"
    conclusion = lemma.claim + {"step": " (S j)", "0": " 0", "1": " 1", "K": ""}[lemma.place]
    if not step and lemma.place == "K":
        conclusion = lemma.claim
    premises = []
    names = []
    if step:
        premises.append("forall j, " + ("(1 <= j)%nat -> " if lemma.first == 2 else "") + "(S j <= K)%nat ->")
        names += ["j", *(["H1"] if lemma.first == 2 else []), "Hj"]
    premises += [f"{case_text(c, language, k)} ->" for _, c in lemma.cases]
    names += [text for text, _ in lemma.cases]
    if lemma.earlier:
        premises.append(f"0 <= {lemma.claim} j ->")
        names.append("IH")
    if lemma.says:
        yield f"  (* {lemma.says} *)"
    yield wrapped(" ".join([f"Lemma {lemma.name} :", *premises, f"0 <= {conclusion}."]), 2)
    yield "  Proof."
    if names:
        yield f"    intros {' '.join(names)}."
    if step:
        yield "    destruct (step_numbers j K Hj) as (N1 & N2 & N3)." + (
            " pose proof (run_numbers j H1) as N0." if lemma.first == 2 else ""
        )
    else:
        yield "    pose proof (run_numbers K K_pos) as N1."
    for text in dict.fromkeys(lemma.context):
        yield f"    pose proof {placed(text)}."
    for i, one in enumerate(lemma.below, 1):
        relation = "<" if one.strict else "<="
        yield wrapped(f"assert (P{i} : 0 {relation} {language(one.expression)}) by {why(language, one)}.", 4)
    for i, fact in enumerate(_reasoned(lemma), 1):
        yield wrapped(f"assert (I{i} : 0 <= {language(fact.expression)}) by ({reason(fact.reason)}).", 4)
    for i, one in enumerate(lemma.weights, 1):
        yield wrapped(f"assert (W{i} : 0 <= {language(one.expression)}) by {why(language, one)}.", 4)
    left = conclusion if lemma.times == Node("number", (1,)) else f"{language.atom(lemma.times)} * {_atom(conclusion)}"
    if lemma.times_form:
        left = f"{language.atom(lemma.times)} * {_atom(conclusion)}"
    for i, (inside, one, positive) in enumerate(lemma.maxima, 1):
        text = language.atom(inside)
        value, lemma_name = (text, "max_of_nonneg") if positive else ("0", "max_of_nonpos")
        form = one.expression if one.form is None else one.form
        yield wrapped(
            f"assert (M{i} : Rmax 0 {text} = {value}) by (apply {lemma_name}; by_form ({language(form)})).", 4
        )
    if lemma.terms:
        yield f"    assert (E : {left} ="
        for i, term in enumerate(lemma.terms):
            text = language(term) if term.op != "neg" else f"({language(term)})"
            end = ")." if i + 1 == len(lemma.terms) else ""
            yield wrapped(f"{'+ ' if i else ''}{_product(language, term)}{end}", 6) if text else ""
    else:
        yield f"    assert (E : {left} = 0)."
    equations = " ".join(f"use {placed(text)}." for text in dict.fromkeys(lemma.equations))
    one_ = "change (INR 1) with 1. " if lemma.place == "1" else ""
    maxima = "".join(f"rewrite ?M{i}. " for i in range(1, len(lemma.maxima) + 1))
    yield wrapped(
        f"{{ unfold {unfolded}. at_step. {one_}{maxima}{equations + ' ' if equations else ''}expand. calculate. }}", 4
    )
    finish = "rewrite E. add_up." if lemma.terms else "rewrite E. lra."
    if len(lemma.times_form) == 1:
        yield wrapped(f"apply positive_multiple with ({language(lemma.times)}).", 4)
        yield wrapped(f"- {why(language, lemma.times_form[0])}.", 4)
        yield f"    - {finish}"
    elif lemma.times_form:
        yield wrapped(f"apply bounded_multiple with ({language(lemma.times)}).", 4)
        for one in lemma.times_form:
            yield wrapped(f"- unfold {lemma.claim}. at_step. {why(language, one)}.", 4)
        yield f"    - {finish}"
    else:
        yield f"    {finish}"
    yield "  Qed."


def _reasoned(lemma: Lemma) -> Iterable:
    return [f for f in lemma.facts if not f.equality and f.reason != "IH"]


def _atom(text: str) -> str:
    return f"({text})" if " " in text else text


def _product(language: Language, term: Node) -> str:
    return language(term) if term.op not in ("add", "neg") else f"({language(term)})"


def why(language: Language, weight: Weight) -> str:
    """The tactic that shows a weight."""
    if weight.form is None:
        return "lra"
    if weight.form == weight.expression:
        return "above_zero" if weight.strict else "not_negative"
    return f"by_form ({language(weight.form)})"


def holds_lines(statement: Statement) -> Iterator[str]:
    """That a claim holds wherever its lemmas reach."""
    title = statement.name
    language = COQ.with_indices(STEP)
    cases = [f"{case_text(c, language, 'k')} ->" for c in statement.cases]
    over = f"forall k, ({statement.first} <= k <= K)%nat ->" if statement.first else "forall k, (k <= K)%nat ->"
    target = f"{title} k" if statement.indexed else title
    head = [f"Lemma {title}_holds :", *([over] if statement.indexed else []), *cases, f"0 <= {target}."]
    yield wrapped(" ".join(head), 2)
    yield "  Proof."
    steps = [one for one in statement.lemmas if one.place in ("step", "K")]
    starts = [one for one in statement.lemmas if one.place in ("0", "1")]
    apply_step = " | ".join(
        f"apply {one.name}; solve [assumption | lia | apply IH; solve [lia | assumption] | lra]" for one in steps
    )
    apply_start = " | ".join(f"apply {one.name}; solve [assumption | lia | lra]" for one in starts)
    splits = [_split(family, "(S j)" if statement.indexed else "K") for family in statement.families]
    split = "; ".join([*splits, ""])
    if not statement.indexed:
        yield f"    intros. {'; '.join([*splits, f'first [{apply_step}]'])}."
    elif any(one.earlier for one in steps) or starts:
        yield "    induction k as [|j IH]; intros."
        if statement.first == 0:
            yield f"    - first [{apply_start}]."
            yield f"    - {split}first [{apply_step}]."
        else:
            yield "    - lia."
            yield f"    - destruct j as [|i]; [first [{apply_start}]|]. set (j := S i) in *."
            yield f"      {split}first [{apply_step}]."
    else:
        yield "    intros [|j] Hk; intros; [lia|]."
        yield f"    {split}first [{apply_step}]."
    yield "  Qed."


def _split(family: tuple[str, Node | None], k: str) -> str:
    key, sign_of = family
    if sign_of is not None:
        return f"destruct (sign_of ({COQ.with_indices(INDUCTION)(sign_of)}))"
    return SPLITS[key].replace("{k}", k)
