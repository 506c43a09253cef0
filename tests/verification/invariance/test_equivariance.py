"""Equivariance: found where it is, refuted where it is not, and neither where rounding has the last word."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from l2obound import l2o
from l2obound.bounds.equivariance import EQUIVARIANCE_TABLE, NO, TRANSFORMS, UP_TO_EPS, YES
from l2obound.l2o.problems.smooth import LeastSquares
from l2obound.l2o.problems.transforms import Change, ChangedNonsmooth, changed_smooth
from l2obound.verification import (
    Transform,
    Verdict,
    check_equivariance,
    equivariance_table,
    optimum,
    rescaling,
    scaling,
    translation,
    verify,
)
from l2obound.verification.invariance.equivariance import BROKEN, EQUIVARIANT, UNDECIDED
from l2obound.verification.invariance.table import ABSENT, AS_EXPECTED, OPEN, OTHERWISE, status
from tests.helpers import zoo
from tests.helpers.sampling import one_in

P = l2o.synthetic.lasso(2, 6, 12, sparsity=3, seed=1)
X0 = l2o.synthetic.starts(P)
METHODS = ("ista", "fista", "go-math-l2o")
CHANGES = (translation(100.0), scaling(1e-6), rescaling(0.05))


@pytest.mark.slow
def test_the_whole_table_is_measured_as_it_stands() -> None:
    table = equivariance_table(P, X0, 8)
    missing = sum(row.optimizer not in l2o.optimizer_names() for row in EQUIVARIANCE_TABLE)
    assert len(table.cells) == 3 * len(EQUIVARIANCE_TABLE) == 117
    assert table.count(ABSENT) == 3 * missing
    assert table.count(AS_EXPECTED) == 87 - 3 * missing, table.summary()
    assert table.agrees
    for cell in table.cells:
        if cell.measured is not None and cell.expected != UP_TO_EPS:
            assert cell.measured.verdict == {YES: EQUIVARIANT, NO: BROKEN}[cell.expected]
            rounding = 1e-9 if cell.row.optimizer == "shampoo" else 1e-12  # it amplifies by 1e-8^(-1/4) a step and more
            assert cell.measured.worst < rounding if cell.expected == YES else cell.measured.worst > 1e-4
    json.dumps(table.to_dict(), allow_nan=False)


def test_a_wrong_entry_of_the_table_is_found() -> None:
    rows = {row.name: row for row in EQUIVARIANCE_TABLE}
    boast = replace(rows["L2O-PA"], translation=YES)
    modest = replace(rows["ISTA"], scaling=NO)
    table = equivariance_table(P, X0, 5, rows=(boast, modest))
    assert not table.agrees
    assert [c.transform for c in table.cells if c.status == OTHERWISE] == ["translation", "scaling"]
    assert "NOT AS EXPECTED: expected yes, measured not equivariant" in table.summary()
    absent = equivariance_table(P, X0, 5, rows=(replace(boast, optimizer="sgd-of-tomorrow"),))
    assert absent.agrees
    assert absent.count(ABSENT) == 3
    assert "not available" in absent.summary()


def test_the_table_is_data() -> None:
    assert len({row.name for row in EQUIVARIANCE_TABLE}) == len(EQUIVARIANCE_TABLE)
    for row in EQUIVARIANCE_TABLE:
        assert {row.expected(t) for t in TRANSFORMS} <= {YES, NO, UP_TO_EPS}
        assert (UP_TO_EPS in {row.expected(t) for t in TRANSFORMS}) == bool(row.limit)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["lasso", "logistic_l1"])
def test_trained_go_math_agrees_over_a_hundred_steps(family: str) -> None:
    p = l2o.synthetic.lasso(3, 10, 20, seed=2) if family == "lasso" else l2o.synthetic.logistic_l1(3, 30, 6, seed=2)
    opt = l2o.pretrained("go-math-l2o", family)
    for change in CHANGES:
        r = check_equivariance(opt, p, l2o.synthetic.starts(p), 100, change)
        assert r.verdict == EQUIVARIANT, r.summary()
        assert r.worst < 1e-8
        assert r.features_defect.max() < 1e-8
        assert (r.judged_steps == 100).all()
        assert (r.first_broken == -1).all()


@pytest.mark.parametrize("name", one_in(2, zoo.composites()))
def test_every_problem_of_the_zoo(name: str) -> None:
    p = zoo.composites()[name]
    opt = l2o.optimizer("go-math-l2o", seed=1)
    t = np.linspace(-2, 3, 15).reshape(3, 5)
    for change in (translation(t), scaling([0.01, 3.0, 500.0]), rescaling([0.1, 1.0, 40.0])):
        r = check_equivariance(opt, p, zoo.start(p), 6, change)
        assert r.verdict == EQUIVARIANT, r.summary()


@settings(max_examples=15)
@given(
    name=st.sampled_from(METHODS),
    change=st.sampled_from([translation, scaling, rescaling]),
    exponent=st.floats(-6, 6),
    seed=st.integers(0, 50),
)
def test_size_does_not_matter(name: str, change: Any, exponent: float, seed: int) -> None:
    opt = l2o.optimizer(name, seed=seed) if name == "go-math-l2o" else l2o.optimizer(name)
    p = l2o.synthetic.lasso(2, 5, 8, seed=seed)
    r = check_equivariance(opt, p, l2o.synthetic.starts(p, seed=seed), 10, change(10.0**exponent))
    assert r.verdict == EQUIVARIANT, r.summary()


def test_the_guards_of_divisions_are_where_it_ends() -> None:
    """The authors keep the step and the norms of the features above 1e-20; sizes beyond are not followed."""
    opt = l2o.optimizer("go-math-l2o")
    for change in (scaling(1e15), scaling(1e-15), rescaling(1e12)):
        assert check_equivariance(opt, P, X0, 5, change).verdict == EQUIVARIANT
    for change in (scaling(1e22), scaling(1e-22), rescaling(1e-12)):
        assert check_equivariance(opt, P, X0, 5, change).verdict == BROKEN


def test_equal_network_states_and_only_those() -> None:
    opt = l2o.optimizer("go-math-l2o")
    shape = (2, X0.numel(), 20)
    hidden, cell = np.random.default_rng(0).standard_normal((2, *shape))
    r = check_equivariance(opt, P, X0, 20, rescaling(7.0), hidden=hidden, cell=cell)
    assert r.verdict == EQUIVARIANT
    plain = check_equivariance(opt, P, X0, 20, rescaling(7.0))
    assert not np.allclose(r.scale, plain.scale, rtol=1e-6)


class AuthorsProx(ChangedNonsmooth):
    """lam||x + t||_1 with the prox of the authors' code: wrong where u and u + t differ in sign."""

    def prox(self, u: torch.Tensor, step: torch.Tensor | float) -> torch.Tensor:
        t, sign = self.change.shift, torch.sign(u)
        return -t + sign * (u.abs() - self.base.lam * step + sign * t).clamp(min=0.0)


