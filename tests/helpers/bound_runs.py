"""A small lasso runner with arbitrary deviations and tight instances, in plain NumPy: test material."""

from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np

from l2obound import bounds

EPS = 2.0**-52
ALL_FACTS = {"f_convex": True, "f_smooth": True, "r_convex": True, "strongly_convex": True, "polyak_lojasiewicz": True}


@dataclass(frozen=True)
class Runs:
    """Arrays of a batch of runs, as `bounds.measure` takes them."""

    x: np.ndarray
    gradient: np.ndarray
    subgradient: np.ndarray
    objective: np.ndarray
    L: np.ndarray
    comparator: np.ndarray
    comparator_objective: np.ndarray
    comparator_residual: np.ndarray
    objective_error: np.ndarray
    gradient_error: np.ndarray
    comparator_objective_error: np.ndarray
    L_error: np.ndarray
    reference_step: np.ndarray
    preconditioner: np.ndarray | None = None
    end_gradient: np.ndarray | None = None
    end_gradient_error: np.ndarray | None = None
    comparator_gradient: np.ndarray | None = None
    comparator_gradient_error: np.ndarray | None = None
    strong_convexity: np.ndarray | None = None
    objective_lower: np.ndarray | None = None
    mean_objective: np.ndarray | None = None
    mean_objective_error: np.ndarray | None = None
    facts: dict | None = None

    def measure(self, **changes):
        return bounds.measure(**vars(replace(self, **changes)))


@dataclass(frozen=True)
class Lasso:
    """1/2||A x - y||^2 + lam||x||_1 for a batch; lam = 0 makes it smooth."""

    A: np.ndarray
    y: np.ndarray
    lam: np.ndarray

    @cached_property
    def L(self):
        return np.linalg.norm(self.A, 2, axis=(1, 2)) ** 2 * (1 + 1e-12)

    def objective(self, x):
        residual = np.einsum("bmn,b...n->b...m", self.A, x) - self.y.reshape(len(x), *(1,) * (x.ndim - 2), -1)
        lam = self.lam.reshape(-1, *(1,) * (x.ndim - 2))
        return 0.5 * (residual**2).sum(-1) + lam * np.abs(x).sum(-1)

    def gradient(self, x):
        return np.einsum("bmn,bm->bn", self.A, np.einsum("bmn,bn->bm", self.A, x) - self.y)

    def prox(self, u, step):
        threshold = (step * self.lam)[:, None]
        return np.sign(u) * np.maximum(np.abs(u) - threshold, 0)

    def subgradient(self, x, wish):
        lam = self.lam[:, None]
        return np.where(x != 0, lam * np.sign(x), np.clip(wish, -lam, lam))

    @cached_property
    def strong_convexity(self):
        """At most lambda_min(A'A): the eigenvalue less more than its rounding."""
        values = np.linalg.eigvalsh(np.einsum("bmi,bmj->bij", self.A, self.A))
        return np.maximum(values[:, 0] - 1e-12 * values[:, -1], 0)

    @cached_property
    def objective_lower(self):
        """At most inf F: the dual value at a scaled residual of a nearly optimal point, less its rounding."""
        x, c = np.einsum("bnm,bm->bn", np.linalg.pinv(self.A), self.y), 1 / self.L
        for _ in range(200 if self.lam.any() else 0):
            x = self.prox(x - c[:, None] * self.gradient(x), c)
        residual = np.einsum("bmn,bn->bm", self.A, x) - self.y
        slope = np.abs(np.einsum("bmn,bm->bn", self.A, residual)).max(-1)
        share = np.where(self.lam > 0, np.minimum(1, self.lam / np.maximum(slope, 1e-300)), 1)
        dual = -share * (residual * self.y).sum(-1) - 0.5 * share**2 * (residual**2).sum(-1)
        # where lam = 0 the residual is orthogonal to the range of A and this is 1/2||residual||^2
        return dual - 1e-9 * self.size(x) ** 2

    def size(self, x):
        return np.linalg.norm(self.A, axis=(1, 2)) * np.linalg.norm(x, axis=-1) + np.linalg.norm(self.y, axis=-1)

    def objective_error(self, x):
        m, n = self.A.shape[1:]
        return 4 * (m + n + 4) * EPS * (self.size(x) ** 2 + self.lam * np.abs(x).sum(-1))

    def gradient_error(self, x):
        m, n = self.A.shape[1:]
        return 4 * (m + n + 4) * EPS * np.linalg.norm(self.A, axis=(1, 2)) * self.size(x)


