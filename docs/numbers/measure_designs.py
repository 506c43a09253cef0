"""The best values that `bounds.design` finds, and those of known methods.

`python -m docs.numbers run designs FOLDER` calls it, and reads the values for the page.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from l2obound import bounds
from l2obound.bounds.worst_cases import Method, methods

FILE = "designs.json"
STEPS = (1, 2, 3, 7)


def composite(steps: int) -> Any:
    """The family of methods with a prox, a point ahead and free numbers, of which OptISTA is one choice."""

    def family(numbers: Sequence[Any]) -> Method:
        gamma, a, b = numbers[:steps], [*numbers[steps : 2 * steps - 1], 0], [*numbers[2 * steps - 1 :], 0]

        def step(state: Any, f: Any, r: Any, k: int) -> Any:
            i, look = k - 1, state["look"]
            y = r.prox(state["x"] - gamma[i] * f.gradient(look), gamma[i])
            z = look + (y - state["x"]) / gamma[i]
            return {"x": y, "look": z + a[i] * (z - state["z"]) + b[i] * (z - look), "z": z}

        return Method(step, lambda x0: {"x": x0, "look": x0, "z": x0})

    return family


def rows(steps: int) -> dict[str, float]:
    """The value of each family and of each known method with so many steps."""
    silver = methods.silver_steps(steps) if steps & (steps + 1) == 0 else None
    gradient = bounds.design("gradient", steps, **({"start": silver, "starts": 1} if steps > 3 else {}))
    ahead = [1] * steps + [0.3] * (steps - 1) + [0.6] * (steps - 1)
    made = {
        "`gradient`, smooth convex": gradient.value,
        "`go_math`, smooth convex": bounds.design("go_math", steps, starts=2).value,
        "the optimized gradient method": bounds.worst_case(method=methods.ogm(steps), steps=steps).value,
        "code like OptISTA, composite": bounds.design(
            composite(steps), steps, start=ahead, starts=1, function_class="composite"
        ).value,
        "OptISTA": bounds.worst_case(method=methods.optista(steps), steps=steps, function_class="composite").value,
    }
    if silver is not None:
        made["silver steps"] = bounds.worst_case(steps=steps, step=silver).value
    return made


def main(arguments: list[str] | None = None) -> None:
    """Compute, and write the file of results."""
    parser = argparse.ArgumentParser(prog="python docs/numbers/measure_designs.py")
    parser.add_argument("--out", type=Path, required=True)
    folder = parser.parse_args(arguments).out
    folder.mkdir(parents=True, exist_ok=True)
    made: dict[str, dict[str, float]] = {}
    for steps in STEPS:
        for name, value in rows(steps).items():
            made.setdefault(name, {})[str(steps)] = value
            print(f"K = {steps}, {name}: {value:.6f}", flush=True)
    (folder / FILE).write_text(json.dumps(made, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
