"""Run every benchmark, or those named on the command line."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import tests.benchmarks as package


def run(names: list[str]) -> None:
    result = sorted(m.name for m in pkgutil.iter_modules(package.__path__) if m.name.startswith("bench_"))
    unknown = [n for n in names if f"bench_{n}" not in result]
    if unknown:
        sys.exit(f"no benchmark {unknown[0]!r}; there are {', '.join(n.removeprefix('bench_') for n in result)}")
    for name in [f"bench_{n}" for n in names] or result:
        print(f"== {name.removeprefix('bench_')}", flush=True)
        importlib.import_module(f"tests.benchmarks.{name}").main([])


if __name__ == "__main__":
    run(sys.argv[1:])