def lasso(rng, batch, n=5, m=4, smooth_share=0.3):
    """With m < n no instance is strongly convex."""
    A = rng.standard_normal((batch, m, n)) * 10.0 ** rng.uniform(-1, 1, (batch, 1, 1))
    y = rng.standard_normal((batch, m))
    lam = np.where(rng.random(batch) < smooth_share, 0.0, 10.0 ** rng.uniform(-2, 0.5, batch))
    return Lasso(A, y, lam)


def finish(problem, xs, gradients, subgradients, z, h):
    x = np.stack(xs, 1)
    batch = len(x)
    h = np.broadcast_to(np.asarray(h, float), (batch,))
    L = problem.L
    fixed = problem.prox(z - (h / L)[:, None] * problem.gradient(z), h / L)
    return Runs(
        x=x,
        gradient=np.stack(gradients, 1),
        subgradient=np.stack(subgradients, 1),
        objective=problem.objective(x),
        L=L,
        comparator=z,
        comparator_objective=problem.objective(z[:, None])[:, 0],
        comparator_residual=np.linalg.norm(fixed - z, axis=-1) + 1e-12,
        objective_error=np.stack([problem.objective_error(a) for a in xs], 1),
        gradient_error=np.stack([problem.gradient_error(a) for a in xs[:-1]], 1),
        comparator_objective_error=problem.objective_error(z),
        L_error=np.zeros(batch),
        reference_step=h,
        end_gradient=problem.gradient(xs[-1]),
        end_gradient_error=problem.gradient_error(xs[-1]),
        comparator_gradient=problem.gradient(z),
        comparator_gradient_error=problem.gradient_error(z),
        strong_convexity=problem.strong_convexity,
        objective_lower=problem.objective_lower,
        mean_objective=problem.objective(x[:, 1:].mean(1)[:, None])[:, 0],
        mean_objective_error=problem.objective_error(np.abs(x[:, 1:]).mean(1)),
        facts=ALL_FACTS | ({} if problem.lam.any() else {"r_zero": True}),
    )


def inexact(problem, x0, steps, error, h=1.0, z=None):
    """x_k = prox(x_{k-1} - (h/L) grad - e_k), e_k = error(k, x_{k-1}, step)."""
    c = h / problem.L
    xs, gradients, subgradients = [x0], [], []
    for step in range(1, steps + 1):
        gradient = problem.gradient(xs[-1])
        u = xs[-1] - c[:, None] * gradient - error(step, xs[-1], c[:, None] * gradient)
        xs.append(problem.prox(u, c))
        gradients.append(gradient)
        subgradients.append(problem.subgradient(xs[-1], (u - xs[-1]) / c[:, None]))
    return finish(problem, xs, gradients, subgradients, xs[-1] if z is None else z, h)


def arbitrary(problem, x, h, z, rng):
    """Any iterates at all are a run, with some deviation: x (B, K+1, n)."""
    xs = [x[:, i] for i in range(x.shape[1])]
    wishes = problem.lam[:, None, None] * rng.uniform(-1, 1, x.shape)
    return finish(
        problem,
        xs,
        [problem.gradient(a) for a in xs[:-1]],
        [problem.subgradient(a, wishes[:, i]) for i, a in enumerate(xs) if i],
        z,
        h,
    )


