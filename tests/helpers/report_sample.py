"""A results dict as the experiment makes them, invented: with gaps, a violation and hostile strings."""

import functools
import math
from types import SimpleNamespace

import numpy as np

from l2obound.verification.guarantees import Sample
from l2obound.verification.report import figures
from l2obound.verification.report._next_instance import statements
from l2obound.verification.report.render import render_html

# Markup, quotes, mathtext, other scripts, right-to-left text and its override, a control and half a surrogate pair.
HOSTILE = "<script>alert(1)</script> & \"co\" 'x' $5 $y$ _z \u03bb\u4e2d\U0001f600 \u05e9\u05dc\u202e \x01 \ud800"

# Statements as the catalogue writes them.
_BOUNDS = [
    ("per_step_descent", "B1", "Per-step descent", "step", "tight",
     r"F(x_{k}) - F(x_{k - 1}) \le \frac{L \lVert e_{k}(h) \rVert^2}{2} - \left(1 - h\right) "
     r"\langle G_{k}, e_{k}(h) \rangle - \frac{h \left(2 - h\right) \lVert G_{k} \rVert^2}{2 L}"),
    ("homogeneous_descent", "B2", "Homogeneous descent: a sufficient condition for robustness", "step", "tight",
     r"F(x_{k}) - F(x_{k - 1}) \le \frac{\left(\sigma_{k} - h\right) \left(\sigma_{k} + 2 - h\right) "
     r"\lVert G_{k} \rVert^2}{2 L}"),
    ("ind_rate", "B3", "In-distribution rate under Assumption 1", "run", "upper",
     r"F(x_{K}) - F(z) \le \frac{L \lVert x_0 - z \rVert^{2}}{2 K h}"),
    ("ood_multi_step", "B6", "Multi-step bound out of distribution", "run", "upper",
     r"\frac{\sum_{k=1}^{K} F'(x'_{k})}{K} - F'(z) \le \frac{L' \left(\lVert x'_{0} - z \rVert^{2} - "
     r"\lVert x'_{K} - z \rVert^{2}\right)}{2 K h} - \frac{L' \sum_{k=1}^{K} \langle e'_{k}(h), x'_{k} - z "
     r"\rangle}{K h}"),
    ("ood_last_iterate", "B6c", "Last-iterate bound out of distribution", "run", "tight",
     r"F'(x'_{K}) - F'(z) \le \frac{L' \lVert x'_0 - z \rVert^{2}}{4 K h} - \frac{L' \sum_{k=1}^{K} "
     r"\langle e'_{k}(h), x'_{k} - z \rangle}{h}"),
    ("a_priori", "B7", "A-priori rate from the sizes of the deviations", "run", "upper",
     r"\frac{\sum_{k=1}^{K} F(x_{k})}{K} - F(z) \le \frac{L \left(\lVert x_0 - z \rVert + 2 \sum_{k=1}^{K} "
     r"\lVert e_{k}(h) \rVert\right)^{2}}{2 K h}"),
]  # fmt: skip
_SCENARIOS = [("unshifted", "in distribution", 0.0, 0.0), ("s10", "s = 10", 10.0, 0.0), ("t10", "t = 10", 0.0, 10.0)]
_OPTIMIZERS = [
    ("go-math-l2o", "GO-Math-L2O", True, 0.82), ("l2o-pa", "L2O-PA", True, 0.9),
    ("ista", "ISTA", False, 0.965), ("fista", "FISTA", False, 0.93),
]  # fmt: skip


def band(values):
    """A band around values."""

    def scaled(factor):
        return [None if v is None else v * factor for v in values]

    return {"median": values, "q10": scaled(0.4), "q90": scaled(2.5)}


def _data(key):
    """The kind of data of a scenario: the learned methods are trained on what is not shifted."""
    return "in distribution" if key == "unshifted" else "shifted"


def nothing():
    """The band of a run of which no instance is left."""
    return {"median": [], "q10": [], "q90": []}


