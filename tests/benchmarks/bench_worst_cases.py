"""Exact worst cases against PEPit and Clarabel, and what their rigorous bounds and certificates cost.

    python tests/benchmarks/bench_worst_cases.py [--repeats 7] [--steps 100]

Gradient and proximal gradient at h = 1, objective from distance; closed forms 1/(4K + 2) and 1/(4K). Medians after a
warm-up; both sides in this process, one after the other. PEPit is optional: pip install -e '.[pepit]'.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from l2obound.bounds.worst_cases import worst_case

METHODS = {"gradient": "smooth_convex", "proximal_gradient": "composite"}
SIZES = {"gradient": (1, 5, 10, 20, 40), "proximal_gradient": (1, 5, 10, 20)}
TARGETS = {("gradient", 40): 8.0}
"""Where the target is not that of the method: 15 for gradient, 8 for proximal gradient."""
ACCURACY = 1e-7
LONG = 0.5  # seconds; what takes longer is timed twice, not `repeats` times


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
    """Median seconds after a warm-up, and what it gave; two runs, with no warm-up, of what takes long."""
    begun = time.perf_counter()
    result = work()
    first = time.perf_counter() - begun
    seconds = [] if first < LONG else [first]
    for _ in range(repeats if first < LONG else 1):
        begun = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - begun)
    return median(seconds), result


def once(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of one call, and what it gave."""
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result


def installed() -> bool:
    """Whether PEPit is there."""
    try:
        import PEPit  # noqa: F401
    except ImportError:
        return False
    return True


def compare(repeats: int, there: bool) -> bool:
    """Print the table of values, envelopes and certificates; whether every value is within `ACCURACY`."""
    accurate = True
    print(f"{'':22} {'ours':>9} {'PEPit':>9} {'ratio':>6}  {'rel. error':>19} {'envelope':>9} {'certificate':>11}")
    print(f"{'':22} {'ms':>9} {'ms':>9} {'':>6}  {'ours':>9} {'PEPit':>9} {'ms':>9} {'ms':>11}")
    for method, sizes in SIZES.items():
        for K in sizes:
            exact = float(closed_form(method, K))
            seconds, result = timed(lambda m=method, k=K: ours(m, k), repeats)
            error = abs(result.value - exact) / exact
            accurate &= error <= ACCURACY
            envelope, _ = once(lambda w=result: (w.lower, w.upper))
            proof, certificate = once(result.certificate)
            shown = "none" if certificate is None else f"{1e3 * proof:.0f}{'' if certificate.exact else ' (not exact)'}"
            theirs, miss, ratio = "", "", ""
            if there:
                slow, value = timed(lambda m=method, k=K: pepit(m, k), min(repeats, 5))
                theirs, miss = f"{1e3 * slow:.1f}", f"{abs(value - exact) / exact:.1e}"
                mark = "" if slow / seconds >= target(method, K) else f"  BELOW the target of {target(method, K):g}"
                ratio, shown = f"{slow / seconds:.1f}", f"{shown:>11}{mark}"
            print(
                f"{method:18} {K:3} {1e3 * seconds:9.2f} {theirs:>9} {ratio:>6}  {error:9.1e} {miss:>9} "
                f"{1e3 * envelope:9.1f} {shown:>11}",
                flush=True,
            )
    print(f"every value within {ACCURACY:g} of the closed form: {'yes' if accurate else 'NO'}")
    return accurate


def large(K: int) -> None:
    """Print both methods at many steps."""
    for method in METHODS:
        seconds, result = once(lambda m=method: ours(m, K))
        more, _ = once(lambda w=result: (w.lower, w.upper))
        exact = float(closed_form(method, K))
        print(
            f"{method}, K = {K}: value {seconds:.2f} s, envelope {more:.2f} s; upper {result.upper:.10f}, lower "
            f"{result.lower:.10f}, gap {result.gap:.1e} ({'closed' if result.closed else 'OPEN'}), exact {exact:.10f}",
            flush=True,
        )


def main(arguments: list[str] | None = None) -> bool:
    """Print the tables; whether every value was accurate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--steps", type=int, default=100, help="K of the large problems")
    options = parser.parse_args(arguments)
    there = installed()
    if not there:
        print("PEPit is not installed, so the comparison is left out: pip install -e '.[pepit]'")
    for method in METHODS:  # imports and first calls belong to neither side
        ours(method, 1)
        if there:
            pepit(method, 1)
    accurate = compare(options.repeats, there)
    large(options.steps)
    return accurate


if __name__ == "__main__":
    main()