@cache
def battery(seed=0, batch=90, longest=1.0):
    """Runs of many kinds: random, relative, huge and structured deviations, random comparators and h."""
    rng = np.random.default_rng(seed)
    out = []
    for steps in (1, 2, 3, 7, 20):
        for kind in ("random", "relative", "huge", "exact", "path", "zigzag", "stay"):
            problem = lasso(rng, batch, m=4 if steps in (1, 7) else 8)
            n = problem.A.shape[2]
            x0 = rng.standard_normal((batch, n)) * 10.0 ** rng.uniform(-1, 1, (batch, 1))
            good = x0
            for _ in range(300):
                c = 1 / problem.L
                good = problem.prox(good - c[:, None] * problem.gradient(good), c)
            z = np.where(rng.random((batch, 1)) < 0.5, good, rng.standard_normal((batch, n)))
            h = np.where(rng.random(batch) < 0.5, longest, rng.uniform(0.1, longest, batch))
            scale = 10.0 ** rng.uniform(-4, 1, (batch, 1)) * (1e4 if kind == "huge" else 1)
            if kind in ("random", "huge"):
                runs = inexact(
                    problem,
                    x0,
                    steps,
                    lambda k, x, s, scale=scale: scale * rng.standard_normal(x.shape),
                    h,
                    z,
                )
            elif kind == "relative":
                share = rng.uniform(0, 1.5, (batch, 1))
                runs = inexact(
                    problem,
                    x0,
                    steps,
                    lambda k, x, s, share=share: share * s * rng.choice([-1, 1], x.shape),
                    h,
                    z,
                )
            elif kind == "exact":
                runs = inexact(problem, x0, steps, lambda k, x, s: np.zeros_like(x), h, z)
            else:
                t = np.arange(steps + 1)[None, :, None] / (steps + 1)
                x = (1 - t) * x0[:, None] + t * z[:, None]
                if kind == "zigzag":
                    x = x + scale[:, None] * (-1.0) ** np.arange(steps + 1)[None, :, None]
                if kind == "stay":
                    x = np.repeat(x0[:, None], steps + 1, 1)
                runs = arbitrary(problem, x, h, z, rng)
            out.append(runs)
    return out


def line(x, slope=0.0, curvature=0.0, L=1.0, r_slope=0.0, z=0.0, h=1.0, floor=None, offset=0.0):
    """A run in one variable on slope x + curvature x^2/2 + r_slope |x| + offset, iterates x >= 0, as exact numbers.

    `floor` is inf F, where it is wanted; mu is the curvature where that is positive.
    """
    x = np.asarray(x, float)

    def objective(t):
        return slope * t + curvature * t**2 / 2 + r_slope * np.abs(t) + offset

    fixed = z - h / L * (slope + curvature * z)
    fixed = np.sign(fixed) * max(abs(fixed) - h / L * r_slope, 0)
    K = len(x) - 1
    zero = np.zeros(1)
    gradient = slope + curvature * x
    return Runs(
        x=x[None, :, None],
        gradient=gradient[None, :-1, None],
        subgradient=np.full((1, K, 1), float(r_slope)),
        objective=objective(x)[None],
        L=np.array([L]),
        comparator=np.array([[z]]),
        comparator_objective=np.array([objective(z)]),
        comparator_residual=np.array([abs(fixed - z)]),
        objective_error=np.zeros((1, K + 1)),
        gradient_error=np.zeros((1, K)),
        comparator_objective_error=zero,
        L_error=zero,
        reference_step=np.array([h]),
        end_gradient=gradient[None, -1:],
        comparator_gradient=np.array([[slope + curvature * z]]),
        strong_convexity=np.array([max(curvature, 0.0)]),
        objective_lower=np.array([-np.inf if floor is None else floor]),
        mean_objective=objective(x[1:].mean(keepdims=True)),
        facts=ALL_FACTS | {"f_convex": curvature >= 0, "strongly_convex": curvature >= 0, "r_zero": r_slope == 0},
    )


def huber(x, slope, L=1.0, h=1.0):
    """A run on the L-smooth function that is slope |x| - slope^2/(2L) beyond slope/L, where all x are; z = 0."""
    run = line(x, slope=slope, L=L, h=h, offset=-(slope**2) / (2 * L), floor=0.0)
    zero = np.zeros(1)
    facts = run.facts | {"comparator_optimal": True}
    return replace(
        run,
        comparator_objective=zero,
        comparator_residual=zero,
        comparator_gradient=np.zeros((1, 1)),
        strong_convexity=zero,
        facts=facts,
    )


def with_further(quantities, values, errors=None, **facts):
    """With further quantities and facts."""
    q = quantities
    return bounds.Quantities(
        {**q.values, **values}, {**q.errors, **(errors or {})}, {**q.facts, **facts}, q.steps, q.batch
    )


def holds(bound, quantities):
    """Where every hypothesis of the bound holds, and whether the inequality is broken beyond rounding."""
    e = bound.evaluate(quantities)
    ok = np.ones(e.lhs.shape, bool)
    for check in bound.check(quantities):
        part = check.holds
        if bound.level == "run" and part.ndim == 2:
            part = part.all(1)
        ok &= part[:, None] if part.ndim < ok.ndim else part
    return ok, e.lhs - e.lhs_error > e.rhs + e.rhs_error + e.slop