def _verdict(bound, optimizer, steps, instances, odd):
    key, number_, _, level, _, _ = bound
    checks = instances * (steps if level == "step" else 1)
    counts = {"verified": checks, "violated": 0, "inconclusive": 0, "not applicable": 0}
    broken_data, notes, hypotheses = [], [], [{"name": "f_smooth", "required": "f is L-smooth", "share": 1.0}]
    verdict, vacuous, tight = "verified", 0.0, (0.62, 0.1, 0.97)
    if key == "ind_rate" and optimizer != "ista":
        verdict, vacuous, tight = "not applicable", None, (None, None, None)
        counts = dict.fromkeys(counts, 0) | {"not applicable": checks}
        hypotheses.append({"name": "exact_step", "required": "each step is exact", "share": 0.0, "worst_margin": -0.37})
    if key == "homogeneous_descent":
        part = checks // 4
        counts |= {"verified": checks - part, "not applicable": part}
        hypotheses.append({"name": "deviation_below_step", "required": "rho < h", "share": 0.75, "worst_margin": -2.2})
    if key == "a_priori":
        vacuous, tight = 1.0, (1.3e-7, 2.04e-9, 1e-5)
    if key == "ood_multi_step" and odd:
        verdict, vacuous, tight = "inconclusive", 0.25, (0.013, None, 0.4)
        counts |= {"verified": checks - 2, "inconclusive": 2}
        notes = ["distances are measured to the certified point", HOSTILE]
    if key == "ood_last_iterate" and odd:
        verdict, broken_data = "violated", ["F(x_k) is the objective at x_k"]
        counts |= {"verified": checks - 3, "violated": 3}
    return {
        "bound": key, "number": number_, "level": level, "verdict": verdict, "checks": checks, "counts": counts,
        "decided": 0 if vacuous is None else round((1 - vacuous) * (checks - counts["not applicable"])),
        "form_of": "per_step_descent" if key == "ood_per_step" else None,
        "vacuous_share": vacuous, "tightness_median": tight[0], "tightness_worst": tight[1],
        "tightness_best": tight[2], "worst_slack": None if vacuous is None else 1.5e-3,
        "hypotheses": [{"worst_margin": None} | h for h in hypotheses], "broken_data": broken_data, "notes": notes,
    }  # fmt: skip


def _next_instance(name, instances, steps, missing):
    """What a made-up sample says: instance b is (b + 1)/8 of a common curve; the first `lost` runs are."""
    if instances == 1:
        return {"why": "one instance is no sample", "statement": None}
    k = np.arange(steps + 1)
    part = (np.arange(instances)[:, None] + 1) / 8
    rate = {"go-math-l2o": 0.82, "l2o-pa": 0.9, "ista": 0.965}.get(name, 0.93)
    gap = np.where(np.arange(instances)[:, None] < missing, np.inf, part * rate**k)
    rho = np.where(np.isinf(gap), np.inf, 0.0 if name == "ista" else 0.2 + part * (k > 0))
    worst = part[:, 0] / 4 if name == "ista" else None
    sample = Sample(
        0.9 * gap, gap, rho, np.where(np.isinf(gap[:, -1]), 0, -1), np.ones(instances, bool), 8 * part[:, 0], worst
    )
    certified = np.full(instances, 2.0)
    return {"why": None, "statement": statements(sample, SimpleNamespace(lower=certified, upper=certified))}


