"""Exact worst cases against PEPit and Clarabel, and what their rigorous bounds and certificates cost.

    python tests/benchmarks/bench_worst_cases.py [--repeats 7] [--steps 100] [--out FOLDER]
    python tests/benchmarks/bench_worst_cases.py --only examples [--lengths 5 10] [--out FOLDER]

The first table has gradient and proximal gradient at h = 1, objective from distance; closed forms 1/(4K + 2) and
1/(4K). Medians of CPU times after a warm-up; both sides in this process, one after the other.

The second has every example of PEPit that is reproduced and has a number of steps, with K = 5, and with K = 10 where
PEPit takes less than half a second for K = 5. Ours is the method as code; PEPit's is its own example. CPU times are the
least of several calls in turn, of the solver's value on both sides. "bounds" is what both rigorous ends take more.
PEPit is optional: pip install -e '.[pepit]'.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from l2obound.bounds.worst_cases import worst_case
from tests.helpers.pepit_lengths import OF_K

METHODS = {"gradient": "smooth_convex", "proximal_gradient": "composite"}
SIZES = {"gradient": (1, 5, 10, 20, 40), "proximal_gradient": (1, 5, 10, 20)}
TARGETS = {("gradient", 40): 8.0}
"""Where the target is not that of the method: 15 for gradient, 8 for proximal gradient."""
ACCURACY = 1e-7
LONG = 0.5  # seconds; what takes longer is timed twice, not `repeats` times
LENGTHS = (5, 10)
FASTER = 10.0
"""How many times faster than PEPit an example should be."""


def target(method: str, K: int) -> float:
    """How many times faster than PEPit the value should be."""
    return TARGETS.get((method, K), 15.0 if method == "gradient" else 8.0)


def closed_form(method: str, K: int) -> Fraction:
    """The exact worst case."""
    return Fraction(1, 4 * K + 2 if method == "gradient" else 4 * K)


def ours(method: str, K: int) -> Any:
    """The worst case; its rigorous bounds are made when first asked for."""
    return worst_case(METHODS[method], method=method, steps=K)


def pepit(method: str, K: int) -> float:
    """The same through PEPit's modelling and its cvxpy wrapper."""
    from PEPit import PEP
    from PEPit.functions import ConvexFunction, SmoothConvexFunction
    from PEPit.primitive_steps import proximal_step

    problem = PEP()
    f = problem.declare_function(SmoothConvexFunction, L=1.0)
    r = problem.declare_function(ConvexFunction) if method == "proximal_gradient" else None
    F = f if r is None else f + r
    star = F.stationary_point()
    x = problem.set_initial_point()
    problem.set_initial_condition((x - star) ** 2 <= 1)
    for _ in range(K):
        x = x - f.gradient(x)
        if r is not None:
            x, _, _ = proximal_step(x, r, 1.0)
    problem.set_performance_metric(F(x) - F(star))
    with warnings.catch_warnings():  # of the accuracy it reached, which is printed
        warnings.simplefilter("ignore")
        return float(problem.solve(wrapper="cvxpy", solver="CLARABEL", verbose=0))


