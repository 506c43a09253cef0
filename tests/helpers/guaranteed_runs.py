"""Runs with what a guarantee is stated by: certificates, accelerated guards and steps, budgets, energies."""

from dataclasses import replace

import numpy as np

from l2obound import bounds
from tests.helpers import bound_runs as runs
from tests.helpers.special_runs import smooth

EPS = runs.EPS


def certified_runs(seed=0, batch=400):
    """Runs with random weights of a run certificate: lasso with any comparator, and r = 0 with a minimiser."""
    rng, out = np.random.default_rng(seed), []
    for steps in (1, 2, 5, 20):
        for optimal in (False, True):
            problem, z = smooth(rng, batch) if optimal else (runs.lasso(rng, batch), rng.standard_normal((batch, 5)))
            x0 = z + rng.standard_normal((batch, 5)) * 10.0 ** rng.uniform(-1, 1, (batch, 1))

            def error(k, x, s):
                return 0.3 * s * rng.standard_normal(x.shape)

            run = runs.inexact(problem, x0, steps, error, 1.0, z)
            out.append(_with_weights(replace(run, facts=run.facts | {"comparator_optimal": optimal}), problem, rng))
    return out


def _with_weights(run, problem, rng):
    """The quantities of a run certificate from weights on a grid of 2^-20, whose sums are exact."""
    x, z = run.x[:, 1:], run.comparator[:, None]
    counts = rng.multinomial(2**20, rng.dirichlet(np.full(x.shape[1], 0.7), len(x)))
    a = counts / 2.0**20
    left = np.concatenate([np.cumsum(a[:, ::-1], 1)[:, ::-1], np.zeros((len(x), 1))], 1)
    g = np.concatenate([run.gradient[:, 1:], run.end_gradient[:, None]], 1)
    lam = problem.lam[:, None]
    f = run.objective[:, 1:] - lam * np.abs(x).sum(-1)
    r = lam * np.abs(run.comparator).sum(-1, keepdims=True)
    rows = {
        "share": a,
        "left": left,
        "model": f + (g * (z - x)).sum(-1) + r,
        "model_0": f + (g * (run.x[:, :1] - x)).sum(-1),
        "mean_grad": np.linalg.norm(np.einsum("bk,bkn->bn", a, g), axis=-1),
    }
    reach = np.abs(x).sum(-1) + np.abs(run.x[:, :1]).sum(-1) + np.abs(z).sum(-1)
    off = np.concatenate([run.gradient_error[:, 1:], run.end_gradient_error[:, None]], 1)
    size = np.abs(f) + lam * np.abs(x).sum(-1) + r + np.abs(g).sum(-1) * reach
    slack = 64 * EPS * size + run.objective_error[:, 1:] + off * reach
    errors = {
        "model": slack,
        "model_0": slack,
        "mean_grad": (64 * EPS * np.abs(g).sum(-1) + off).sum(-1),
    }
    return runs.with_further(run.measure(), rows, errors)


def guarded_runs(seed=0, batch=120, wild=10.0):
    """Runs of a base that jumps at random, beside an accelerated guard that leaves out steps at random."""
    rng, out = np.random.default_rng(seed), []
    for steps in (1, 2, 5, 20):
        for _ in range(4):
            problem = runs.lasso(rng, batch, m=int(rng.choice([4, 8])))
            L, z = problem.L, rng.standard_normal((batch, 5))
            x = u = rng.standard_normal((batch, 5)) * 10.0 ** rng.uniform(-1, 1, (batch, 1))
            A, N, weights, counts, momenta, xs = np.zeros(batch), np.zeros(batch), [], [], [], [x]
            for k in range(steps):
                due = (rng.random(batch) < 0.6) | (k == 0)
                a = 0.5 * (1 + np.sqrt(1 + 4 * A))
                y = x + (u - x) / a[:, None]
                w = problem.prox(y - problem.gradient(y) / L[:, None], 1 / L)
                base = x + wild * rng.standard_normal((batch, 5)) * rng.choice([0.01, 0.1, 1.0], (batch, 1))
                for point, may in ((w, due), (base, np.ones(batch, bool))):
                    better = may & (problem.objective(point[:, None])[:, 0] < problem.objective(x[:, None])[:, 0])
                    x = np.where(better[:, None], point, x)
                u = np.where(due[:, None], u + a[:, None] * (w - y), u)
                A, N = np.where(due, a**2, A), N + due
                xs.append(x), weights.append(A), counts.append(N), momenta.append(np.where(due, a, 0.0))
            q = runs.arbitrary(problem, np.stack(xs, 1), 1.0, z, rng).measure()
            count, weight = (np.concatenate([np.zeros((batch, 1)), np.array(v).T], 1) for v in (counts, weights))
            momentum, size = np.array(momenta).T, np.abs(np.stack(xs, 1)).max((1, 2)) + np.abs(z).max(1)
            values = {"guard_count": count, "guard_weight": weight, "guard_momentum": momentum}
            floor = 64 * EPS * L[:, None] * (size[:, None] + problem.size(xs[0])[:, None]) ** 2 * (1 + weight[:, 1:])
            values |= {"guarded": np.diff(count, axis=1), "guard_floor": floor}
            out.append(
                runs.with_further(q, values, {"guard_weight": 64 * EPS * steps * weight}, accelerated_guard=True)
            )
    return out