def _run(problem, instances, scenario, optimizer, steps, floor):
    key, label, s, t = scenario
    name, shown, learned, rate = optimizer
    far = key != "unshifted"
    start = 3.0 * (80 if far else 1)
    odd = learned and far and name == "l2o-pa"
    rate = min(0.995, rate + (0.16 if odd else 0.04 if far else 0.0))
    gap = [start * rate**k * (1 + (0.3 * math.sin(k / 3) if learned else 0)) for k in range(steps + 1)]
    gap = [g if g > 3e-9 else (-1e-10 if k % 2 else None) for k, g in enumerate(gap)]
    rho = [0.0 if name == "ista" else (0.3 + 0.9 * 0.95**k + (0.8 if odd else 0)) for k in range(steps)]
    prefixes = sorted({max(1, round(steps ** (i / 12))) for i in range(13)})
    mean = "mean of F(x_1..k) - F*"
    curves = [
        ("ind_rate", [50 * start / k for k in prefixes], "F(x_k) - F*", name == "ista"),
        ("ood_multi_step", [20 * start / k for k in prefixes], mean, True),
        ("ood_last_iterate", [8 * start / k if k < 60 else None for k in prefixes], "F(x_k) - F*", True),
        ("a_priori", [400 * start * (1 + k / 9) for k in prefixes], mean, True),
    ]
    free = [min(1.0, r / 3) for r in rho]
    checks = instances * steps
    descent = {
        "measured": band([0.2 * abs(g or 1e-9) for g in gap[1:]]),
        "guaranteed": band([0.1 * (g or 1e-9) if f < 0.5 else -1e-3 for g, f in zip(gap[1:], free)]),
        "rounding": [1e-12] * steps, "rises": [f / 4 for f in free], "unguaranteed": free,
        "totals": {"steps": checks, "rises": checks // 10, "unguaranteed": checks // 4, "resolved": checks // 2},
        "used_median": 0.42,
    }  # fmt: skip
    deviation = {
        "delta1": band([0.5 + r for r in rho]),
        "delta2": {"gradient_descent": band([1 + r for r in rho]), "half_step": band([0.1 * r for r in rho])},
    }
    relative = [None if g is None else g / 2 for g in gap]
    least = -1e-10 if name == "go-math-l2o" else min(g for g in gap if g is not None)
    reach = [
        {"tolerance": t, "median": next((k for k, g in enumerate(relative) if g is not None and g <= t), None)}
        for t in (1e-2, 1e-4, 1e-6)
    ]
    return {
        "key": f"{problem}/{key}/{name}", "problem": problem,
        "scenario": {"key": key, "label": label, "s": s, "t": t, "data": _data(key)},
        "optimizer": {
            "name": name, "label": shown, "learned": learned,
            "weights": {"family": "lasso", "sha256": "f" * 64} if learned else None,
        },
        "instances": instances, "steps": steps, "seconds": 0.25, "checking_seconds": 0.5, "certifying_seconds": 0.1,
        "diverged": 2 if odd else 0, "k": list(range(steps + 1)), "subgradient_rule": "prox",
        "gap": band(gap), "mean_gap": {"median": [8 * start / k for k in range(1, steps + 1)]},
        "relative_gap": band(relative), "floor": floor, "relative_floor": None if floor is None else floor / 2,
        "rho": band(rho), "reach": [r | {"reached": 0 if r["median"] is None else instances} for r in reach],
        "lowest": {"gap": [least] * instances, "k": [steps] * instances},
        "descent": descent if learned else None, "deviation": deviation if learned else None,
        "bound_curves": [{"bound": b, "k": prefixes, "median": m, "of": o, "guaranteed": g} for b, m, o, g in curves],
        "certificate": {
            "k": prefixes, "gap": band([5 * start / k for k in prefixes]), "best": band([start / k for k in prefixes]),
            "resolved": instances, "ratio": 5.0, "source": {"averaged gradients": instances}, "reason": [],
        },
        "next_instance": _next_instance(name, instances, steps, 2 if odd else 0),
        "verdicts": [_verdict(bound, name, steps, instances, odd) for bound in _BOUNDS],
    }  # fmt: skip


def _problem(key, title, instances, width, scenarios):
    optima = [
        {
            "scenario": {"key": k, "label": label, "s": s, "t": t, "data": _data(k)}, "fingerprint": f"{key}{t:g}" * 4,
            "lower": [2.0] * instances, "upper": [2.0 + width] * instances,
            "solvers": {"coordinate descent": instances}, "certificates": {"dual point": instances}, "messages": [],
        }
        for k, label, s, t in scenarios
    ]  # fmt: skip
    return {
        "key": key, "title": title, "family": "lasso", "instances": instances, "rows": 20, "dim": 40, "steps": 100,
        "lam": {"min": 0.1, "median": 0.1, "max": 0.1}, "fingerprint": "0123" * 16, "seconds": 0.75,
        "smoothness": {"min": 3.14159, "median": 3.9, "max": 5.2}, "optima": optima, "left_out": [],
    }  # fmt: skip


def _attribution(scenario, optimizer, steps, instances, shares):
    key, label, s, t = scenario
    name, shown, learned, _ = optimizer
    where = {"key": key, "label": label, "s": s, "t": t, "data": _data(key)}
    terms = ("bracket", "pshift", "bshift")
    return {
        "key": f"lasso-20x40/{key}/{name}/attributions", "problem": "lasso-20x40", "scenario": where,
        "optimizer": {"name": name, "label": shown, "learned": learned}, "instances": instances, "steps": steps,
        "k": list(range(1, steps + 1)), "share": {n: [v] * steps for n, v in zip(terms, shares)},
        "resolved": [1.0] * steps, "overall": dict(zip(terms, shares)), "attributed_steps": steps * instances,
        "resolved_steps": steps * instances - 7, "inexact_steps": 0, "scaled": False,
    }  # fmt: skip


def _shift_pair(optimizer, size, verdict, expected, steps=100, instances=32):
    name, shown, learned, _ = optimizer
    counts = dict.fromkeys(("equivariant", "not equivariant", "undecided"), 0) | {verdict: instances}
    return {
        "key": f"lasso-20x40/t10/{name}/shift_pairs", "problem": "lasso-20x40", "start": "s10", "tau": 10.0,
        "scenario": {"key": "t10", "label": "t = 10", "s": 0.0, "t": 10.0, "data": "shifted"},
        "optimizer": {"name": name, "label": shown, "learned": learned}, "instances": instances, "steps": steps,
        "k": list(range(steps + 1)), "iterates": [0.0, *[size] * steps], "gap": [2 * size] * (steps + 1),
        "worst_iterates": size, "worst_gap": 2 * size, "agree": 1e-8, "expected": expected,
        "equivariance": {"verdict": verdict, "instances": counts},
    }  # fmt: skip


def _transient(scenario, optimizer, first, verdict, steps=400):
    key, label, s, t = scenario
    name, shown, learned, rate = optimizer
    counts = dict.fromkeys(("floor", "no floor", "not settled", "inconsistent data"), 0) | {verdict: len(first)}
    return {
        "key": f"long/{key}/{name}/transients", "problem": "long", "title": f"LASSO for long {HOSTILE}",
        "scenario": {"key": key, "label": label, "s": s, "t": t, "data": _data(key)}, "left_out": [],
        "optimizer": {"name": name, "label": shown, "learned": learned}, "instances": len(first), "steps": steps,
        "k": list(range(steps + 1)), "relative_gap": band([max(30.0 * rate**k, 1e-12) for k in range(steps + 1)]),
        "first": first, "floors": {"size": [1e-14] * len(first), "verdicts": counts}, "verdict": verdict,
        "eps": 1e-6, "stationarity": 1e-15, "bias_heads": [], "notes": [],
    }  # fmt: skip


def _catalogue():
    """The bounds that were checked, and others with every kind of proof."""
    keys = ("key", "number", "title", "level", "kind", "latex")
    common = {"source": "derived: from first principles", "origin": "derived", "hypotheses": []}
    yes = {"valid": True, "reason": "", "claims": 2, "inequalities": 9}
    no = {"valid": False, "reason": "not proved here: literature", "claims": 0, "inequalities": 0}
    proved = {"proof": yes, "unchecked": None, "kernel": False}
    rows = [dict(zip(keys, bound)) | common | proved for bound in _BOUNDS]
    other = ("history_stability", "B14", "Stability", "run", "tight", r"Q \le 1")
    variant = ("ind_rate:smooth", "B3:smooth", "Exact rate", "run", "tight", r"F \le 2")
    rows.append(
        dict(zip(keys, variant))
        | common
        | {"proof": no, "kernel": False, "unchecked": "another form of the main entry"}
    )
    rows.append(dict(zip(keys, other)) | common | {"proof": None, "kernel": True, "unchecked": "not about a run"})
    return rows


def worst_case_row(bound, number, k, h, value, exact, verdict, parameter="", question="objective | distance"):
    """A row of the ledger of worst cases."""
    return {
        "bound": bound, "number": number, "question": question, "steps": k, "step": h, "parameter": parameter,
        "value": value, "lower": exact * (1 - 1e-7), "upper": exact, "ratio_low": value / exact,
        "ratio_high": value / exact * (1 + 2e-7), "verdict": verdict, "narrower": False, "on_instance": False,
        "note": "",
    }  # fmt: skip


def _worst_cases():
    rows = []
    for k in (1, 2, 5):
        for h in (0.5, 1.0):
            rows.append(worst_case_row("ind_rate", "B3", k, h, 1 / (2 * k * h), 1 / (4 * k * h), "loose"))
            rows.append(
                worst_case_row("ind_rate:smooth", "B3:smooth", k, h, 1 / (4 * k * h), 1 / (4 * k * h), "attained")
            )
            rows.append(worst_case_row("ood_last_iterate", "B6c", k, h, 1 / (4 * k * h), 1 / (4 * k * h), "attained"))
        rows.append(worst_case_row("a_priori", "B7", k, 1.0, 2 + k, 1.0, "loose", "δ = 0.1", "average objective"))
    without = {"bound": "history_stability", "number": "B14", "title": "Stability", "why": f"no class {HOSTILE}"}
    return {"rows": rows, "without": [without]}


def make_results():
    problems = [
        _problem("lasso-20x40", "LASSO, 20 x 40", 32, 1e-9, _SCENARIOS),
        _problem("logistic", f"l1-logistic regression {HOSTILE}", 1, 2e-12, _SCENARIOS[:1]),
    ]
    problems[1]["left_out"] = ["l2o-pa: no weights trained for l1-logistic are shipped"]
    problems[1]["optima"][0]["messages"] = [f"stopped at {HOSTILE}"]
    runs = [_run("lasso-20x40", 32, s, o, 100, 1e-9) for s in _SCENARIOS for o in _OPTIMIZERS]
    runs += [_run("logistic", 1, _SCENARIOS[0], o, 60, None) for o in _OPTIMIZERS[2:]]
    keys = ("key", "number", "title", "level", "kind", "latex")
    return {
        "format": 8, "title": f"GO-Math-L2O under the paper's bounds {HOSTILE}", "quick": True,
        "provenance": {
            "created": "2025-01-02T03:04:05+00:00", "command": "l2obound report --quick", "seconds": 12.345,
            "versions": {"numpy": "2.4.6"}, "machine": {"cpu": HOSTILE}, "seed": 0, "config_digest": "ab12" * 16,
            "weights": [
                {"model": "go-math-l2o", "family": "lasso", "sha256": "f" * 64, "updates": 5000, "seed": 1,
                 "command": "l2obound train"},
            ],
            "reused": ["F* of lasso-20x40 (cache)"], "code_digest": "cd34" * 16,
        },
        "config": {"title": HOSTILE, "seed": 0, "problem": [{"lam": None}]},
        "problems": problems,
        "bounds": [
            dict(zip(keys, bound)) | {
                "source": "derived: from first principles",
                "hypotheses": [{"name": "f_smooth", "statement": "f is L-smooth"}],
            }
            for bound in _BOUNDS
        ],
        "catalogue": _catalogue(),
        "worst_cases": _worst_cases(),
        "runs": runs,
        "attributions": [
            _attribution(s, o, 100, 32, shares)
            for o, shares in zip(_OPTIMIZERS[:2], ((0.25, 0.05, 0.7), (0.2, 0.3, 0.5)))
            for s in _SCENARIOS[1:]
        ],
        "shift_pairs": [
            _shift_pair(_OPTIMIZERS[0], 1e-15, "equivariant", "yes"),
            _shift_pair(_OPTIMIZERS[1], 0.5, "not equivariant", "no"),
        ],
        "transients": [
            _transient(_SCENARIOS[1], _OPTIMIZERS[0], [40, 60, 50, 90], "no floor"),
            _transient(_SCENARIOS[1], _OPTIMIZERS[1], [300, None, 120, 180], "no floor"),
        ],
    }  # fmt: skip


@functools.cache
def sample_page():
    """The page of the results, drawn once for all tests of a process."""
    return render_html(make_results())


@functools.cache
def sample_figures():
    """The figures of the results, drawn once for all tests of a process, which leave them as they are."""
    return figures.figures(make_results())
