"""Which runs the figures of the first screen and of the certificates show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ._compare import last_gap
from ._training_data import IN_DISTRIBUTION

Results = Mapping[str, Any]
Panel = tuple[str, Results]
_METHODS = 2  # rows of the first figure, at most


def _gap(run: Results) -> float:
    last = last_gap(run)
    return float("inf") if last is None else last


def first_panels(results: Results) -> list[list[Panel]]:
    """A row for each of the first learned methods: its run without a shift, and the shifted run that ends highest.

    They are of the first problem that such a method was trained on, or else of the first problem with a run.
    """
    runs = results["runs"]
    trained = [run for run in runs if run["scenario"]["data"] == IN_DISTRIBUTION and run["optimizer"]["learned"]]
    if not (trained or runs):
        return []
    problem = (trained or runs)[0]["problem"]
    here = [run for run in runs if run["problem"] == problem]
    learned = [run for run in here if run["optimizer"]["learned"] and "guards" not in run["optimizer"]]
    names = list(dict.fromkeys(run["optimizer"]["name"] for run in learned or here))[:_METHODS]
    rows = []
    for name in names:
        mine = [run for run in here if run["optimizer"]["name"] == name]
        rest = [run for run in mine if run is not mine[0]]
        worst = [max(rest, key=_gap)] if rest else []
        rows.append([(run["scenario"]["label"], run) for run in (mine[0], *worst)])
    return rows


def title(run: Results) -> str:
    """A run within a problem."""
    return f"{run['optimizer']['label']}, {run['scenario']['label']}"


def certificate_panels(runs: Sequence[Results]) -> list[list[Panel]]:
    """A row for each scenario on a problem: the learned methods and the classical one that ends lowest."""
    rows = []
    certified = [run for run in runs if run["certificate"] and run["certificate"]["k"]]
    plain = [run for run in certified if "guards" not in run["optimizer"]]
    best = min((r for r in plain if not r["optimizer"]["learned"]), key=_gap, default=None)
    for key in dict.fromkeys(run["scenario"]["key"] for run in plain):
        group = [run for run in plain if run["scenario"]["key"] == key]
        chosen = [r for r in group if r["optimizer"]["learned"]]
        chosen += [r for r in group if best is not None and r["optimizer"]["name"] == best["optimizer"]["name"]]
        if chosen:
            rows.append([(title(run), run) for run in chosen])
    return rows


def guarded_pairs(runs: Sequence[Results]) -> list[list[Panel]]:
    """For each guarded method on a problem its base and itself: without a shift, and under the shift that the base
    ends highest under.
    """
    pairs = []
    for name in dict.fromkeys(r["optimizer"]["name"] for r in runs if "guards" in r["optimizer"]):
        mine = {r["scenario"]["key"]: r for r in runs if r["optimizer"]["name"] == name}
        base = next(iter(mine.values()))["optimizer"]["guards"]
        bases = [r for r in runs if r["optimizer"]["name"] == base and r["scenario"]["key"] in mine]
        if bases:
            rest = bases[1:]
            for run in (bases[0], *([max(rest, key=_gap)] if rest else [])):
                pairs.append([(title(run), run), (title(run), mine[run["scenario"]["key"]])])
    return pairs