def timed(work: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Median CPU seconds after a warm-up, and what it gave; two runs, with no warm-up, of what takes long."""
    first, result = once(work)
    seconds = [] if first < LONG else [first]
    for _ in range(repeats if first < LONG else 1):
        spent, result = once(work)
        seconds.append(spent)
    return median(seconds), result


def once(work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of one call, and what it gave."""
    begun = time.process_time()
    result = work()
    return time.process_time() - begun, result


def installed() -> bool:
    """Whether PEPit is there."""
    try:
        import PEPit  # noqa: F401
    except ImportError:
        return False
    return True


def compare(repeats: int, there: bool) -> list[dict[str, Any]]:
    """Print the table of values, envelopes and certificates; its rows, times in milliseconds of CPU time."""
    rows: list[dict[str, Any]] = []
    print(f"{'CPU time, ms':22} {'ours':>9} {'PEPit':>9} {'ratio':>6}  {'rel. error':>19} {'envelope':>9} certificate")
    for method, sizes in SIZES.items():
        for K in sizes:
            exact = float(closed_form(method, K))
            seconds, result = timed(lambda m=method, k=K: ours(m, k), repeats)
            envelope, _ = once(lambda w=result: (w.lower, w.upper))
            proof, certificate = once(result.certificate)
            slow, value = timed(lambda m=method, k=K: pepit(m, k), min(repeats, 5)) if there else (None, None)
            row = {
                "method": method,
                "K": K,
                "ours": 1e3 * seconds,
                "pepit": None if slow is None else 1e3 * slow,
                "ratio": None if slow is None else slow / seconds,
                "error": abs(result.estimate - exact) / exact,
                "pepit_error": None if value is None else abs(value - exact) / exact,
                "bounds": 1e3 * envelope,
                "certificate": None if certificate is None else 1e3 * proof,
                "exact": certificate is not None and certificate.exact,
            }
            rows.append(row)
            other = f"{row['pepit']:9.1f} {row['ratio']:6.1f}" if there else " " * 16
            miss = f"{row['pepit_error']:9.1e}" if there else " " * 9
            mark = f"  BELOW the target of {target(method, K):g}" if there and row["ratio"] < target(method, K) else ""
            shown = "none" if certificate is None else f"{1e3 * proof:.0f}{'' if certificate.exact else ' (not exact)'}"
            print(
                f"{method:18} {K:3} {row['ours']:9.2f} {other}  {row['error']:9.1e} {miss} {row['bounds']:9.1f} "
                f"{shown:>11}{mark}",
                flush=True,
            )
    accurate = all(row["error"] <= ACCURACY for row in rows)
    print(f"every value within {ACCURACY:g} of the closed form: {'yes' if accurate else 'NO'}")
    return rows


def large(K: int) -> list[dict[str, Any]]:
    """Print both methods at many steps; rows as those of `compare`."""
    rows = []
    for method in METHODS:
        seconds, result = once(lambda m=method: ours(m, K))
        more, _ = once(lambda w=result: (w.lower, w.upper))
        exact = float(closed_form(method, K))
        print(
            f"{method}, K = {K}: value {seconds:.2f} s, envelope {more:.2f} s; upper {result.upper:.10f}, lower "
            f"{result.lower:.10f}, gap {result.gap:.1e} ({'closed' if result.closed else 'OPEN'}), exact {exact:.10f}",
            flush=True,
        )
        rows.append({"method": method, "K": K, "ours": 1e3 * seconds, "bounds": 1e3 * more, "gap": result.gap})
    return rows


def example_of_pepit(name: str, K: int) -> float:
    """The value of PEPit's own example."""
    folder, example = name.split("/")
    module = importlib.import_module(f"PEPit.examples.{folder}.{example}")
    [ask] = [value for key, value in vars(module).items() if key.startswith("wc_")]
    arguments = OF_K[name][1](K)
    if "wrapper" in inspect.signature(ask).parameters:  # one has its solver in it
        arguments |= {"wrapper": "cvxpy", "solver": "CLARABEL"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(ask(**arguments, verbose=-1)[0])


def in_turn(first: Callable[[], Any], second: Callable[[], Any], repeats: int) -> list[tuple[float, Any]]:
    """Least CPU seconds of both and what they gave, None for what fails; each is called once before."""
    least, gave = [float("inf")] * 2, [None] * 2
    for turn in range(repeats + 1):
        for which, work in enumerate((first, second)):
            begun = time.process_time()
            try:
                gave[which] = work()
            except Exception as problem:  # a solver that gives up is an answer of this table
                gave[which] = None
                print(f"  {type(problem).__name__}: {problem}"[:100]) if not turn else None
            seconds = time.process_time() - begun
            least[which] = min(least[which], seconds) if turn else least[which]
        if turn and sum(least) > 2 * LONG:
            break
    return list(zip(least, gave))


def examples(repeats: int, there: bool, lengths: Sequence[int] = LENGTHS) -> list[dict[str, Any]]:
    """Print the table of PEPit's examples; its rows, times in milliseconds of CPU time."""
    rows: list[dict[str, Any]] = []
    print(f"{'CPU time, ms':64} {'K':>3} {'ours':>8} {'PEPit':>8} {'ratio':>6} {'differ by':>9} {'bounds':>8} closed")
    for name, (question, _) in OF_K.items():
        for K in lengths:
            if rows and lengths[0] < K and (rows[-1]["pepit"] or 0) > 1e3 * LONG:
                continue
            (mine, worst), (theirs, value) = in_turn(
                lambda n=question, k=K: worst_case(**n(k)),
                (lambda n=name, k=K: example_of_pepit(n, k)) if there else (lambda: None),
                repeats,
            )
            begun = time.process_time()
            closed, tight = worst.closed, worst.tight
            more = time.process_time() - begun
            row = {
                "example": name,
                "K": K,
                "ours": 1e3 * mine,
                "pepit": 1e3 * theirs if value is not None else None,
                "ratio": theirs / mine if value is not None else None,
                "differ": abs(worst.estimate - value) / abs(value) if value is not None else None,
                "bounds": 1e3 * more,
                "closed": closed,
                "tight": tight,
            }
            rows.append(row)
            other = f"{row['pepit']:8.1f} {row['ratio']:6.1f} {row['differ']:9.1e}" if value is not None else " " * 25
            mark = "" if value is None or theirs / mine >= FASTER else f"  BELOW the target of {FASTER:g}"
            state = "closed" if closed else "open" if tight else "upper bound"
            print(f"{name:64} {K:3} {row['ours']:8.1f} {other} {row['bounds']:8.0f} {state}{mark}", flush=True)
    fast = [row for row in rows if row["ratio"] is not None]
    if fast:
        good = sum(row["ratio"] >= FASTER for row in fast)
        print(f"{good} of {len(fast)} rows are at least {FASTER:g} times faster than PEPit")
    return rows


def main(arguments: list[str] | None = None) -> bool:
    """Print the tables; whether every value was accurate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--steps", type=int, default=100, help="K of the large problems")
    parser.add_argument("--only", choices=("examples", "closed-forms"), help="one of the tables alone")
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS, help="K of the examples")
    parser.add_argument("--out", type=Path, help="a folder for closed-forms.json and examples.json")
    options = parser.parse_args(arguments)
    there = installed()
    if not there:
        print("PEPit is not installed, so the comparison is left out: pip install -e '.[pepit]'")
    for method in METHODS:  # imports and first calls belong to neither side
        ours(method, 1)
        if there:
            pepit(method, 1)
    tables: dict[str, dict[str, Any]] = {}
    if options.only != "examples":
        tables["closed-forms"] = {"rows": compare(options.repeats, there), "large": large(options.steps)}
    if options.only != "closed-forms":
        tables["examples"] = {"rows": examples(options.repeats, there, options.lengths)}
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        for name, rows in tables.items():
            (options.out / f"{name}.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return all(row["error"] <= ACCURACY for row in tables.get("closed-forms", {"rows": []})["rows"])


if __name__ == "__main__":
    main()
