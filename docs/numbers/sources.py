"""What is read out of the results of each command.

A function for each value, from the results as JSON has them. A key that is not there is an error that names the value.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from . import NumbersError
from .beyond_convex import BEYOND_CONVEX
from .closed_forms import CLOSED_FORMS
from .commands import COMMANDS
from .comparisons import BASELINES, SCALES, SPEEDUP
from .conditioning import CONDITIONING
from .defects import DEFECTS
from .designs import DESIGNS
from .drift import DRIFT
from .figures import ABLATIONS, FIGURES, FULL_FIGURES, SETTINGS
from .guards import GUARDS
from .schedules import SCHEDULES
from .searches import SEARCHES
from .sensitivity import SENSITIVITY
from .speed import BESIDE, SPEED
from .training import TRAINING
from .worst_case_speed import WORST_CASE_SPEED

Results = Mapping[str, Any]
TOLERANCE = 1e-4
"""The relative gap to which iterations are counted."""


@dataclass(frozen=True)
class Source:
    """A command, the file of its results, and what is read out of it.

    Args:
        verb: The arguments of `l2obound`, without the folder.
        file: The file in the folder; of a pattern with * all files, by the names of their folders.
        values: A function of the results for each value.
        pictures: Pictures of the pages, below docs/_static, and the files in the folder that they are copies of.
        script: A script of the repository that takes the arguments instead of `l2obound`.
    """

    verb: tuple[str, ...]
    file: str
    values: Mapping[str, Callable[[Results], Any]]
    pictures: Mapping[str, str] = field(default_factory=dict)
    script: str = ""

    @property
    def command(self) -> str:
        """As one would type it."""
        return " ".join((*(("python", self.script) if self.script else ("l2obound",)), *self.verb))


def read(source: str, folder: Path) -> dict[str, Any]:
    """The values of a source.

    Args:
        source: A name of `SOURCES`.
        folder: Where its results are.

    Returns:
        Numbers by name.

    Raises:
        NumbersError: There are no results, or one of them has another form than expected.
    """
    path = folder / SOURCES[source].file
    files = sorted(folder.glob(SOURCES[source].file))
    if not files:
        raise NumbersError(f"{path} is not there: run {SOURCES[source].command} --out {folder}.")
    contents = {file.parent.name: _contents(file) for file in files}
    results = contents if "*" in SOURCES[source].file else contents[path.parent.name]
    values = {}
    for name, of in SOURCES[source].values.items():
        try:
            values[name] = of(results)
        except (KeyError, IndexError, TypeError, ValueError, StopIteration) as error:
            what = f"no key {error}" if isinstance(error, KeyError) else f"{type(error).__name__}: {error}"
            raise NumbersError(
                f"{source}.{name} cannot be read from {path}: {what}. Mend its function in docs/numbers."
            ) from error
    return values


def _contents(file: Path) -> Any:
    """JSON, or the rows of a table."""
    if file.suffix == ".parquet":
        from pyarrow import parquet  # writing pages does not need it

        return parquet.read_table(file).to_pylist()
    return json.loads(file.read_text(encoding="utf-8"))


# --- the report ------------------------------------------------------------------------------------------------------


def _pairs(results: Results, number: str | None = None) -> list[tuple[Results, Results]]:
    """Runs with their verdicts, all or those of one bound."""
    pairs = [(run, verdict) for run in results["runs"] for verdict in run["verdicts"]]
    return [(run, verdict) for run, verdict in pairs if number in (None, verdict["number"])]


def _count(results: Results, verdict: str) -> int:
    return sum(entry["counts"].get(verdict, 0) for _, entry in _pairs(results))


def _applicable(verdict: Results) -> int:
    return verdict["checks"] - verdict["counts"].get("not applicable", 0)


def _vacuous(verdict: Results) -> int:
    return round((verdict["vacuous_share"] or 0.0) * _applicable(verdict))


def _alone(results: Results) -> list[Results]:
    """The verdicts of bounds that do not repeat another bound on their run."""
    return [verdict for _, verdict in _pairs(results) if not verdict["form_of"]]


def _decided(verdict: Results) -> int:
    left = _applicable(verdict) - _vacuous(verdict) - verdict["counts"].get("inconclusive", 0)
    return verdict.get("decided", max(0, left))


def _hidden(results: Results) -> int:
    """Applicable checks that are neither decided nor vacuous: their answer depends on F* or on rounding."""
    return sum(max(0, _applicable(v) - _vacuous(v) - _decided(v)) for v in _alone(results))


def _learned(run: Results) -> bool:
    """Whether a run is of a learned method without a guard."""
    return run["optimizer"]["learned"] and not run["optimizer"].get("guards")


def _vacuous_share(results: Results, number: str, of: Callable[[Results], bool] = lambda run: True) -> float:
    chosen = [verdict for run, verdict in _pairs(results, number) if of(run)]
    return sum(map(_vacuous, chosen)) / sum(map(_applicable, chosen))


def _cases(results: Results, shifted: bool) -> Iterator[list[Results]]:
    """The runs of each problem and scenario, without guards."""
    groups: dict[tuple[str, str], list[Results]] = {}
    for run in results["runs"]:
        scenario = run["scenario"]
        if bool(scenario["s"] or scenario["t"]) == shifted and not run["optimizer"].get("guards"):
            groups.setdefault((run["problem"], scenario["key"]), []).append(run)
    yield from groups.values()


def _iterations(run: Results) -> float:
    """The median number of iterations to the tolerance, infinite where it is not reached."""
    median = next(entry["median"] for entry in run["reach"] if math.isclose(entry["tolerance"], TOLERANCE))
    return math.inf if median is None else median


def _gap(run: Results) -> float:
    """The last median gap, not less than what is known of F*; infinite where all instances diverged."""
    values = run["gap"]["median"]
    if not values or values[-1] is None:
        return math.inf
    return max(values[-1], run["floor"] or 0.0)


def _wins(results: Results, shifted: bool, score: Callable[[Results], float]) -> int:
    """In how many cases the best learned method has a lower score than the best classical one."""
    wins = 0
    for runs in _cases(results, shifted):
        learned = min((score(run) for run in runs if _learned(run)), default=math.inf)
        classical = min((score(run) for run in runs if not run["optimizer"]["learned"]), default=math.inf)
        floor = max(run["floor"] or 0.0 for run in runs) if score is _gap else 0.0
        wins += learned < classical and classical > floor
    return wins


def _arrived(results: Results, problem: str, scenario: str, optimizer: str) -> int:
    """The number of instances on which a run reaches a relative gap of 1e-2."""
    run = next(run for run in results["runs"] if run["key"] == f"{problem}/{scenario}/{optimizer}")
    return next(entry["reached"] for entry in run["reach"] if math.isclose(entry["tolerance"], 1e-2))


def _equivariance(results: Results) -> float:
    """The largest difference of the iterates of GO-Math-L2O under s and under t, over the distance covered so far."""
    pairs = [entry for entry in results["shift_pairs"] if entry["optimizer"]["name"] == "go-math-l2o"]
    return max(value for entry in pairs for value in entry["iterates"] if value is not None)


def _settled(results: Results, optimizer: str) -> int:
    """The median over the instances of the step from which the relative gap stays below 1e-6 at s = 10."""
    long_runs = [t for t in results["transients"] if t["optimizer"]["name"] == optimizer and t["scenario"]["s"]]
    (first,) = [sorted(math.inf if k is None else k for k in entry["first"]) for entry in long_runs]
    return math.ceil(first[len(first) // 2])


def _attained(results: Results) -> int:
    """Of the bounds that claim a worst case: those attained at every point. A part of a class counts if alone."""
    return sum(
        all(row["verdict"] == "attained" for row in [r for r in rows if not r["narrower"]] or rows)
        for rows in _worst_cases(results).values()
    )


def _worst_cases(results: Results) -> dict[str, list[Results]]:
    by_bound: dict[str, list[Results]] = {}
    for row in results["worst_cases"]["rows"]:
        by_bound.setdefault(row["bound"], []).append(row)
    return by_bound


def _false(results: Results) -> int:
    return sum(any(row["verdict"] == "violated" for row in rows) for rows in _worst_cases(results).values())


def _next(results: Results, optimizer: str) -> Results:
    """What the unshifted LASSO 20 x 40 run of a method says of the next instance."""
    run = next(
        run
        for run in results["runs"]
        if run["problem"] == "lasso-20x40"
        and run["optimizer"]["name"] == optimizer
        and not (run["scenario"]["s"] or run["scenario"]["t"])
    )
    return run["next_instance"]["statement"]


def _within(results: Results, optimizer: str, entry: str) -> Any:
    within = _next(results, optimizer)["within"]
    return next(statement[entry] for statement in within if math.isclose(statement["tolerance"], TOLERANCE))


def _floored(probability: float) -> float:
    """Three digits, rounded down: "at least" has to stay true."""
    return math.floor(1000 * probability) / 1000


def _leading(results: Results, term: str) -> int:
    """In how many shifted runs of learned methods a term has the largest share of the deviation, median over steps."""
    leads = 0
    for entry in results["attributions"]:
        shares = {name: median(v for v in share if v is not None) for name, share in entry["share"].items()}
        leads += max(shares, key=shares.__getitem__) == term
    return leads


REPORT: dict[str, Callable[[Results], Any]] = {
    "checks": lambda r: sum(v["checks"] for _, v in _pairs(r)),
    "bounds": lambda r: len(r["bounds"]),
    "runs": lambda r: len(r["runs"]),
    "violated": lambda r: _count(r, "violated"),
    "decided": lambda r: sum(map(_decided, _alone(r))),
    "vacuous": lambda r: sum(map(_vacuous, _alone(r))),
    "repeated": lambda r: sum(_applicable(v) for _, v in _pairs(r) if v["form_of"]),
    "not_applicable": lambda r: _count(r, "not applicable"),
    "inconclusive": _hidden,
    "b3_learned_runs": lambda r: sum(_applicable(v) > 0 for run, v in _pairs(r, "B3") if _learned(run)),
    "b1_vacuous": lambda r: _vacuous_share(r, "B1"),
    "b1_vacuous_learned": lambda r: _vacuous_share(r, "B1", _learned),
    "certified": lambda r: sum(_applicable(v) for _, v in _pairs(r, "B15")),
    "certified_vacuous": lambda r: sum(_vacuous(v) for _, v in _pairs(r, "B15")),
    "problems": lambda r: sum(1 for _ in _cases(r, shifted=False)),
    "shifted_cases": lambda r: sum(1 for _ in _cases(r, shifted=True)),
    "fewest_unshifted": lambda r: _wins(r, False, _iterations),
    "fewest_shifted": lambda r: _wins(r, True, _iterations),
    "lowest_unshifted": lambda r: _wins(r, False, _gap),
    "equivariance": _equivariance,
    "l2o_pa_arrived_t10": lambda r: _arrived(r, "lasso-20x40", "t10", "l2o-pa"),
    "settled_l2o_pa": lambda r: _settled(r, "l2o-pa"),
    "settled_go_math_l2o": lambda r: _settled(r, "go-math-l2o"),
    "attributed_runs": lambda r: len(r["attributions"]),
    "history_leads": lambda r: _leading(r, "bshift"),
    "preconditioner_leads": lambda r: _leading(r, "pshift"),
    "worst_cases_claimed": lambda r: len(_worst_cases(r)),
    "worst_cases_attained": _attained,
    "worst_cases_false": _false,
    "next_instances": lambda r: _next(r, "go-math-l2o")["instances"],
    "next_at_least_go_math_l2o": lambda r: _floored(_within(r, "go-math-l2o", "at_least")),
    "next_successes_go_math_l2o": lambda r: _within(r, "go-math-l2o", "successes"),
    "next_b6c_go_math_l2o": lambda r: _next(r, "go-math-l2o")["bounds"]["last_iterate"]["median"],
    "next_largest_go_math_l2o": lambda r: _next(r, "go-math-l2o")["gap"]["largest"],
    "next_at_least_ista": lambda r: _floored(_within(r, "ista", "at_least")),
    "next_successes_ista": lambda r: _within(r, "ista", "successes"),
    "next_worst_case_ista": lambda r: _next(r, "ista")["bounds"]["worst_case"]["median"],
    "next_largest_ista": lambda r: _next(r, "ista")["gap"]["largest"],
}

LONG = ("go-math-l2o-lasso", "l2o-pa-lasso", "go-math-l2o-lasso-250x500", "l2o-pa-lasso-250x500")
"""Trainings in `trainings`; each has a shorter one with another seed beside it."""
LONG_LOGISTIC = ("go-math-l2o-logistic_l1-1000x50", "l2o-pa-logistic_l1-1000x50")
"""Trainings in `trainings` that have none."""
SOURCES = {
    "report": Source(("report",), "results.json", REPORT),
    "beyond-convex": Source(
        ("beyond-convex",),
        "beyond-convex.json",
        BEYOND_CONVEX,
        {"open-questions/counter-examples.svg": "beyond-convex-counter-examples.svg"},
    ),
    "sensitivity": Source(
        ("sensitivity",),
        "sensitivity.json",
        SENSITIVITY,
        {"open-questions/checkpoints.svg": "sensitivity-checkpoints.svg"},
    ),
    "conditioning": Source(
        ("conditioning",),
        "conditioning.json",
        CONDITIONING,
        {f"open-questions/{name}.svg": f"conditioning-{name}.svg" for name in ("stability", "kappa", "c")},
    ),
    "drift": Source(("drift",), "drift.json", DRIFT, {"open-questions/costs.svg": "drift-costs.svg"}),
    "scales": Source(
        ("open-questions", "scales"),
        "scales/speedup.json",
        SCALES,
        {f"open-questions/{name}.svg": f"scales/{name}.svg" for name in ("scales", "scales-matched")},
    ),
    "baselines": Source(
        ("open-questions", "baselines"),
        "baselines/speedup.json",
        BASELINES,
        {"open-questions/baselines.svg": "baselines/baselines.svg"},
    ),
    "training": Source(
        (
            "training-curve",
            *(word for name in (*LONG, *LONG_LOGISTIC) for word in ("--training", f"trainings/{name}")),
            *(word for name in LONG for word in ("--training", f"trainings/{name}-seed-1")),
            *(word for size in ("20x40", "50x100", "100x200", "250x500") for word in ("--size", size)),
            *("--batch", "128"),
        ),
        "training-curve.json",
        TRAINING,
    ),
    "speed": Source(("--levels", "--threads", "1"), "speed.json", SPEED, script="tests/benchmarks/bench_speed.py"),
    "beside": Source(("--before", "first-release"), "beside.json", BESIDE, script="tests/benchmarks/bench_beside.py"),
    "designs": Source((), "designs.json", DESIGNS, script="docs/numbers/measure_designs.py"),
    "guards": Source((), "guards.json", GUARDS, script="docs/numbers/measure_guards.py"),
    "worst-case-speed": Source(
        ("--only", "examples", "--lengths", "5"),
        "examples.json",
        WORST_CASE_SPEED,
        script="tests/benchmarks/bench_worst_cases.py",
    ),
    "closed-forms": Source(
        ("--only", "closed-forms"),
        "closed-forms.json",
        CLOSED_FORMS,
        script="tests/benchmarks/bench_worst_cases.py",
    ),
    "commands": Source((), "commands.json", COMMANDS, script="docs/numbers/measure_commands.py"),
    "schedules": Source(
        (),
        "trade-off.json",
        SCHEDULES,
        {"schedules/trade-off.svg": "trade-off.svg"},
        script="docs/examples/schedules.py",
    ),
    "speedup": Source(("speedup",), "speedup.json", SPEEDUP),
    "figures": Source(
        ("experiment", *map(str, (1, 2, 3, 4, 13, 14, 15, 16, 17))),
        "figure-*/result.json",
        FIGURES,
        {"experiments/figure-04.svg": "figure-04/figure.svg"},
    ),
    "ablations": Source(("experiment", "5", "10", "11", "12"), "figure-*/result.json", ABLATIONS),
    "settings": Source(("experiment", "6", "7", "8", "9"), "figure-*/result.json", SETTINGS),
    "defects": Source(("sweep", "configs/sweep-defects.toml"), "table.parquet", DEFECTS),
    "searches": Source((), "searches.json", SEARCHES, script="docs/numbers/measure_searches.py"),
    "figures-full": Source(
        ("experiment", "1", "3", "4", "13", "16", "17", "--full", "--set", "batch=8", "--set", "batches=1"),
        "figure-*/result.json",
        FULL_FIGURES,
    ),
}