def with_accelerated(run, **facts):
    """The quantities of a run on a quadratic f, and those against accelerated steps.

    Its gradient is affine, so that at y_k, on the line through x_{k-2} and x_{k-1}, it follows from those of the run.
    """
    ahead, steps = bounds.accelerated.look_ahead(run.x), run.x.shape[1] - 1
    a = bounds.accelerated.momenta(steps)[0]
    share = np.concatenate([[0.0], (a[1:-1] - 1) / a[2:]])[:, None]
    before = np.concatenate([run.gradient[:, :1], run.gradient[:, :-1]], 1)
    off = np.concatenate([run.gradient_error[:, :1], run.gradient_error[:, :-1]], 1)
    values, errors = bounds.accelerated.measure(
        ahead,
        gradient=run.gradient + share * (run.gradient - before),
        gradient_error=2 * run.gradient_error + off + 8 * EPS * (np.abs(run.gradient) + np.abs(before)).sum(-1),
        subgradient=run.subgradient,
        L=run.L,
        L_error=run.L_error,
        comparator=run.comparator,
    )
    return runs.with_further(run.measure(), values, errors, **facts)


def accelerated_runs(seed=0, batch=150):
    """FISTA with no, small and large deviations, towards a good point and any other."""
    rng, out = np.random.default_rng(seed), []
    for steps in (1, 2, 3, 10, 30):
        for size in (0.0, 1e-3, 1.0):
            problem = runs.lasso(rng, batch, m=int(rng.choice([4, 8])))
            x0, c = rng.standard_normal((batch, 5)), 1 / problem.L
            good = x0
            for _ in range(300):
                good = problem.prox(good - c[:, None] * problem.gradient(good), c)
            z = np.where(rng.random((batch, 1)) < 0.7, good, rng.standard_normal((batch, 5)))
            xs, gradients, subgradients, y, t = [x0], [], [], x0, 1.0
            for _ in range(steps):
                argument = y - c[:, None] * problem.gradient(y) - size * rng.standard_normal((batch, 5))
                x, after = problem.prox(argument, c), 0.5 * (1 + np.sqrt(1 + 4 * t**2))
                gradients.append(problem.gradient(xs[-1]))
                subgradients.append(problem.subgradient(x, (argument - x) / c[:, None]))
                y, t = x + (t - 1) / after * (x - xs[-1]), after
                xs.append(x)
            out.append(with_accelerated(runs.finish(problem, xs, gradients, subgradients, z, 1.0)))
    return out


def budgeted(q, rng):
    """A run with a budget that covers its deviations, or all but the last one."""
    spent = np.cumsum(q.values["enorm"] * rng.uniform(1, 1.1, q.values["enorm"].shape), axis=1)
    short = rng.random(q.batch) < 0.2
    left = (spent[:, -1] * rng.choice([1.0, 1.5], q.batch))[:, None] - np.concatenate([0 * spent[:, :1], spent], 1)
    left[:, -1] = np.where(short, left[:, -1] - 1.0, left[:, -1])
    return runs.with_further(q, {"budget": left, "x_floor": np.zeros((q.batch, q.steps))})


