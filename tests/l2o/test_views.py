"""What is printed of runs and problems, and the figure of a run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from l2obound import l2o

P = l2o.synthetic.lasso(3, 12, 8, sparsity=2, seed=4)
RUN = l2o.rollout(l2o.optimizer("ista"), P, l2o.synthetic.starts(P, shift=1.0), 12)


def test_a_run_in_a_line() -> None:
    text = str(RUN)
    assert text == repr(RUN)
    assert "\n" not in text
    assert text.startswith("Run(ista, 3 instances of 8 variables, float64, steps 12, F(x_0) ")
    assert text.endswith(", finite all)")
    ends = (f"{float(value):.4g}" for value in (RUN.objective[:, -1].min(), RUN.objective[:, -1].max()))
    assert f"F(x_K) {' to '.join(ends)}," in text


def test_a_diverged_run_and_one_of_numbers_say_so() -> None:
    x = RUN.x.clone()
    x[1, -1] = torch.inf
    assert str(replace(RUN, x=x)).endswith("finite 2 of 3 instances)")
    numbers = l2o.rollout(l2o.optimizer("ista"), P, RUN.x[:, 0], 4, record="scalars")
    assert "steps 4, numbers only" in str(numbers)
    one = l2o.run_from_iterates(P.select([0]), RUN.x[0].float(), name="mine")
    assert str(one).startswith("Run(mine, 1 instance of 8 variables, float32, steps 12, ")


def test_a_problem_in_a_line() -> None:
    """L is an eigenvalue, which printing does not compute."""
    p = l2o.synthetic.lasso(2, 6, 4, sparsity=2)
    p = l2o.Composite(p.smooth, p.nonsmooth)
    assert str(p) == repr(p) == "Composite(least-squares + l1, 2 instances of 4 variables, float64)"
    low, high = float(p.smoothness.min()), float(p.smoothness.max())
    assert str(p).endswith(f", float64, L {low:.4g} to {high:.4g})")


def test_tables_for_notebooks_are_escaped() -> None:
    html = replace(RUN, optimizer="<script>")._repr_html_()
    assert "&lt;script&gt;" in html
    assert "<script>" not in html
    assert html.count("<tr>") == 6
    assert "least-squares + l1" in P._repr_html_()


def test_the_figure_of_a_run() -> None:
    (axes,) = RUN.plot().axes
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), RUN.objective.quantile(0.5, dim=0))
    assert axes.get_yscale() == "linear"
    (axes,) = RUN.plot(RUN.objective.min(dim=1).values - 1e-6).axes
    assert axes.get_yscale() == "log"
    assert len(replace(RUN, optimizer="$\\bad").plot().axes) == 1
    RUN.plot().canvas.draw()
    with pytest.raises(l2o.InputError, match=r"f_star: expected a number or \(3,\), got 2"):
        RUN.plot([1.0, 2.0])
    x = torch.full_like(RUN.x, torch.nan)
    with pytest.raises(l2o.InputError, match="nothing to draw"):
        replace(RUN, x=x).plot()
