"""How the report measures, in words, and what it was made with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from ..pages import blocks
from ..pages.text import count, join, number
from ._extras import EXTRAS
from ._tables_view import badge
from .tables import VERDICTS

Results = Mapping[str, Any]

_MEANINGS = {
    "verified": "The inequality holds for every F* in the certified interval, up to rounding.",
    "violated": "It fails for every F* in the certified interval, beyond rounding.",
    "inconclusive": "It holds for some F* in the interval and fails for others.",
    "not applicable": "The run breaks a hypothesis of the bound, and the bound promises nothing.",
}
_WORDS = (
    "A run is made in float64. Its gradients, objectives and steps are computed again from its iterates, with bounds "
    "on their rounding.",
    "F* is known as an interval. A certificate proves its lower end, and its upper end is F at a point. A gap is an "
    "interval too.",
    "A bound is one inequality between numbers of a run. It is judged at every step or once a run, where its "
    "hypotheses hold.",
    "Vacuous: the inequality is true of any run, so it says nothing. A bound on a step is vacuous where it allows an "
    "increase of F, a bound on a run where it is no better than F(x_0) - F*. Informative: verified, and not vacuous.",
    "Tightness: the measured value over the bound, 1 where the bound is attained.",
    "In distribution: drawn from the distribution that the weights were trained on, by their manifest: the same "
    "generator, sizes, sparsity and weight of the l1 norm. Shifted: such instances with the start moved by s, or with "
    "F(x + t) as the objective. Other data: everything else, shifted or not.",
    "The certificate of a run (B15) is a lower bound of F* from points, values and gradients of that run alone.",
    "A guarded method is a learned one beside which accelerated steps are made (l2o.guaranteed). It keeps the bound "
    "B16 whatever its network does.",
    "A repeated bound is the same inequality as another one on that run. It is judged once.",
)


def method() -> list[blocks.Block]:
    """How it is measured, and what the words mean."""
    items = Markup("").join(
        Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(badge(name), _MEANINGS[name]) for name in VERDICTS
    )
    return [Markup('<dl class="legend">{}</dl>').format(items), blocks.Sentences(_WORDS, bullets=True)]


def provenance(results: Results) -> list[blocks.Block]:
    """What is needed to make the report again."""
    made = results["provenance"]
    parts: list[blocks.Block] = [
        blocks.Text("With the versions below and the same seed, run:"),
        Markup('<pre tabindex="0"><code>{}</code></pre>').format(made["command"]),
        blocks.Text(_reused(results)),
    ]
    digests = [
        ["configuration", made["config_digest"]],
        ["sources", made["code_digest"]],
        *([f"data of {problem['key']}", problem["fingerprint"]] for problem in results["problems"]),
    ]
    parts.append(blocks.Table("Digests", ["SHA-256 of", ""], [[a, _code(b)] for a, b in digests], kind="hashes"))
    if made["weights"]:
        head = ["Weights", "Trained for", "Updates", "Seed", "SHA-256", "Command"]
        rows = [
            [
                w["model"], w["family"], "not known" if w["updates"] is None else number(w["updates"]),
                "not known" if w["seed"] is None else str(w["seed"]), _code(w["sha256"]),
                "not known" if w["command"] is None else _code(w["command"]),
            ]
            for w in made["weights"]
        ]  # fmt: skip
        parts.append(blocks.Table("Weights of the learned methods", head, rows, kind="hashes"))
    where = [
        ["Made", made["created"]], ["Seconds", number(made["seconds"])], ["Seed", str(made["seed"])],
        ["Format", str(results["format"])], *([n, str(v)] for n, v in made["versions"].items()),
        *([n, str(v)] for n, v in made["machine"].items()),
    ]  # fmt: skip
    parts.append(blocks.Folded("Versions and machine", (blocks.Table("Versions and machine", ["Of", "Value"], where),)))
    parts.append(blocks.Folded("Times of the runs", _times(results)))
    config = json.dumps(results["config"], indent=2, ensure_ascii=False)
    parts.append(
        blocks.Folded("The configuration", (Markup('<pre tabindex="0"><code>{}</code></pre>').format(config),))
    )
    return parts


def _code(text: str) -> Markup:
    return Markup("<code>{}</code>").format(text)


def _reused(results: Results) -> str:
    reused = results["provenance"]["reused"]
    if not reused:
        return "Nothing was taken over from an earlier run or from a cache."
    return (
        f"Taken over from an earlier, interrupted run or from a cache, {number(len(reused))} of "
        f"{count(_parts(results), 'part')}: {join(reused, len(reused))}."
    )


def _parts(results: Results) -> int:
    """How many parts are kept on their own: runs, what is measured beside them, optima, proofs, worst cases."""
    optima = sum(len({o["fingerprint"] for o in problem["optima"]}) for problem in results["problems"])
    long = {(e["problem"], t) for e in results["transients"] for t in (0.0, e["scenario"]["t"])}
    proofs = any(row["proof"] for row in results["catalogue"])
    extras = sum(len(results[name]) for name in EXTRAS)
    return len(results["runs"]) + extras + optima + len(long) + proofs + bool(results["worst_cases"])


def _times(results: Results) -> Sequence[blocks.Block]:
    reused = set(results["provenance"]["reused"])

    def seconds(run: Results) -> float:
        return float(run["seconds"] + run["checking_seconds"] + run["certifying_seconds"])

    rows = [
        [
            run["key"], run["seconds"], run["checking_seconds"], run["certifying_seconds"],
            "yes" if run["key"] in reused else "no",
        ]
        for run in sorted(results["runs"], key=lambda run: -seconds(run))
    ]  # fmt: skip
    certifying = join([f"{p['key']} {number(p['seconds'])} s" for p in results["problems"]], 20)
    head = ["Run", "Running, s", "Checking, s", "Certificate, s", "Taken over"]
    return (
        *([blocks.Table("Times of the runs", head, rows)] if rows else []),
        blocks.Text(f"Certifying F*: {certifying}."),
    )
