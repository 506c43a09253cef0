"""The worst-case instance as plain arrays, in the units of the question."""

from __future__ import annotations

import numpy as np

from ._conic import points
from ._fractions import double, root_above
from ._model import STAR, Model

TILT = 1e4
"""T of `Setting.indicator`: what an indicator's instance differs by goes with 1/T^2, and rounding with T."""


def arrays(model: Model, basis: np.ndarray, values: np.ndarray) -> dict[str, np.ndarray]:
    """Points, gradients and values that f and r interpolate, the iterates, and the method's own numbers.

    Keys: function_class, method, metric, initial, L, mu; smooth_x (P, n), smooth_g, smooth_f (P,); nonsmooth_x (Q, n),
    nonsmooth_s, nonsmooth_r, indicator; x0 (n,), x (K+1, n), step (K,) as h_k (gamma_k for proximal_point); momentum
    (K,) or (K, 2); error (K, n) = u_k where the method is not exact. The last point of f and of r is x* = 0 unless the
    infimum is not attained.
    The points of r leave out x_0 unless r is an indicator: it has no subgradient there here.
    """
    s = model.setting
    L, c = double(s.curvature), double(root_above(s.level))  # f(x) = L c^2 f1(x/c) of the normalised f1
    into = model.embeddings
    named = dict(zip(model.value_names, values))
    out: dict[str, np.ndarray] = {
        "function_class": np.array(s.function_class),
        "method": np.array(s.method),
        "metric": np.array(s.metric),
        "initial": np.array(s.initial),
        "L": np.array(float(s.L)),
        "mu": np.array(float(s.mu)),
        "step": np.array([float(h) for h in s.step]),
        "x": c * np.array([p.x.dot(into[p.clique]) @ basis for p in model.iterates]),
    }
    if s.momentum is not None:
        out["momentum"] = np.array([[float(v) for v in m] if isinstance(m, tuple) else float(m) for m in s.momentum])
    for kind, given, word, slope, level_name in (
        ("f", model.f_points, "smooth", "g", "f"),
        ("r", model.r_points, "nonsmooth", "s", "r"),
    ):
        if given:
            labels, x, g = points(model, kind)
            # a hull needs x_0 where it has to lie in it, and no normal vector there
            pieces = [i for i, label in enumerate(labels) if s.indicator or (kind, label) not in model.tops]
            labels, x, g = [labels[i] for i in pieces], x[pieces], g[pieces]
            out[f"{word}_x"] = c * (x @ basis)
            out[f"{word}_{slope}"] = L * c * (g @ basis)
            at = [0.0 if label == STAR else named[kind + label] for label in labels]
            out[f"{word}_{level_name}"] = L * c * c * np.array(at)
    if s.relative is not None or s.absolute is not None:
        u = np.zeros((s.steps, basis.shape[1]))
        for p in model.errors:
            u[int(p.label) - 1] = L * c * (p.x.dot(into[p.clique]) @ basis)
        out["error"] = u
    if "nonsmooth_x" in out:
        out["indicator"] = np.array(s.indicator)
        if s.indicator:
            out = _indicator(model, out)
    out["x0"] = out["x"][0].copy()
    return out


def _indicator(model: Model, out: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same instance with an indicator: one coordinate more holds r/T, and r loses T times it.

    The method has to move that coordinate, which the subgradients pay for: D_k = (h_k/L)(G_k + u_k).
    """
    T = TILT * max(1.0, float(np.abs(out["nonsmooth_r"]).max()) ** 0.5)
    labels = [int(p.label) for p in model.r_points]
    r = out["nonsmooth_r"]
    height = np.zeros(len(out["x"]))
    for place, k in enumerate(labels):
        height[k] = r[place] / T
    slope = np.zeros(len(r))
    for place, k in enumerate(labels):
        if k > 0:
            slope[place] = (height[k - 1] - height[k]) * float(out["L"]) / out["step"][k - 1]

    def wider(array: np.ndarray, column: np.ndarray | float) -> np.ndarray:
        return np.column_stack([array, np.broadcast_to(column, array.shape[:1])])

    out = {**out, "x": wider(out["x"], height)}
    out["nonsmooth_x"] = wider(out["nonsmooth_x"], r / T)
    out["nonsmooth_s"] = wider(out["nonsmooth_s"], slope - T)
    out["nonsmooth_r"] = np.zeros_like(r)
    at = np.array([height[int(p.label)] for p in model.f_points] + [0.0] * (len(out["smooth_x"]) - len(model.f_points)))
    # f gains T times the new coordinate, so that F stays what it was
    out["smooth_f"] = out["smooth_f"] + T * at
    out["smooth_x"] = wider(out["smooth_x"], at)
    out["smooth_g"] = wider(out["smooth_g"], T)
    if "error" in out:
        out["error"] = wider(out["error"], 0.0)
    return out
