"""Simplices, balls and the group l1 norm: proxes, subgradients, changes of variables, rounding, and bad input."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import cvxpy
import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from l2obound import l2o
from l2obound.l2o.problems.nonsmooth import CoupledTerm, GroupL1, L2Ball, Simplex
from tests.helpers import zoo

TERMS = zoo.coupled_terms()
EPS = torch.finfo(torch.float64).eps


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(seed: int, size: float = 1.0, rows: int = 3, dim: int = 5) -> torch.Tensor:
    return size * torch.randn(rows, dim, dtype=torch.float64, generator=generator(seed))


def steps_for(term: CoupledTerm, seed: int, spread: float = 3.0) -> torch.Tensor:
    """(3,5) steps over 10^-spread .. 10^spread, the same within a group."""
    steps = 10 ** (spread * (2 * torch.rand(3, 5, dtype=torch.float64, generator=generator(seed)) - 1))
    if isinstance(term, GroupL1):
        first = [int(torch.nonzero(term.groups == g)[0]) for g in term.groups]
        steps = steps[:, first]
    return steps


def norm(v: torch.Tensor) -> torch.Tensor:
    return torch.linalg.vector_norm(v, dim=-1)


@pytest.mark.parametrize("name", TERMS)
@given(seed=st.integers(0, 10**6), size=st.sampled_from([0.1, 1.0, 10.0, 1e6]))
def test_prox_satisfies_its_optimality_condition(name: str, seed: int, size: float) -> None:
    """(u - x)/step is a subgradient at x but for a few roundings of what the prox handles, for any diagonal metric."""
    term = TERMS[name]
    u = normal(seed, size)
    for steps in (0.37, steps_for(term, seed)[:, :1], steps_for(term, seed)):
        x = term.prox(u, steps)
        assert bool(torch.isfinite(term.value(x)).all())
        quotient = (u - x) / steps
        away = norm(quotient - term.nearest_subgradient(x, quotient))
        blur = EPS * norm((term.magnitude(u) + term.magnitude(x)) / steps)
        assert bool((away <= 8 * blur).all()), float((away / blur).max())


MOST_SEEDS = pytest.mark.parametrize("seeds", [range(7), pytest.param(range(7, 40), marks=pytest.mark.slow)])


@pytest.mark.parametrize("name", TERMS)
@MOST_SEEDS
def test_prox_is_no_worse_than_any_other_point(name: str, seeds: range) -> None:
    """Against many points of the domain, near and far."""
    term = TERMS[name]
    for seed in seeds:
        u, steps = normal(seed, 3.0), steps_for(term, seed, 1.0)
        x = term.prox(u, steps)

        def cost(w: torch.Tensor, u: torch.Tensor = u, steps: torch.Tensor = steps) -> torch.Tensor:
            return term.value(w) + ((w - u) ** 2 / (2 * steps)).sum(-1)

        for k, reach in enumerate(np.logspace(-8, 1, 40)):
            w = term.prox(x + normal(1000 * seed + k, reach), 1e-6)
            assert bool((cost(x) <= cost(w) * (1 + 1e-12)).all())


def conic_prox(term: CoupledTerm, b: int, u: np.ndarray, steps: np.ndarray) -> np.ndarray:
    from l2obound.verification.optima import _conic

    w = cvxpy.Variable(5)
    value, constraints = _conic.nonsmooth_expression(term, b, w)
    cost = value + cvxpy.sum(cvxpy.multiply(1 / (2 * steps), cvxpy.square(w - u)))
    cvxpy.Problem(cvxpy.Minimize(cost), constraints).solve(solver="CLARABEL")
    return w.value


@pytest.mark.parametrize("name", TERMS)
def test_prox_agrees_with_a_conic_solver(name: str) -> None:
    term = TERMS[name]
    u, steps = normal(1), steps_for(term, 1, 0.5)
    x = term.prox(u, steps)
    for b in range(3):
        np.testing.assert_allclose(x[b], conic_prox(term, b, u[b].numpy(), steps[b].numpy()), atol=1e-4)


@pytest.mark.parametrize("name", TERMS)
@given(seed=st.integers(0, 10**6))
def test_prox_is_firmly_nonexpansive(name: str, seed: int) -> None:
    """In the metric of the steps: <p - q, u - v> >= ||p - q||^2."""
    term, steps = TERMS[name], steps_for(TERMS[name], seed, 2.0)
    u, v = normal(seed, 2.0), normal(seed + 1, 2.0)
    moved = term.prox(u, steps) - term.prox(v, steps)
    slack = 1e-13 * ((u - v).abs() * (1 + moved.abs()) / steps).sum(-1)
    assert bool(((moved * (u - v - moved) / steps).sum(-1) >= -slack).all())


@pytest.mark.parametrize("name", TERMS)
def test_prox_has_derivatives(name: str) -> None:
    """By the argument and by the steps, for learned optimizers are trained through it."""
    term = TERMS[name]
    u, steps = normal(3).requires_grad_(), steps_for(term, 3, 0.5).requires_grad_()
    first = [0, 1, 0, 3, 3] if name == "group-l1" else [0, 0, 2, 2, 2]
    spread = (lambda s: s[:, first]) if isinstance(term, GroupL1) else (lambda s: s)
    assert torch.autograd.gradcheck(lambda a, s: term.prox(a, spread(s)), (u, steps), atol=1e-6)


def exact_projection(w: list[Fraction], steps: list[Fraction], radius: Fraction) -> list[Fraction]:
    """Onto {x >= 0, sum x = radius}, by trying every number of positive entries."""
    order = sorted(range(len(w)), key=lambda i: w[i] / steps[i], reverse=True)
    for k in range(len(w), 0, -1):
        level = (sum(w[i] for i in order[:k]) - radius) / sum(steps[i] for i in order[:k])
        if w[order[k - 1]] - level * steps[order[k - 1]] > 0:
            return [max(v - level * s, Fraction(0)) for v, s in zip(w, steps)]
    raise AssertionError


def test_projection_onto_the_simplex_is_exact_to_a_few_ulps() -> None:
    for seed in range(60):
        u, steps = normal(seed, 10.0 ** (seed % 4 - 1)), steps_for(TERMS["simplex"], seed, 2.0)
        x = TERMS["simplex"].prox(u, steps)
        for b in range(3):
            truth = exact_projection(*([Fraction(v) for v in t[b].tolist()] for t in (u, steps)), Fraction(1.5))
            off = max(abs(Fraction(v) - t) for v, t in zip(x[b].tolist(), truth))
            assert off <= 16 * EPS * float(u[b].abs().max() + 1.5)
            assert abs(sum(Fraction(v) for v in x[b].tolist()) - Fraction(1.5)) <= Fraction(8 * EPS)


def test_ties_and_vertices_of_the_simplex() -> None:
    p = l2o.simplex()
    equal = p.prox(torch.full((1, 4), 7.0, dtype=torch.float64), 1.0)
    assert equal.tolist() == [[0.25] * 4]
    vertex = p.prox(torch.tensor([[5.0, 0.0, -1.0]], dtype=torch.float64), torch.tensor([[1.0, 2.0, 3.0]]).double())
    assert vertex.tolist() == [[1.0, 0.0, 0.0]]
    assert torch.equal(p.prox(vertex, 1.0), vertex)


@pytest.mark.parametrize("size", [1e15, 1e17, 1e80, 1e300])
def test_projection_onto_a_simplex_from_far_away(size: float) -> None:
    """Where u is so large that the radius is below its rounding, the answer is a vertex or a mean of them."""
    u = torch.tensor([[1.0, 2.0, 3.0, 3.0], [2.0, 2.0, 2.0, 2.0], [-1.0, -2.0, -3.0, -3.0]]).double() * size
    assert l2o.simplex(2.0).prox(u, 0.1).tolist() == [[0.0, 0.0, 1.0, 1.0], [0.5] * 4, [2.0, 0.0, 0.0, 0.0]]
    # the greatest u_i / step_i wins
    steps = torch.tensor([[1.0, 0.5, 0.3, 0.9], [1.0, 0.7, 0.3, 0.9], [1.0, 0.5, 3.0, 4.0]]).double()
    x = l2o.simplex(2.0).prox(u, steps)
    assert x.tolist() == [[0.0, 0.0, 2.0, 0.0], [0.0, 0.0, 2.0, 0.0], [0.0, 0.0, 0.0, 2.0]]


def test_projection_onto_a_ball_is_exact_to_a_few_ulps() -> None:
    """Different steps within an instance: the secular equation solved again with 50 digits."""
    term = l2o.l2_ball(0.7, np.linspace(-0.3, 0.4, 5))
    with mpmath.workdps(50):
        for seed in range(25):
            u, steps = normal(seed, 10.0 ** (seed % 5)), steps_for(term, seed, 3.0)
            x = term.prox(u, steps)
            for b in range(3):
                center = [mpmath.mpf(c) for c in term.center[0].tolist()]
                v = [mpmath.mpf(a) - c for a, c in zip(u[b].tolist(), center)]
                s = [mpmath.mpf(a) for a in steps[b].tolist()]
                if mpmath.norm(v) <= mpmath.mpf(0.7):
                    assert torch.equal(x[b], u[b])
                    continue
                low, high = mpmath.mpf(0), (mpmath.norm(v) / mpmath.mpf(0.7)) / min(s)
                for _ in range(220):
                    middle = (low + high) / 2
                    longer = mpmath.norm([a / (1 + middle * t) for a, t in zip(v, s)]) > mpmath.mpf(0.7)
                    low, high = (middle, high) if longer else (low, middle)
                truth = [c + a / (1 + low * t) for a, t, c in zip(v, s, center)]
                off = max(abs(mpmath.mpf(a) - t) for a, t in zip(x[b].tolist(), truth))
                assert off <= 32 * EPS * 0.7, (seed, b, float(off))


def elements(term: CoupledTerm, x: torch.Tensor, seed: int) -> torch.Tensor:
    """Elements of the subdifferential at x by its definition, one per instance."""
    rng = np.random.default_rng(seed)
    g = torch.zeros_like(x)
    for b in range(len(x)):
        if isinstance(term, Simplex):
            level = rng.standard_normal()
            below = torch.as_tensor(level - rng.exponential(1.0, 5))
            g[b] = torch.where(x[b] > term.origin.expand_as(x)[b], level, below)
        elif isinstance(term, L2Ball):
            v = x[b] - term.center.expand_as(x)[b]
            radius = float(term.radius.expand(len(x), 1)[b])
            g[b] = v * (rng.exponential(1.0) if float(norm(v)) > radius * (1 - 1e-12) else 0.0)
        else:
            lam = float(term.lam.expand(len(x), 1)[b])
            for k in range(term.count):
                members = term.groups == k
                v = (x[b] - term.center.expand_as(x)[b])[members]
                inside = torch.as_tensor(rng.standard_normal(len(v)))
                inside = inside / norm(inside) * rng.random()
                g[b, members] = lam * (v / norm(v) if bool((v != 0).any()) else inside)
    return g


@pytest.mark.parametrize("name", TERMS)
@settings(max_examples=15)
@given(seed=st.integers(0, 10**6))
def test_nearest_subgradient_is_the_projection_onto_the_subdifferential(name: str, seed: int) -> None:
    assert_projects(name, seed)


@pytest.mark.slow
@pytest.mark.parametrize("name", TERMS)
@settings(max_examples=80)
@given(seed=st.integers(0, 10**6))
def test_nearest_subgradients_of_many_are_projections(name: str, seed: int) -> None:
    assert_projects(name, seed)


def assert_projects(name: str, seed: int) -> None:
    """It is a subgradient, and no other is nearer: <wanted - g, h - g> <= 0 for every subgradient h."""
    term = TERMS[name]
    x, wanted = term.prox(normal(seed, 2.0), steps_for(term, seed, 0.5)), normal(seed + 1, 2.0)
    g = term.nearest_subgradient(x, wanted)
    torch.testing.assert_close(term.nearest_subgradient(x, g), g, rtol=1e-13, atol=1e-13)
    for k in range(6):
        h = elements(term, x, k)
        torch.testing.assert_close(term.nearest_subgradient(x, h), h, rtol=1e-12, atol=1e-12)
        assert bool((((wanted - g) * (h - g)).sum(-1) <= 1e-12 * (1 + norm(h) + norm(wanted)) ** 2).all())
        w = term.prox(x + normal(seed + k, 10.0 ** (1 - k % 5)), 1e-3)
        rise = term.value(w) - term.value(x) - (g * (w - x)).sum(-1)
        assert bool((rise >= -1e-12 * (1 + norm(g)) * (1 + norm(w))).all())


@pytest.mark.parametrize("name", [n for n in TERMS if "group" not in n])
def test_outside_of_the_set_there_is_no_subgradient(name: str) -> None:
    term = TERMS[name]
    x = term.prox(normal(0), 1.0) + 1e-9
    x[:, 0] += 100.0
    assert bool(torch.isinf(term.value(x)).all())
    assert float(term.nearest_subgradient(x, normal(1)).abs().max()) == 0.0


@pytest.mark.parametrize("name", TERMS)
@pytest.mark.parametrize("change", zoo.CHANGES)
def test_changes_of_variables_are_exact(name: str, change: str) -> None:
    """Value, prox and subgradients of the changed term, each against the definition by the base."""
    f = l2o.least_squares(np.ones((3, 2, 5)), np.ones((3, 2)))
    p = l2o.Composite(f, TERMS[name])
    q = zoo.CHANGES[change](p)
    moved = q.smooth.change
    r, s = p.nonsmooth, q.nonsmooth
    u = normal(5, 2.0)
    inner = 0.37 * moved.scale / moved.dilation**2
    torch.testing.assert_close(s.prox(u, 0.37), moved.outward(r.prox(moved.inward(u), inner)), rtol=1e-12, atol=1e-13)
    x = s.prox(u, 0.37)
    assert bool(torch.isfinite(s.value(x)).all())
    scale = moved.scale.reshape(-1)
    torch.testing.assert_close(s.value(x), scale * r.value(r.prox(moved.inward(x), 1e-12)), rtol=1e-9, atol=1e-9)
    quotient = (u - x) / 0.37
    torch.testing.assert_close(s.nearest_subgradient(x, quotient), quotient, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", TERMS)
@MOST_SEEDS
def test_projections_lie_in_the_domain_wherever_it_is(name: str, seeds: range) -> None:
    for seed in seeds:
        rng = np.random.default_rng(seed)
        f = l2o.least_squares(np.ones((3, 2, 5)), np.ones((3, 2)))
        p = l2o.Composite(f, TERMS[name]).shifted(rng.standard_normal(5) * 10.0 ** (seed % 7)).rescaled(0.3)
        for size in (1e-8, 1.0, 1e8):
            u, steps = normal(seed, size), steps_for(TERMS[name], seed)
            assert bool(torch.isfinite(p.nonsmooth.value(p.prox(u, steps))).all())
            assert bool(torch.isfinite(p.objective_error(p.prox(u, steps))).all())


def test_the_objective_error_covers_points_beside_the_set() -> None:
    """F at the nearest point of the simplex in exact arithmetic, below F(x) by less than the bound."""
    a, y = np.array([[3.0, -1.0], [0.5, 2.0]]), np.array([10.0, -20.0])
    p = l2o.Composite(l2o.least_squares(a, y), l2o.simplex())
    seen = 0
    for seed in range(200):
        x = p.prox(normal(seed, 1.0, 1, 2), 1.0)
        point = [Fraction(v) for v in x[0].tolist()]
        defect = (1 - sum(point)) / 2
        if min(point) + defect < 0 or defect == 0:
            continue
        seen += 1
        nearest = [v + defect for v in point]
        rows = zip(a.tolist(), y.tolist())
        truth = sum((sum(Fraction(c) * v for c, v in zip(row, nearest)) - Fraction(t)) ** 2 for row, t in rows) / 2
        assert abs(Fraction(float(p.objective(x))) - truth) <= Fraction(float(p.objective_error(x)))
    assert seen > 10


def test_projections_are_no_further_from_the_set_than_stated() -> None:
    """The distance in exact or in 50 digits: to the plane of the simplex, and to the ball."""
    with mpmath.workdps(50):
        for seed in range(60):
            u, steps = normal(seed, 3.0), steps_for(TERMS["simplex"], seed, 1.0)
            x = TERMS["simplex"].prox(u, steps)
            for v, allowed in zip(x.tolist(), TERMS["simplex"].domain_error(x).tolist()):
                defect = sum(map(Fraction, v)) - Fraction(1.5)
                assert defect**2 / 5 <= Fraction(allowed) ** 2
                assert allowed <= 1e-13
            ball = TERMS["l2-ball"]
            x = ball.prox(u, steps)
            for v, allowed in zip(x.tolist(), ball.domain_error(x).tolist()):
                away = mpmath.norm([mpmath.mpf(a) - mpmath.mpf(c) for a, c in zip(v, ball.center[0].tolist())])
                assert away - mpmath.mpf(0.7) <= allowed <= 1e-13


def test_rounding_bound_of_the_group_norm_against_high_precision() -> None:
    with mpmath.workdps(50):
        for seed in range(50):
            rng = np.random.default_rng(seed)
            labels = rng.integers(0, 3, 8)
            lam, center = 10.0 ** rng.uniform(-3, 3), rng.standard_normal((1, 8))
            term = replace(l2o.group_l1(labels, lam), center=torch.as_tensor(center))
            x = 10.0 ** rng.uniform(-8, 8) * rng.standard_normal((1, 8))
            v = [mpmath.mpf(float(a)) - mpmath.mpf(float(c)) for a, c in zip(x[0], center[0])]
            truth = lam * sum(
                mpmath.norm([w for w, k in zip(v, term.groups.tolist()) if k == g] or [0]) for g in range(term.count)
            )
            value = mpmath.mpf(float(term.value(torch.as_tensor(x))))
            error = float(term.value_error(torch.as_tensor(x)))
            assert abs(value - truth) <= error <= 1e-13 * float(truth)


def test_single_groups_are_the_l1_norm() -> None:
    one, two = l2o.group_l1(np.arange(5), 0.4), l2o.l1(0.4)
    u, steps = normal(1), steps_for(l2o.simplex(), 1)
    torch.testing.assert_close(one.prox(u, steps), two.prox(u, steps), rtol=1e-15, atol=0)
    x = two.prox(u, 1.0)
    torch.testing.assert_close(one.value(x), two.value(x), rtol=1e-15, atol=0)
    for ours, theirs in zip(one.subdifferential(x), two.subdifferential(x)):
        assert torch.equal(ours, theirs)
    assert torch.equal(one.nearest_subgradient(x, u), two.nearest_subgradient(x, u))


def test_lengths_neither_overflow_nor_underflow() -> None:
    for size in (1e-200, 1e-160, 1e160, 1e200):
        u = torch.tensor([[3.0, 4.0, 0.0]], dtype=torch.float64) * size
        group = l2o.group_l1([0, 0, 1], 1.0)
        assert float(group.value(u)) == pytest.approx(5 * size)
        ball = l2o.l2_ball(size)
        torch.testing.assert_close(ball.prox(u, 1.0), u / 5, rtol=1e-14, atol=0)
        torch.testing.assert_close(l2o.group_l1([0, 0, 1], size).prox(u, 1.0), 0.8 * u, rtol=1e-14, atol=0)


@pytest.mark.parametrize("name", TERMS)
def test_selection_precision_and_fingerprint(name: str) -> None:
    p = l2o.Composite(l2o.least_squares(np.eye(5), np.ones((3, 5))), TERMS[name])
    u = normal(1)
    torch.testing.assert_close(p.select([2, 0]).prox(u[[2, 0]], 0.3), p.prox(u, 0.3)[[2, 0]])
    single = p.to(torch.float32)
    x = single.prox(u, 0.3)
    assert x.dtype == torch.float32
    assert bool(torch.isfinite(single.objective(x)).all())
    torch.testing.assert_close(x.double(), p.prox(u, 0.3), rtol=1e-5, atol=1e-5)
    assert p.fingerprint() == l2o.Composite(p.smooth, zoo.coupled_terms()[name]).fingerprint()
    others = {l2o.Composite(p.smooth, r).fingerprint() for r in TERMS.values()}
    assert len(others) == len(TERMS)


def test_one_variable_has_an_interval_of_slopes() -> None:
    point, ball = torch.tensor([[2.0]]).double(), l2o.l2_ball(2.0)
    assert [float(e) for e in ball.subdifferential(point)] == [0.0, np.inf]
    assert [float(e) for e in ball.subdifferential(-point)] == [-np.inf, 0.0]
    assert [float(e) for e in ball.subdifferential(0 * point)] == [0.0, 0.0]
    assert [float(e) for e in ball.subdifferential(2 * point)] == [np.inf, -np.inf]
    assert [float(e) for e in l2o.simplex(2.0).subdifferential(point)] == [-np.inf, np.inf]
    assert [float(e) for e in l2o.simplex(2.0).subdifferential(-point)] == [np.inf, -np.inf]
    assert float(l2o.simplex(2.0).values(point)) == 0.0


@pytest.mark.parametrize("method", ["ista", "fista"])
@pytest.mark.parametrize("name", TERMS)
def test_runs_end_where_a_subgradient_balances_the_gradient(name: str, method: str) -> None:
    p = l2o.Composite(zoo.smooth_terms()["least-squares"], TERMS[name])

    def away(x: torch.Tensor) -> float:
        gradient = p.smooth_gradient(x)
        return float((norm(gradient + p.nonsmooth.nearest_subgradient(x, -gradient)) / (1 + norm(gradient))).max())

    x = zoo.end_of(l2o.optimizer(method), p, zoo.start(p), 1500, lambda x: away(x) <= 1e-7)
    assert away(x) <= 1e-7


def test_iterates_of_any_code_get_the_subgradient_of_least_deviation() -> None:
    for name, term in TERMS.items():
        p = l2o.Composite(zoo.smooth_terms()["least-squares"], term)
        x0 = zoo.start(p)
        points = torch.stack([term.prox(x0 + 0.1 * k * normal(k), 0.5) for k in range(6)], dim=1)
        run = l2o.run_from_iterates(p, points)
        least = norm(run.deviation)
        for k in range(5):
            for seed in range(10):
                h = elements(term, points[:, k + 1], seed)
                total = run.smooth_gradient[:, k] + h
                other = norm(run.step[:, k] - total / p.smoothness[:, None])
                assert bool((least[:, k] <= other + 1e-12).all()), name


MEMBERS = l2o.Composite(l2o.least_squares(np.eye(5), np.ones((3, 5))), TERMS["group-l1"])
BAD = {
    "radius 0": (lambda: l2o.simplex(0.0), "radius: expected > 0"),
    "radius < 0": (lambda: l2o.l2_ball(-1.0), "radius: expected > 0"),
    "radius NaN": (lambda: l2o.simplex(np.nan), "radius.*NaN"),
    "center NaN": (lambda: l2o.l2_ball(1.0, [0.0, np.nan]), "center.*NaN"),
    "two batches": (lambda: l2o.l2_ball([1.0, 2.0], np.zeros((3, 4))), "batch sizes"),
    "empty group": (lambda: l2o.group_l1([[0, 1], []], 0.1), r"groups\[1\]: it is empty"),
    "no groups": (lambda: l2o.group_l1([], 0.1), "groups: it is empty"),
    "overlap": (lambda: l2o.group_l1([[0, 1], [1, 2]], 0.1), "variable 1 is in the groups 0 and 1"),
    "left out": (lambda: l2o.group_l1([[0, 1], [3]], 0.1), "index 3 in group 1"),
    "negative index": (lambda: l2o.group_l1([[0, -1], [2]], 0.1), "index -1"),
    "labels that are no integers": (lambda: l2o.group_l1([0.0, np.nan], 0.1), "expected integers"),
    "negative lam": (lambda: l2o.group_l1([0, 1], -0.1), "lam: expected >= 0"),
    "groups of another size": (
        lambda: l2o.Composite(l2o.least_squares(np.eye(4), np.ones(4)), l2o.group_l1([0, 0, 1], 0.1)),
        "4 variables, the nonsmooth one 3",
    ),
    "steps within a group": (
        lambda: MEMBERS.prox(np.ones((3, 5)), np.array([[1, 1, 1, 1, 2.0]] * 3)),
        "one step per group.*within group 2",
    ),
    "no box": (lambda: MEMBERS.subdifferential(np.ones((3, 5))), "not separable"),
    "no values": (lambda: l2o.simplex().values(torch.ones(3, 5).double()), "not separable"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_error(case: str) -> None:
    build, says = BAD[case]
    with pytest.raises(l2o.InputError, match=says) as caught:
        build()
    assert "\n" not in str(caught.value)