class AuthorsProblem(l2o.Composite):
    """A LASSO that shifts its objective as the authors' code does."""

    def shifted(self, t: Any) -> l2o.Composite:
        change = Change.of(shift=torch.as_tensor(t, dtype=torch.float64).reshape(1, -1))
        return l2o.Composite(changed_smooth(self.smooth, change), AuthorsProx(self.nonsmooth, change))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("t", [0.5, 10.0])
def test_the_authors_shifted_prox_is_found(method: str, t: float) -> None:
    planted = AuthorsProblem(P.smooth, P.nonsmooth)
    r = check_equivariance(l2o.optimizer(method), planted, X0, 12, translation(t))
    assert r.verdict == BROKEN, r.summary()
    assert (r.first_broken >= 1).any()
    assert "NOT EQUIVARIANT" in r.summary()
    assert check_equivariance(l2o.optimizer(method), P, X0, 12, translation(t)).verdict == EQUIVARIANT
    # and without a second run: the subgradient that the prox implies is none
    shifted = planted.shifted(t)
    run = l2o.rollout(l2o.optimizer(method), shifted, X0 - t, 12)
    certified = replace(optimum(P.shifted(t)), problem=shifted.fingerprint())  # F is the same
    v = verify(run, shifted, "ood_last_iterate", certified)
    assert v.overall is Verdict.VIOLATED
    assert any("subdifferential" in s for s in v.to_dict()["broken_data"])


class WrongStart(Transform):
    """F(x + t) from x_0 + t."""

    def start(self, x: torch.Tensor) -> torch.Tensor:
        return x + self._shift(x)


