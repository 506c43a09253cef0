"""Runs for the hypotheses that random lasso runs do not meet, and quantities that are given, not measured."""

from dataclasses import replace

import numpy as np

from l2obound import bounds
from l2obound.bounds import virtual
from l2obound.bounds.statements import out_of_distribution
from tests.helpers import bound_runs as runs

EPS = runs.EPS


def smooth(rng, batch, m=8):
    """Least squares of whole numbers, r = 0, with a minimiser known exactly: F(z) = 0."""
    A = rng.integers(-3, 4, (batch, m, 5)).astype(float)
    A[:, 0, 0] += 4.0
    z = rng.integers(-4, 5, (batch, 5)).astype(float)
    return runs.Lasso(A, np.einsum("bmn,bn->bm", A, z), np.zeros(batch)), z


def smooth_runs(seed=0, batch=150):
    """Exact steps 1/L, 1/(2L) and others, and relative deviations below and above the step, towards a minimiser."""
    rng, out = np.random.default_rng(seed), []
    for steps in (1, 2, 5, 20):
        for kind in ("exact", "below", "above"):
            for h in (1.0, 0.5, rng.uniform(0.1, 1, batch)):
                problem, z = smooth(rng, batch, m=int(rng.choice([4, 8])))
                share = {"exact": 0.0, "below": 0.9, "above": 2.0}[kind] * rng.random((batch, 1))
                x0 = z + rng.standard_normal((batch, 5)) * 10.0 ** rng.uniform(-1, 1, (batch, 1))

                def error(k, x, s, share=share):
                    return share * s * rng.choice([-1, 1], x.shape)

                run = runs.inexact(problem, x0, steps, error, h, z)
                out.append(replace(run, facts=run.facts | {"comparator_optimal": True}))
    return out


def exact_runs(seed=0, batch=250, smooth_share=0.3):
    """Exact composite steps 1/L and 1/(2L), any comparator."""
    rng, out = np.random.default_rng(seed), []
    for steps in (1, 2, 5, 30):
        for h in (1.0, 0.5):
            for _ in range(2):
                x0, z = rng.standard_normal((2, batch, 5))
                problem = runs.lasso(rng, batch, smooth_share=smooth_share)
                out.append(runs.inexact(problem, x0, steps, lambda k, x, s: np.zeros_like(x), h, z))
    return out


def below_runs(seed=0, batch=300):
    """Composite runs whose relative deviation stays below the step: e = -share (h/L) G along an exact prox."""
    rng, out = np.random.default_rng(seed), []
    for steps in (1, 2, 5, 20):
        for _ in range(2):
            problem = runs.lasso(rng, batch, m=8)
            x0, z = rng.standard_normal((2, batch, 5))
            share = rng.uniform(0, 0.9, batch)
            # an exact step (1 - share) h/L is one of h/L with e = -share (h/L) G
            h = rng.choice([1.0, 0.6], batch)
            run = runs.inexact(problem, x0, steps, lambda k, x, s: np.zeros_like(x), h * (1 - share), z)
            fixed = problem.prox(z - (h / problem.L)[:, None] * problem.gradient(z), h / problem.L)
            tau = np.linalg.norm(fixed - z, axis=-1) + 1e-12
            out.append(replace(run, reference_step=h, comparator_residual=tau))
    return out


