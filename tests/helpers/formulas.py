"""The formulas of the catalogue, written out once more in plain NumPy."""

import numpy as np


def plain_formulas(v, K):
    """(lhs, rhs) of every entry, written out independently."""
    L, h, R, tau = (v[name][:, None] for name in ("L", "h", "R", "tau"))
    G2, D2, e2, en, dist = v["G2"], v["D2"], v["e2"], v["enorm"], v["dist"]
    step = v["F"][:, 1:] - v["F"][:, :-1]
    mean = v["F"][:, 1:].mean(1) - v["F_z"]
    last = v["F"][:, -1] - v["F_z"]
    A = en.sum(1, keepdims=True)
    i = np.arange(1, K + 1)
    descent = -h * (2 - h) * G2 / (2 * L) - (1 - h) * v["Ge"] + L / 2 * e2
    b6 = L / (2 * h * K) * (dist[:, :1] ** 2 - dist[:, -1:] ** 2) - L / 2 * (1 / h - 1) * D2.mean(1, keepdims=True)
    b6b = L * R**2 / (2 * h * (K + 1))
    inner = -L / (h * K) * v["ex"].sum(1, keepdims=True)
    sizes = L / (h * K) * (en * dist[:, 1:]).sum(1, keepdims=True)
    virtual = v["bracket"] + v["C1"] * v["dz"] * v["G_inf"] + v["C2"] * v["dz"]
    weights = v["ex"] * i / (2 * K - i) - v["ex_prev"] * (i - 1) / (2 * K - i + 1)
    run = {
        "ind_rate": (last, L * R**2 / (2 * h * K)),
        "ind_rate:exact": (last, L * R**2 / (4 * h * K)),
        "ood_multi_step": (mean, b6 + inner),
        "ood_multi_step:magnitude": (mean, b6 + sizes),
        "ood_multi_step:virtual": (mean, b6 + L / (h * K) * (virtual * dist[:, 1:]).sum(1, keepdims=True)),
        "ood_multi_step:last_iterate": (last, b6 + inner),
        "ood_multi_step_sharp": (mean, b6b + inner),
        "ood_multi_step_sharp:magnitude": (mean, b6b + sizes),
        "ood_multi_step_sharp:last_iterate": (last, b6b + inner),
        "ood_last_iterate": (last, L * R**2 / (4 * h * K) - L / h * weights.sum(1, keepdims=True)),
        "a_priori": (mean, L / (2 * h * K) * (R + 2 * A) ** 2 + L / h * tau * A),
        "a_priori:sharp": (
            mean,
            b6b + L / (h * K) * (R * A + (A**2 + e2.sum(1, keepdims=True)) / 2 + tau * (i * en).sum(1, keepdims=True)),
        ),
    }
    W, own, D = v["weight"], v["step_h"], np.sqrt(D2)
    gap = v["F"][:, 1:] - v["F_z"][:, None]
    a, a_next = (K + 1 - i) / (K + 2 - i), (K - i) / (K + 1 - i)
    extra = (K / (K + 1) * v["gz2"][:, 0] + ((1 - a + a_next) * v["gz2"][:, 1:]).sum(1))[:, None] / (2 * L * K)
    gain, spread = i / (2 * K - i) - (i - 1) / (2 * K - i + 1), (i - 1) / (2 * K - i + 1)
    norms = (en * (gain * dist[:, 1:] + spread * D)).sum(1, keepdims=True)
    s, Delta, mu, low = (v[name][:, None] for name in ("sigma_max", "Delta", "mu", "F_low"))
    c, q = (h - s) * (2 - h + s), 1 - h * mu / L
    drift = (2 * L * (v["F"][:, :1] - low), 2 * L * (v["F"][:, :1] - v["F"][:, -1:]))
    noise = (L**2 * e2 - 2 * L * (1 - h) * v["Ge"]).sum(1, keepdims=True)
    flow = [(one + noise) / (h * (2 - h) * K) for one in drift]
    run |= {
        "ind_rate:average": (mean, b6b),
        "ind_rate:gradient_descent": (last, L * R**2 / (2 * K)),
        "ind_rate:half_step": (last, L * R**2 / K),
        "ind_rate:smooth": (last, L * R**2 / (4 * h * K + 2)),
        "ind_rate:gradient": (v["grad2"][:, -1], (L * R / (h * K + 1)) ** 2),
        "ind_rate:gradient_by_objective": (
            v["grad2"][:, -1],
            2 * L * (v["F"][:, :1] - v["F_low"][:, None]) / (2 * h * K + 1),
        ),
        "ood_multi_step_sharp:best_iterate": (v["F"][:, 1:].min(1) - v["F_z"], b6b + inner),
        "ood_multi_step_sharp:average_point": (v["F_mean"] - v["F_z"], b6b + inner),
        "ood_multi_step_sharp:bonus": (mean, b6b + inner - extra),
        "ood_multi_step_sharp:inexact_prox": (mean, b6b + inner + v["eps"].mean(1, keepdims=True)),
        "ood_multi_step_sharp:varying_steps": (
            (own * gap).mean(1),
            L * R**2 / (2 * (K + 1)) - L / K * v["ex_own"].sum(1, keepdims=True),
        ),
        "ood_multi_step_sharp:weighted": (
            (W * gap).sum(1),
            v["pot"][:, :1] * L * R**2 / (2 * h) - L / h * (W * v["ex"]).sum(1, keepdims=True),
        ),
        "ood_last_iterate:magnitude": (last, L * R**2 / (4 * h * K) + L / h * norms),
        "relative_deviation_rate": (last, 2 * L * Delta**2 / (c * (K + 3))),
        "relative_deviation_rate:smooth": (
            last,
            2 * L * Delta**2 * (Delta + 2 * tau / h) / (c * K * (Delta + 2 * tau / h) + 4 * Delta),
        ),
        "strong_convexity:rate": (dist[:, -1], q**K * R + (q ** (K - i) * (en + tau)).sum(1, keepdims=True)),
        "nonconvex_stationarity": (G2.mean(1), flow[0]),
        "nonconvex_stationarity:exact_steps": (
            (3 * v["grad2"].sum(1) - v["grad2"][:, 0]) / (3 * K + 2),
            4 * L * (v["F"][:, :1] - low) / (3 * K + 2),
        ),
        "nonconvex_stationarity:descent": (G2.mean(1), flow[1]),
    }
    c, start = 1 - mu / L, v["F"][:, :1] - low
    run |= {
        "strong_convexity:pl_inexact": (last, c**K * start + L / 2 * (c ** (K - i) * e2).sum(1, keepdims=True)),
        "strong_convexity:pl_exact_steps": (last, (2 * (L - mu) / (2 * L + mu)) ** K * start),
    }
    reach, sigma = np.sqrt(G2) + L * D, v["sigma"]
    share = (h - sigma) * (2 - h + sigma)
    worst = np.where(share > 0, -share * mu / L * (v["F"][:, :-1] - v["F_z"][:, None]), -share * (v["F"][:, :-1] - low))
    profile = (v["delta1"] * np.sqrt(G2) + v["delta2"]) / 2
    own_lhs = {
        "virtual_decomposition": (en, v["bracket"] + v["pshift"] + v["bshift"]),
        "virtual_decomposition:magnitude": (en, virtual),
        "strong_convexity": (dist[:, 1:], q * dist[:, :-1] + en + tau),
        "nonconvex_stationarity:subdifferential": (v["stationarity"], reach),
        "nonconvex_stationarity:constrained": (v["vi_gap"], reach * dist[:, 1:]),
        "asymptotics": (v["Gb"], L * D / v["Lp_min"]),
        "equivariance": (v["defect"], np.zeros_like(en)),
    }
    energy, E = v["energy"], v["budget"][:, :1]
    own_lhs["energy_descent"] = (v["F"][:, 1:] + energy[:, 1:], v["F"][:, :-1] + energy[:, :-1])
    total = v["F"] + v["motion"]
    own_lhs["energy_descent:momentum"] = (total[:, 1:], total[:, :-1])
    run |= {
        "accelerated_guard": (last, 2 * L * R**2 / (v["guard_count"][:, -1:] + 1) ** 2),
        "accelerated_guard:weights": (last, L * R**2 / (2 * v["guard_weight"][:, -1:])),
        "budgeted_deviations": (
            v["F"][:, 1:].mean(1) - v["F_z"],
            L * R**2 / (2 * h * (K + 1)) + L / (h * K) * (R * E + E**2) + L / h * tau * E,
        ),
    }
    A_K, a = v["accel_weight"][:, -1:], v["accel_momentum"]
    against = -L / A_K * (a * v["accel_ex"]).sum(1, keepdims=True)
    size = L / A_K * (a * v["accel_enorm"] * v["accel_dist"][:, 1:]).sum(1, keepdims=True)
    reach = R + 2 * (a * v["accel_enorm"]).sum(1, keepdims=True)
    run |= {
        "accelerated_inexact": (last, L * R**2 / (2 * A_K) + against),
        "accelerated_inexact:distance": (last, L * (R**2 - v["accel_dist"][:, -1:] ** 2) / (2 * A_K) + against),
        "accelerated_inexact:sharp": (last, L * R**2 / (2 * A_K) * K / (K + 1) + against),
        "accelerated_inexact:size": (last, L * R**2 / (2 * A_K) * K / (K + 1) + size),
        "accelerated_inexact:a_priori": (last, L * reach**2 / (2 * A_K)),
    }
    w, d = v["metric_weight"], v["metric_dist2"]
    run["variable_metric"] = (
        (w[:, 1:] * gap).sum(1),
        (w[:, :1] * d[:, :1] - w[:, -1:] * d[:, -1:]) / 2 - (w[:, 1:] * v["metric_bias"]).sum(1, keepdims=True),
    )
    b = v["history_b"][:, None]
    run["history_stability"] = (v["history_q"], 1 + v["history_r"][:, None] * b / (1 - b))
    magnitude = -h * (2 - h) * G2 / (2 * L) + (1 - h) * np.sqrt(G2) * virtual + L / 2 * virtual**2
    steps = {
        "per_step_descent": descent,
        "ood_per_step": descent,
        "ood_per_step:magnitude": magnitude,
        "homogeneous_descent": -(h - v["sigma"]) * (2 - h + v["sigma"]) * G2 / (2 * L),
        "homogeneous_descent:diagonal": -v["pG2"],
        "strong_convexity:pl": worst,
        "assumption_sensitivity": -(G2 - profile**2) / (2 * L),
    }
    gradients = (v["share"] * v["grad2"][:, 1:]).sum(1)
    models, tangents = ((v["share"] * v[name]).sum(1) for name in ("model", "model_0"))
    own_lhs |= {
        "run_certificate": (models + (gradients - v["mean_grad"] ** 2) / (2 * v["L"]), v["F_z"]),
        "run_certificate:ball": (tangents + gradients / (2 * v["L"]) - v["R"] * v["mean_grad"], v["F_z"]),
    }
    return (
        own_lhs
        | {name: (lhs, rhs[:, 0]) for name, (lhs, rhs) in run.items()}
        | {n: (step, rhs) for n, rhs in steps.items()}
    )