def test_a_start_that_is_not_moved_along_is_found() -> None:
    r = check_equivariance(l2o.optimizer("ista"), P, X0, 5, WrongStart("translation", torch.tensor(0.3)))
    assert r.verdict == BROKEN
    assert (r.first_broken == 0).all()


@dataclass(frozen=True, eq=False)
class Raised(LeastSquares):
    """A least-squares term whose value, and nothing else, is off."""

    def value(self, x: torch.Tensor) -> torch.Tensor:
        return 1.001 * super().value(x)

    def value_and_gradient(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        value, gradient = super().value_and_gradient(x)
        return 1.001 * value, gradient


class WrongValue(l2o.Composite):
    """Its scaled image has another objective."""

    def scaled(self, c: Any) -> l2o.Composite:
        raised = l2o.Composite(Raised(self.smooth.map, self.smooth.target), self.nonsmooth)
        return l2o.Composite.scaled(raised, c)


def test_a_wrong_value_is_found_though_the_iterates_agree() -> None:
    r = check_equivariance(l2o.optimizer("ista"), WrongValue(P.smooth, P.nonsmooth), X0, 5, scaling(3.0))
    assert r.verdict == BROKEN
    assert r.relative_defect.max() < 1e-14
    assert np.nanmax(r.objective_defect) > 1e-5


@pytest.mark.parametrize(("excess", "expected"), [(0.0, EQUIVARIANT), (1e-8, UNDECIDED), (1e-3, BROKEN)])
def test_between_rounding_and_violation_nothing_is_said(excess: float, expected: str) -> None:
    class NearlyShifted(l2o.Composite):
        def shifted(self, t: Any) -> l2o.Composite:
            return super().shifted(t * (1 + excess))

    r = check_equivariance(l2o.optimizer("ista"), NearlyShifted(P.smooth, P.nonsmooth), X0, 10, translation(2.0))
    assert r.verdict == expected, r.summary()


@dataclass(frozen=True)
class AdamState:
    x: torch.Tensor
    first: torch.Tensor
    second: torch.Tensor
    count: int = 0


@dataclass(frozen=True)
class PlainAdam:
    eps: float
    name: str = "plain-adam"

    def init(self, problem: l2o.Composite, x0: torch.Tensor, seed: int = 0) -> AdamState:
        return AdamState(x0, torch.zeros_like(x0), torch.zeros_like(x0))

    def step(self, problem: l2o.Composite, state: AdamState) -> AdamState:
        g, k = problem.smooth_gradient(state.x), state.count + 1
        first, second = 0.9 * state.first + 0.1 * g, 0.999 * state.second + 0.001 * g**2
        move = first / (1 - 0.9**k) / ((second / (1 - 0.999**k)).sqrt() + self.eps)
        return AdamState(state.x - 0.1 * move, first, second, k)


def test_up_to_eps_means_that_the_limit_is_equivariant() -> None:
    p = l2o.synthetic.quadratic(2, 6)
    x0 = l2o.synthetic.starts(p)

    def check(eps: float, change: Transform) -> Any:
        return check_equivariance(PlainAdam(eps), p, x0, 10, change)

    rough, fine = check(1e-4, scaling(1e-3)), check(1e-30, scaling(1e-3))
    assert rough.verdict == BROKEN
    assert fine.verdict == EQUIVARIANT
    assert status(UP_TO_EPS, rough, fine) == AS_EXPECTED
    assert status(UP_TO_EPS, rough, rough) == OTHERWISE
    assert check(1e-8, translation(3.0)).verdict == EQUIVARIANT
    assert check(1e-8, rescaling(3.0)).verdict == BROKEN
    assert status(YES, replace(fine, instances=np.array([UNDECIDED], dtype=object))) == OPEN


def test_a_start_that_rounding_moves_onto_a_kink_is_undecided() -> None:
    """x_0 = 1e-17 has a sign, and (x_0 - 1) + 1 = 0 has none: the features jump by themselves."""
    x0, change, opt = torch.full_like(X0, 1e-17), translation(1.0), l2o.optimizer("go-math-l2o")
    r = check_equivariance(opt, P, x0, 10, change)
    assert r.relative_defect.max() > 1e-4
    assert r.verdict == UNDECIDED, r.summary()
    assert "amplified" in r.summary(), "a probe crossed the kink as well"
    # where no probe does, the slopes of r tell
    signs = [np.random.default_rng([i, *X0.shape]).choice([-1.0, 1.0], X0.shape) for i in range(2)]
    selected = (signs[0] > 0) & (signs[1] > 0)
    x0 = torch.where(torch.from_numpy(selected), x0, X0)
    r = check_equivariance(opt, P, x0, 10, change)
    assert r.verdict == UNDECIDED, r.summary()
    assert "kink" in r.summary()
    assert (r.first_broken == -1).all()
    # a start on the kink is kept there, and where no sign is looked at nothing jumps
    assert check_equivariance(opt, P, 0 * x0, 10, change).verdict == EQUIVARIANT
    assert check_equivariance(l2o.optimizer("ista"), P, x0, 10, change).verdict == EQUIVARIANT
    # an optimizer that is not equivariant is not excused by starting on a kink
    assert check_equivariance(l2o.optimizer("l2o-pa"), P, 0 * x0, 10, change).verdict == BROKEN


@dataclass(frozen=True)
class Chaos:
    """Knows nothing of the problem, and doubles every error."""

    name: str = "chaos"

    def init(self, problem: l2o.Composite, x0: torch.Tensor, seed: int = 0) -> AdamState:
        return AdamState(x0, x0, x0)

    def step(self, problem: l2o.Composite, state: AdamState) -> AdamState:
        x = 1 - 1.99 * state.x**2
        return AdamState(x, x, x)


def test_chaos_is_judged_while_it_is_none() -> None:
    r = check_equivariance(Chaos(), P, X0.clamp(-1, 1) * 0.9, 60, scaling(2.0))
    assert r.verdict == EQUIVARIANT
    assert (r.judged_steps < 40).all()
    assert "amplified" in r.summary()


def test_runs_that_diverge_are_judged_up_to_there() -> None:
    opt = l2o.optimizer("go-math-l2o", gradient_map="recurrent", q_scale=5.0)
    r = check_equivariance(opt, P, X0, 250, translation(1.0))
    assert r.verdict == EQUIVARIANT, r.summary()
    assert (r.judged_steps >= 1).all()
    json.dumps(r.to_dict(), allow_nan=False)


@pytest.mark.parametrize("factor", [1e-4, 1e-14, 1e-200])
def test_a_jump_is_found_however_far_it_leads(factor: float) -> None:
    """The first step is equal, the second 1/L times too long: its end has large gradients, or is beyond floats."""

    class Jumps(PlainAdam):
        def step(self, problem: l2o.Composite, state: AdamState) -> AdamState:
            L = problem.smoothness.unsqueeze(-1)
            move = problem.smooth_gradient(state.x) / L
            return replace(state, x=state.x - move * (1 if state.count == 0 else 0.1 / L), count=state.count + 1)

    quadratic = l2o.synthetic.quadratic(2, 5, condition=10.0)
    base = quadratic.scaled(float(1 / quadratic.smoothness.max()))
    r = check_equivariance(Jumps(0.0), base, l2o.synthetic.starts(base), 6, scaling(factor))
    assert r.verdict == BROKEN, r.summary()
    assert (r.first_broken == 2).all()
    json.dumps(r.to_dict(), allow_nan=False)


def test_results_in_words_and_in_json() -> None:
    r = check_equivariance(l2o.optimizer("l2o-pa"), P, X0, 10, translation(3.0))
    d = json.loads(json.dumps(r.to_dict(), allow_nan=False))
    assert d["verdict"] == BROKEN
    assert d["instances"][BROKEN] == 2
    assert d["first_broken"] == int(r.first_broken.min())
    assert "l2o-pa under translation F(x + t), size 3" in r.summary()
    np.testing.assert_allclose(r.relative_defect, r.defect / r.scale)
    assert "features_defect" not in d
    assert d["worst_features_defect"] > 0.1


BAD: Mapping[str, Any] = {
    "expected finite numbers > 0": lambda: scaling(-1.0),
    "a scalar or": lambda: rescaling([[1.0]]),
    "expected finite numbers": lambda: translation(np.nan),
    "expected one of translation": lambda: Transform("rotation", torch.tensor(1.0)),
    "float64": lambda: check_equivariance(l2o.optimizer("ista"), P.to(torch.float32), X0, 5, scaling(2.0)),
    "steps >= 3": lambda: equivariance_table(P, X0, 2),
}


@pytest.mark.parametrize("says", BAD)
def test_wrong_input_says_what_is_wrong(says: str) -> None:
    with pytest.raises(l2o.InputError, match=says):
        BAD[says]()