def boxed_runs(seed=0, batch=300, width=1.0):
    """Projected inexact steps on a box, f an indefinite or a convex quadratic, z any point of the box."""
    rng, out = np.random.default_rng(seed), []
    for steps in (1, 3, 10):
        for convex in (False, True):
            A = rng.standard_normal((batch, 5, 5))
            Q = np.einsum("bij,bkj->bik", A, A) if convex else A + A.transpose(0, 2, 1)
            b, h = rng.standard_normal((batch, 5)), rng.uniform(0.2, 1, batch)
            L = np.abs(np.linalg.eigvalsh(Q)).max(-1) * (1 + 1e-12)
            c, scale = (h / L)[:, None], 10.0 ** rng.uniform(-4, 0, (batch, 1))

            def gradient(x, Q=Q, b=b):
                return np.einsum("bij,b...j->b...i", Q, x) - (b if x.ndim == 2 else b[:, None])

            def objective(x, Q=Q, b=b):
                return 0.5 * np.einsum("bki,bij,bkj->bk", x, Q, x) - np.einsum("bi,bki->bk", b, x)

            x, s = [rng.uniform(-width, width, (batch, 5))], []
            for _ in range(steps):
                u = x[-1] - c * gradient(x[-1]) - scale * rng.standard_normal((batch, 5))
                x.append(np.clip(u, -width, width))
                s.append((u - x[-1]) / c)
            x, z = np.stack(x, 1), rng.uniform(-width, width, (batch, 5))
            size = 5 * width * np.abs(Q).sum((1, 2)) + np.abs(b).sum(-1)  # bounds every partial sum
            least = np.linalg.eigvalsh(Q)[:, 0]
            low = np.minimum(least, 0) * 2.5 * width**2 - np.abs(b).sum(-1) * width - 1e-9 * size
            at_z, tau = gradient(z), np.clip(z - c * gradient(z), -width, width) - z
            out.append(
                runs.Runs(
                    x=x,
                    gradient=gradient(x[:, :-1]),
                    subgradient=np.stack(s, 1),
                    objective=objective(x),
                    L=L,
                    comparator=z,
                    comparator_objective=objective(z[:, None])[:, 0],
                    comparator_residual=np.linalg.norm(tau, axis=-1) + 1e-12,
                    objective_error=np.repeat(64 * EPS * size[:, None], steps + 1, 1),
                    gradient_error=np.repeat(64 * EPS * size[:, None], steps, 1),
                    comparator_objective_error=64 * EPS * size,
                    L_error=np.zeros(batch),
                    reference_step=h,
                    end_gradient=gradient(x[:, -1]),
                    end_gradient_error=64 * EPS * size,
                    comparator_gradient=at_z,
                    comparator_gradient_error=64 * EPS * size,
                    strong_convexity=np.maximum(least * (1 - 1e-9) - 1e-12 * L, 0),
                    objective_lower=low,
                    mean_objective=objective(x[:, 1:].mean(1, keepdims=True))[:, 0],
                    mean_objective_error=64 * EPS * size,
                    facts={"f_smooth": True, "r_convex": True, "r_indicator": True}
                    | dict.fromkeys(("f_convex", "strongly_convex"), convex),
                )
            )
    return out


def nonconvex_runs(seed=0, batch=500):
    """Exact steps 1/L on f = sum c_i log(1 + x_i^2), which is not convex: inf f = 0, L = 2 max c_i; r = 0."""
    rng, out = np.random.default_rng(seed), []
    for steps in (1, 2, 5, 20):
        c = rng.uniform(0.1, 3, (batch, 1, 5))
        L = 2 * c.max((1, 2))
        x = [rng.standard_normal((batch, 5)) * 10.0 ** rng.uniform(-1, 1, (batch, 1))]

        def gradient(x, c=c):
            return 2 * (c if x.ndim == 3 else c[:, 0]) * x / (1 + x**2)

        for _ in range(steps):
            x.append(x[-1] - gradient(x[-1]) / L[:, None])
        x = np.stack(x, 1)
        objective, off = (c * np.log1p(x**2)).sum(-1), 64 * EPS * np.abs(gradient(x)).sum(-1)
        zero = np.zeros(batch)
        out.append(
            runs.Runs(
                x=x,
                gradient=gradient(x)[:, :-1],
                subgradient=np.zeros((batch, steps, 5)),
                objective=objective,
                L=L,
                comparator=np.zeros((batch, 5)),
                comparator_objective=zero,
                comparator_residual=zero,
                objective_error=64 * EPS * objective,
                gradient_error=off[:, :-1],
                comparator_objective_error=zero,
                L_error=zero,
                reference_step=np.ones(batch),
                end_gradient=gradient(x)[:, -1],
                end_gradient_error=off[:, -1],
                objective_lower=zero,
                facts={"f_smooth": True, "r_convex": True, "r_zero": True},
            )
        )
    return out


