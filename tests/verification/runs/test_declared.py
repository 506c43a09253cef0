"""What a problem declares of f and r does not hold where the run contradicts it; each hypothesis has a case."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from l2obound import l2o
from l2obound.l2o.problems.nonsmooth import L1, NonsmoothTerm
from l2obound.l2o.problems.smooth import LeastSquares, QuadraticForm
from l2obound.verification import Optimum, Verdict, Verification, optimum, verify
from tests.helpers import zoo


@dataclass(frozen=True, eq=False)
class CappedL1(NonsmoothTerm):
    """lam min(|x|, cap): not convex, and does not say so."""

    lam: torch.Tensor
    cap: torch.Tensor

    kind = "capped-l1"
    finite_slopes = True

    @property
    def batch_size(self) -> int:
        return self.lam.shape[0]

    def values(self, x: torch.Tensor) -> torch.Tensor:
        return self.lam * torch.minimum(x.abs(), self.cap)

    def prox(self, u: torch.Tensor, step: torch.Tensor | float) -> torch.Tensor:
        step = torch.as_tensor(step, dtype=u.dtype)
        near = torch.sign(u) * torch.minimum((u.abs() - step * self.lam).clamp(min=0), self.cap)
        far = torch.sign(u) * torch.maximum(u.abs(), self.cap)
        cost = [self.values(x) + (x - u) ** 2 / (2 * step) for x in (near, far)]
        return torch.where(cost[0] <= cost[1], near, far)

    def subdifferential(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        slope = torch.where(x.abs() < self.cap, self.lam * torch.sign(x), torch.zeros_like(x))
        kink = torch.where(x == 0, self.lam.expand_as(x), torch.zeros_like(x))
        return slope - kink, slope + kink

    def arrays(self) -> dict[str, torch.Tensor]:
        return {"lam": self.lam, "cap": self.cap}

    def select(self, index: torch.Tensor) -> CappedL1:
        return self

    def to(self, dtype: torch.dtype | None = None, device: object = None) -> CappedL1:
        return replace(self, lam=self.lam.to(dtype=dtype), cap=self.cap.to(dtype=dtype))


@dataclass(frozen=True, eq=False)
class Declared(CappedL1):
    """The same, and says so."""

    @property
    def convex(self) -> bool:
        return False


def share(v: Verification, name: str) -> float:
    return next(h.share for h in v.hypotheses if h.name == name)


def held(
    problem: l2o.Composite, bound: str, x: np.ndarray | None = None, steps: int = 15, star: Optimum | None = None
) -> Verification:
    start = l2o.synthetic.starts(problem) * 3
    run = l2o.rollout(l2o.optimizer("ista"), problem, start, steps) if x is None else l2o.run_from_iterates(problem, x)
    return verify(run, problem, bound, optimum(problem, cache=False) if star is None else star)


SMOOTH = l2o.synthetic.lasso(2, 10, 6, sparsity=2).smooth


@pytest.mark.parametrize("kind", [CappedL1, Declared])
@pytest.mark.parametrize("cap", [1e-3, pytest.param(0.1, marks=pytest.mark.slow), 3.0, 100.0])
@pytest.mark.parametrize("moved", [False, True])
def test_a_capped_norm_is_not_convex(kind: type, cap: float, moved: bool) -> None:
    p = l2o.Composite(SMOOTH, kind(zoo.column(0.1), zoo.column(cap)))
    p = p.shifted(0.3).rescaled(2.0) if moved else p
    certified = optimum(p, cache=False)
    assert not np.isfinite(certified.lower).any(), "no certificate speaks of it"
    for name in ("B1", "B6"):
        v = held(p, name, star=certified)
        assert share(v, "r_convex") == 0
        assert v.count(Verdict.NOT_APPLICABLE) == v.verdict.size
        contradicted = "r is proper, closed and convex, and the points of the run contradict it" in v.summary()
        assert contradicted == p.nonsmooth.convex, "a false declaration is named, a missing one is none"


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("name", [*zoo.nonsmooth_terms(), *zoo.coupled_terms()])
def test_convex_terms_are_never_denied(name: str, dtype: torch.dtype) -> None:
    term = {**zoo.nonsmooth_terms(), **zoo.coupled_terms()}[name]
    p = l2o.Composite(zoo.smooth_terms()["least-squares"], term).shifted(0.4).rescaled(1.7).to(dtype)
    v = held(p, "B1")
    assert share(v, "r_convex") == share(v, "f_smooth") == 1
    assert v.count(Verdict.VIOLATED) == 0


@dataclass(frozen=True, eq=False)
class Saddle(QuadraticForm):
    """A form with a negative eigenvalue that is said to be convex, with a modulus."""

    bent: float = 0.0

    @property
    def smoothness(self) -> torch.Tensor:
        return torch.ones(self.batch_size, dtype=torch.float64)

    @property
    def strong_convexity(self) -> torch.Tensor:
        return torch.full((self.batch_size,), self.bent, dtype=torch.float64)


def saddle(low: float, modulus: float) -> l2o.Composite:
    form = type(zoo.smooth_terms()["quadratic"].map)(torch.diag(torch.tensor([1.0, low], dtype=torch.float64)))
    return l2o.Composite(Saddle(form, torch.zeros(1, 2, dtype=torch.float64), modulus), l2o.zero())


PATH = np.array([[[2.0, 1.0], [1.0, 0.5], [0.5, -1.0], [0.0, 0.0]]])


def about(problem: l2o.Composite, bound: str) -> Verification:
    run = l2o.run_from_iterates(problem, PATH)
    certified = optimum(l2o.quadratic(np.eye(2)[None], np.zeros((1, 2))), cache=False)
    return verify(
        run, problem, bound, replace(certified, problem="", lower=certified.lower - 10, upper=certified.upper + 10)
    )


def test_a_saddle_is_not_convex() -> None:
    assert share(about(saddle(0.5, 0.0), "B6"), "f_convex") == 1
    v = about(saddle(-0.5, 0.0), "B6")
    assert share(v, "f_convex") == 0
    assert v.overall is Verdict.NOT_APPLICABLE


def test_a_modulus_too_large_does_not_hold() -> None:
    assert share(about(saddle(0.5, 0.5), "B9"), "strongly_convex") == 1
    assert share(about(saddle(0.5, 0.7), "B9"), "strongly_convex") == 0
    assert share(about(saddle(0.5, 0.5), "B9:pl"), "polyak_lojasiewicz") == 1
    assert share(about(saddle(0.5, 0.7), "B9:pl"), "polyak_lojasiewicz") == 0


class Rough(LeastSquares):
    """Least squares with a tenth of its L."""

    @property
    def smoothness(self) -> torch.Tensor:
        return 0.1 * super().smoothness


def test_a_constant_too_small_is_no_smoothness() -> None:
    f = zoo.smooth_terms()["least-squares"]
    p = l2o.Composite(Rough(f.map, f.target), l2o.zero())
    v = verify(l2o.rollout(l2o.optimizer("gradient-descent"), p, torch.ones(3, 5).double(), 4), p, "B1")
    assert share(v, "f_smooth") == 0
    assert v.overall is Verdict.VIOLATED, "a wrong constant is wrong data"


class NotZero(L1):
    """An l1 norm that says it is 0."""

    is_zero = True
    is_indicator = True


def test_a_norm_is_neither_zero_nor_an_indicator() -> None:
    p = l2o.Composite(zoo.smooth_terms()["least-squares"], NotZero(zoo.column(0.3)))
    run = l2o.rollout(l2o.optimizer("ista"), p, torch.ones(3, 5).double(), 4)
    certified = optimum(l2o.Composite(p.smooth, L1(zoo.column(0.3))), cache=False)
    assert share(verify(run, p, "B9:pl", replace(certified, problem="")), "r_zero") == 0
    assert share(verify(run, p, "B10:constrained", replace(certified, problem="")), "r_indicator") == 0