def momentum_runs(seed=0, batch=400):
    """Steps with momentum and heads in the momentum region, in its inside and on its border, on lasso."""
    rng, out = np.random.default_rng(seed), []
    for steps in (1, 2, 6):
        problem = runs.lasso(rng, batch, m=8)
        L, lam = problem.L[:, None], problem.lam[:, None]
        x, w = rng.standard_normal((batch, 5)), np.zeros((batch, 5))
        xs, Gs = [x], []
        for _ in range(steps):
            a = rng.choice([-1.0, -0.7, 0.0, 0.5, 0.99, 1.0], (batch, 5))
            least = a**2 / (2 - a**2)
            p = least + rng.choice([1e-3, 0.5, 1.0], (batch, 5)) * (1 - least)
            y = x - a * w  # w = x_{k-2} - x_{k-1}
            point = y - p / L * problem.gradient(y)
            new = np.sign(point) * np.maximum(np.abs(point) - p / L * lam, 0)
            Gs.append(problem.gradient(x) + (point - new) * L / p)
            x, w = new, x - new
            xs.append(x)
        X, D = np.stack(xs, 1), -np.diff(np.stack(xs, 1), axis=1)
        F = np.stack([problem.objective(one[:, None])[:, 0] for one in xs], 1)
        off = np.stack([problem.objective_error(one) for one in xs], 1)
        motion = np.concatenate([np.zeros((batch, 1)), L / 2 * (D**2).sum(-1)], 1)
        values = {
            **{"L": problem.L, "F": F, "motion": motion, "G2": (np.stack(Gs, 1) ** 2).sum(-1), "D2": (D**2).sum(-1)},
            "x_floor": 64 * EPS * (1 + np.abs(X[:, 1:]).max(-1) + np.abs(X[:, :-1]).max(-1)),
        }
        facts = {"f_smooth": True, "f_convex": True, "r_convex": True, "momentum_region": True}
        out.append(bounds.Quantities(values, {"F": off, "motion": 64 * EPS * motion}, facts, steps, batch))
    return out


def energy_runs(seed=0, batch=400):
    """Steps with heads in the energy region, on lasso and, with r = 0, on quadratics that are not convex."""
    rng, out = np.random.default_rng(seed), []
    for steps in (1, 4):
        for a in (0.3, 1.0, 3.0):
            problem = runs.lasso(rng, batch, m=8)
            bent = rng.random(batch) < 0.5
            L = problem.L[:, None]
            lam = np.where(bent, 0.0, problem.lam)[:, None]
            sign = np.where(bent, -1.0, 1.0)[:, None]  # -||Ax - y||^2/2 is L-smooth as well

            def gradient(x, problem=problem, sign=sign):
                return sign * problem.gradient(x)

            x, v = rng.standard_normal((batch, 5)), np.zeros((batch, 5))
            xs, vs, gs, ss = [x], [v], [], []
            for _ in range(steps):
                b = rng.choice([0.0, 0.3, 0.9], (batch, 5))
                r = rng.uniform(0.05, 1, (batch, 5)) / (0.5 + a / 2 * (1 - b) ** 2)
                c1, c2 = 1 / r - 0.5 - a / 2 * (1 - b) ** 2, a / 2 * (1 - b**2)
                q = r * (rng.choice([-0.999, 0.5, 0.999], (batch, 5)) * 2 * np.sqrt(np.abs(c1 * c2)) - a * b * (1 - b))
                g, p = gradient(x), r / L
                point = x - p * g - q * v
                new = np.sign(point) * np.maximum(np.abs(point) - p * lam, 0)
                gs.append(g), ss.append((point - new) / p)
                v, x = (1 - b) * (x - new) + b * v, new
                xs.append(x), vs.append(v)
            X, V = np.stack(xs, 1), np.stack(vs, 1)
            residual = np.einsum("bmn,bkn->bkm", problem.A, X) - problem.y[:, None]
            F = sign * 0.5 * (residual**2).sum(-1) + lam * np.abs(X).sum(-1)
            off = np.stack([problem.objective_error(point) for point in xs], 1)
            energy = a / 2 * L * (V**2).sum(-1)
            values = {
                **{"L": problem.L, "h": np.ones(batch), "F": F, "energy": energy},
                **{"G2": ((np.stack(gs, 1) + np.stack(ss, 1)) ** 2).sum(-1), "D2": (np.diff(X, axis=1) ** 2).sum(-1)},
                "x_floor": 64 * EPS * (1 + np.abs(X[:, 1:]).max(-1) + np.abs(X[:, :-1]).max(-1)),
            }
            facts = {"f_smooth": True, "r_convex": True, "energy_region": True}
            out.append(bounds.Quantities(values, {"F": off, "energy": 64 * EPS * energy}, facts, steps, batch))
    return out