def diagonal_runs(rng, batch, steps, bias=0.0):
    """Diagonally preconditioned steps, 0 < p < 2/L, r = 0."""
    problem = runs.lasso(rng, batch, smooth_share=1.0)
    x = [rng.standard_normal((batch, 5))]
    p = rng.uniform(0.01, 2, (batch, steps, 5)) / problem.L[:, None, None]
    for i in range(steps):
        x.append(x[-1] - p[:, i] * problem.gradient(x[-1]) - bias)
    made = runs.finish(problem, x, [problem.gradient(a) for a in x[:-1]], [np.zeros_like(a) for a in x[1:]], x[-1], 1.0)
    return replace(made, preconditioner=p)


def inexact_prox_runs(seed=0, batch=300):
    """g_k any vector with entries in [-lam, lam]: an epsilon-subgradient with epsilon = lam ||x_k||_1 - <g_k, x_k>."""
    rng, out = np.random.default_rng(seed), []
    for steps in (1, 2, 5, 20):
        for kind in ("walk", "path"):
            problem = runs.lasso(rng, batch, smooth_share=0.0)
            x0, z = rng.standard_normal((2, batch, 1, 5))
            t = np.arange(steps + 1)[None, :, None] / (steps + 1)
            x = rng.standard_normal((batch, steps + 1, 5)) if kind == "walk" else (1 - t) * x0 + t * z
            run = runs.arbitrary(problem, x, rng.uniform(0.2, 1, batch), z[:, 0], rng)
            lam = problem.lam[:, None, None]
            g = lam * rng.uniform(-1, 1, (batch, steps, 5))
            later = x[:, 1:]
            eps, size = (lam * np.abs(later) - g * later).sum(-1), (lam * np.abs(later)).sum(-1)
            # r is convex and g no exact subgradient: no bound but this one may rely on it
            q = replace(run, subgradient=g, facts=run.facts).measure()
            out.append(runs.with_further(q, {"eps": eps}, {"eps": 32 * EPS * size}))
    return out


def with_given(run, seed=0):
    """The quantities of a run and everything that is given: virtual steps, weights, steps of its own, eps = 0."""
    rng = np.random.default_rng(seed)
    batch, points, n = run.x.shape
    steps = points - 1
    unit = 1 / run.L[:, None, None]
    if run.preconditioner is None:
        run = replace(run, preconditioner=rng.uniform(0.05, 2, (batch, steps, n)) * unit)
    q = run.measure()
    D, G = run.x[:, :-1] - run.x[:, 1:], run.gradient + run.subgradient
    near = rng.uniform(0, 0.3, (batch, steps, 1))
    dz = rng.uniform(0.1, 2, (batch, steps))
    values, errors = virtual.magnitudes(
        p=run.preconditioner + near * unit * rng.standard_normal(G.shape),
        b=near * rng.standard_normal(G.shape),
        p_ood=run.preconditioner,
        step_ood=D,
        G_ood=G,
        L_ood=run.L,
        dz=dz,
        reference_step=run.reference_step,
        G_error=run.gradient_error,
        L_error=run.L_error,
    )
    own = np.where(rng.random((batch, 1)) < 0.3, 1.0, rng.uniform(0.05, 1, (batch, steps)))
    c, far = own / run.L[:, None], np.linalg.norm(run.x[:, 1:] - run.comparator[:, None], axis=-1)
    apart = run.x[:, 1:] - run.comparator[:, None]
    values["ex_own"] = ((D - c[..., None] * G) * apart).sum(-1)
    reach = np.linalg.norm(run.x[:, 1:], axis=-1) + np.linalg.norm(run.comparator, axis=-1)[:, None]
    before = np.linalg.norm(run.x[:, :-1], axis=-1)
    parts = reach + before + c * (np.linalg.norm(run.gradient, axis=-1) + np.linalg.norm(run.subgradient, axis=-1))
    errors["ex_own"] = 64 * n * EPS * parts * (reach + far) + 2 * c * run.gradient_error * far
    weight = np.where(rng.random((batch, 1)) < 0.3, 1.0, 1 + np.cumsum(rng.uniform(0, 0.3 / steps, (batch, steps)), 1))
    values |= {"step_h": own, "weight": weight, "pot": out_of_distribution.weight_potentials(weight)}
    values["eps"] = np.zeros((batch, steps))
    return runs.with_further(q, values, errors, heads_lipschitz=True)


