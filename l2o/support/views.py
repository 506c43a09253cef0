"""A run and a problem in a line, as a table for notebooks, and as a figure. Nothing is computed anew for a line."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from ...errors import InputError
from .arrays import as_tensor

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..problems.composite import Composite
    from ..runs.run import Run


def _spread(values: torch.Tensor) -> str:
    """The numbers of the instances: the one, or from the least to the greatest."""
    low, high = float(values.min()), float(values.max())
    return f"{low:.4g}" if low == high or low != low else f"{low:.4g} to {high:.4g}"


def _sizes(batch: int, dim: int, dtype: torch.dtype) -> str:
    instances, variables = (
        f"{n} {word}{'' if n == 1 else 's'}" for n, word in ((batch, "instance"), (dim, "variable"))
    )
    return f"{instances} of {variables}, {str(dtype).removeprefix('torch.')}"


def run_facts(run: Run) -> list[tuple[str, str]]:
    """What a line or a table says of a run, by name."""
    alive = run.finite
    diverged = int((~alive).sum())
    return [
        ("optimizer", run.optimizer),
        ("size", _sizes(run.batch_size, run.dim, run.objective.dtype)),
        ("steps", str(run.steps) + (", numbers only" if run.x is None else "")),
        ("F(x_0)", _spread(run.objective[:, 0])),
        ("F(x_K)", _spread(run.objective[:, -1])),
        ("finite", "all" if not diverged else f"{run.batch_size - diverged} of {run.batch_size} instances"),
    ]


def problem_facts(problem: Composite) -> list[tuple[str, str]]:
    """What a line or a table says of a problem, by name; L only where it has been computed."""
    facts = [("problem", problem.name), ("size", _sizes(problem.batch_size, problem.dim, problem.dtype))]
    if problem.device.type != "cpu":
        facts.append(("device", str(problem.device)))
    if "smoothness" in problem.__dict__:
        facts.append(("L", _spread(problem.smoothness)))
    return facts


def line(kind: str, facts: Sequence[tuple[str, str]]) -> str:
    """The facts in a line; the first two stand without their names."""
    words = [value if place < 2 else f"{name} {value}" for place, (name, value) in enumerate(facts)]
    return f"{kind}({', '.join(words)})"


def table(kind: str, facts: Sequence[tuple[str, str]]) -> str:
    """The facts as a table of HTML."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{html.escape(name)}</th><td style='text-align:left'>{html.escape(value)}</td>"
        "</tr>"
        for name, value in facts
    )
    return f"<table><caption>{html.escape(kind)}</caption>{rows}</table>"


def run_figure(run: Run, f_star: Any = None) -> Figure:
    """F(x_k), or F(x_k) - F* where F* is given, over k: the median over the instances and its range.

    Args:
        run: The run, of which some instance is finite.
        f_star: F* of each instance, a number or (B,).

    Returns:
        A figure of matplotlib that belongs to no window.

    Raises:
        InputError: For an F* that fits no instance.
    """
    from matplotlib.figure import Figure

    objective = run.objective.detach().cpu().double()
    if f_star is not None:
        lowest = as_tensor(f_star, "f_star", ndim=(0, 1)).reshape(-1, 1)
        if len(lowest) not in (1, run.batch_size):
            raise InputError(f"f_star: expected a number or ({run.batch_size},), got {len(lowest)} numbers.")
        objective = objective - lowest
    objective = objective[run.finite.cpu()]
    figure = Figure(figsize=(5.0, 3.2), layout="constrained")
    axes, k = figure.subplots(), range(run.steps + 1)
    axes.plot(k, objective.quantile(0.5, dim=0), label="median")
    if len(objective) > 1:
        axes.fill_between(k, objective.amin(0), objective.amax(0), alpha=0.2, linewidth=0, label="least to greatest")
        axes.legend(frameon=False, loc="upper right")
    axes.set_xlabel("iteration k")
    axes.set_ylabel("F(x_k)" if f_star is None else "F(x_k) - F*")
    axes.set_title(f"{run.optimizer}, {len(objective)} of {run.batch_size} instances", loc="left", parse_math=False)
    if bool((objective > 0).any()) and f_star is not None:
        axes.set_yscale("log")
    return figure