def heads(x, gradient, L):
    """p = 1/(2L) and b = half a step of its own: they transform along with the problem."""
    return 0.5 / L, 0.3 * gradient / L


def transformed(kind, seed=0, batch=200, steps=10, heads=heads):
    """A run of a model, the run on the transformed problem from the transformed start, mapped back: their defect.

    Scaling and rescaling by powers of 2 are exact in float64; the translation rounds.
    """
    rng = np.random.default_rng(seed)
    problem, _ = smooth(rng, batch)
    x0, L = rng.standard_normal((batch, 5)), problem.L[:, None]
    t = rng.standard_normal((batch, 5))
    moved, back, factor, start = {
        "translation": (
            replace(problem, y=problem.y - np.einsum("bmn,bn->bm", problem.A, t)),
            lambda x: x + t,
            1.0,
            x0 - t,
        ),
        "scaling": (replace(problem, A=4 * problem.A, y=4 * problem.y), lambda x: x, 16.0, x0),
        "rescaling": (replace(problem, A=problem.A / 4), lambda x: x / 4, 1 / 16, 4 * x0),
    }[kind]

    def made(problem, x, L):
        out = [x]
        for _ in range(steps):
            g = problem.gradient(out[-1])
            p, b = heads(out[-1], g, L)
            out.append(out[-1] - p * g - b)
        return np.stack(out, 1)

    one, two = made(problem, x0, L), made(moved, start, L * factor)
    defect = np.linalg.norm(np.stack([back(x) for x in two.transpose(1, 0, 2)], 1) - one, axis=-1)[:, 1:]
    size = np.linalg.norm(one, axis=-1).max(1) + np.linalg.norm(t, axis=-1) + problem.size(x0) / np.sqrt(problem.L)
    # steps of a map that does not expand: errors add up
    floor = np.repeat(200 * steps * EPS * size[:, None], steps, 1) if kind == "translation" else np.zeros_like(defect)
    values = {"defect": defect, "defect_floor": floor}
    return bounds.Quantities(values, {}, {"equivariant_heads": True}, steps, batch)


def frozen_modes(seed=0, batch=20000):
    """Modes of the history recurrence, stable and not."""
    rng = np.random.default_rng(seed)
    r, q, b = rng.uniform(1e-3, 3, batch), rng.uniform(-1, 3, batch), rng.uniform(0, 1.1, batch)
    mode = bounds.history.frozen_mode(r, q, b)
    values = {"history_r": r, "history_q": q, "history_b": b, "history_radius": mode.radius}
    return bounds.Quantities(values, {}, {}, 1, batch)


def preconditioned_runs(seed=0, batch=150):
    """Composite steps with a diagonal preconditioner of at most 1/L, fixed, growing or any, with and without a bias."""
    rng, out = np.random.default_rng(seed), []
    for steps in (1, 2, 5, 20):
        for kind in ("fixed", "growing", "any"):
            problem = runs.lasso(rng, batch, m=8)
            x, z = rng.standard_normal((2, batch, 5))
            x, s, gradients = [x], [], []
            shares = rng.uniform(0.3, 1, (batch, 1 if kind == "fixed" else steps, 5))
            shares = np.sort(shares, 1) if kind == "growing" else shares
            p = np.broadcast_to(shares, (batch, steps, 5)) / problem.L[:, None, None]
            scale = rng.choice([0.0, 0.1], (batch, 1))
            for i in range(steps):
                gradients.append(problem.gradient(x[-1]))
                u = x[-1] - p[:, i] * gradients[-1] - scale * rng.standard_normal((batch, 5))
                threshold = p[:, i] * problem.lam[:, None]
                x.append(np.sign(u) * np.maximum(np.abs(u) - threshold, 0))
                s.append(problem.subgradient(x[-1], (u - x[-1]) / p[:, i]))
            out.append(replace(runs.finish(problem, x, gradients, s, z, 1.0), preconditioner=p))
    return out
