"""Parity with trajectories of the authors' code (float64), and what is wrong with its shifted prox."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from l2obound import l2o
from l2obound.l2o.problems.nonsmooth.l1 import L1
from l2obound.l2o.problems.transforms import Change, ChangedSmooth

DATA = Path(__file__).parents[1] / "data" / "trajectories"
TOLERANCE = 1e-10
FAMILIES = ("lasso", "logistic")


def load(name: str) -> dict[str, np.ndarray]:
    with np.load(DATA / f"{name}.npz", allow_pickle=False) as archive:
        return {k: archive[k] for k in archive.files}


def problem_of(family: str) -> tuple[l2o.Composite, dict[str, np.ndarray]]:
    d = load(f"{family}_problem")
    if family == "lasso":
        return l2o.lasso(d["W"], d["Y"], float(d["rho"])), d
    return l2o.logistic_l1(d["W"], d["Y"], float(d["rho"]), smoothness="official"), d


GOMATH = {
    "lasso": {},
    "logistic": {"r_norm": "softplus", "q_norm": "softplus", "q_scale": 10.0, "b_norm": "softplus"},
}
L2OPA = {
    "lasso": {},
    "logistic": {"p_norm": "softplus", "p_scale": 2.0, "a_norm": "softplus", "a_scale": 0.3},
}
VARIANTS = {
    "": {},
    "_s10_t0": {},
    "_s0_t10": {},
    "_std": {"gradient_map": "standard", "q_step_power": 1},
    "_lh": {"gradient_map": "recurrent", "q_step_power": 1},
    "_bias": {"b3_norm": "tanh", "b3_scale": 0.01, "b4_norm": "tanh", "b4_scale": 0.02},
    "_BsqrtL": {"q_step_power": 0.5},
    "_BLL": {"q_step_power": 2},
}
FULL = {
    "b_norm": "sigmoid",
    "b1_norm": "sigmoid",
    "b1_scale": 0.01,
    "b2_norm": "sigmoid",
    "b2_scale": 0.01,
}


PLAIN = {"subgd": "subgradient", "shampoo": "shampoo", "adam": "adam", "adamhd": "adam-hd"}
NETWORKS = {"adalista": "ada-lista", "l2odm": "l2o-dm", "rnnprop": "l2o-rnnprop"}
# What a perturbation of x0 grows by (120 for Adam, 1000 for Shampoo) is what the tolerance gives way by.
LOOSE = {"adam": 1e-9, "adamhd": 1e-9, "shampoo": 1e-6}


def method(name: str, family: str, d: dict[str, np.ndarray]):
    if name in ("ista", "fista", "subgd", "shampoo"):
        return l2o.optimizer(PLAIN.get(name, name), step=d["step"])
    if name in PLAIN:
        options = {k: float(v) for k, v in load(f"{family}_{name}").items() if v.ndim == 0}
        options["step"] = options.pop("step_size")
        certified = l2o.optimizers.option_names(PLAIN[name])
        options = {k: v for k, v in options.items() if k in certified}
        return l2o.optimizer(PLAIN[name], **options, **({"coupled": True} if name == "adamhd" else {}))
    if name in NETWORKS:
        result = load(f"{family}_{name}")
        weights = {k.removeprefix("sd__"): v for k, v in result.items() if k.startswith("sd__")}
        return l2o.load_official(weights, NETWORKS[name])
    if name.startswith("gomath"):
        options = {**GOMATH[family], **VARIANTS[name.removeprefix("gomath")]}
        return l2o.load_official(load(f"{family}_gomath_weights"), "go-math-l2o", **options)
    options = {**L2OPA[family], **(FULL if name == "l2opa_full" else {})}
    return l2o.load_official(load(f"{family}_l2opa_weights"), "l2o-pa", **options)


def iterates(name: str, family: str, problem: l2o.Composite, start: np.ndarray, steps: int) -> l2o.Run:
    d = load(f"{family}_problem")
    base = name.split("_s1")[0].split("_s0")[0]
    opt = method(base, family, d)
    x0 = torch.as_tensor(start)
    state = None
    if base.startswith(("gomath", "l2opa", "l2odm", "rnnprop")):
        scale = 0.01 if base == "rnnprop" else 1.0
        hidden, cell = scale * torch.as_tensor(d["h0"]), scale * torch.as_tensor(d["c0"])
        state = opt.init(problem, x0, hidden=hidden, cell=cell)
    return l2o.rollout(opt, problem, x0, steps, state=state)


def distance(run: l2o.Run, reference: np.ndarray) -> float:
    ours = run.x.numpy().transpose(1, 0, 2)
    return float(np.abs(ours - reference).max() / np.abs(reference).max())


EXACT = [
    "ista",
    "ista_s10_t0",
    "fista",
    "fista_s10_t0",
    *(f"gomath{v}" for v in VARIANTS if v != "_s0_t10"),
    "l2opa",
    "l2opa_s10_t0",
    "l2opa_full",
    *PLAIN,
    *NETWORKS,
]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", EXACT)
def test_trajectories_of_the_authors(family: str, name: str) -> None:
    problem, d = problem_of(family)
    reference = load(f"{family}_{name}")
    start = d["x0"] + float(reference.get("ood_s", 0.0))
    run = iterates(name, family, problem, start, len(reference["X"]) - 1)
    assert distance(run, reference["X"]) <= LOOSE.get(name, TOLERANCE)
    if "VG" in reference:
        memory = run.memory[:, 1:].numpy().transpose(1, 0, 2)
        assert np.abs(memory - reference["VG"]).max() <= TOLERANCE * np.abs(reference["VG"]).max()
    if family == "lasso":
        np.testing.assert_allclose(run.objective.numpy().T, reference["F"], rtol=LOOSE.get(name, 1e-9))


@pytest.mark.parametrize("family", FAMILIES)
def test_heads_of_the_authors(family: str) -> None:
    """R and P, the preconditioners, as the authors' code computed them."""
    problem, d = problem_of(family)
    for name, key in (("gomath", "R"), ("l2opa", "P")):
        reference = load(f"{family}_{name}")
        run = iterates(name, family, problem, d["x0"], len(reference["X"]) - 1)
        ours = run.preconditioner.numpy().transpose(1, 0, 2)
        np.testing.assert_allclose(ours, reference[key], rtol=1e-8)


@pytest.mark.parametrize("family", FAMILIES)
def test_learned_steps_of_the_authors(family: str) -> None:
    """The step size that AdamHD used in each step, one for the whole batch."""
    problem, d = problem_of(family)
    reference = load(f"{family}_adamhd")["step_size_k"]
    opt = method("adamhd", family, d)
    state = opt.init(problem, torch.as_tensor(d["x0"]))
    for expected in reference:
        state = opt.step(problem, state)
        assert state.step_size.shape == (4, 1)
        np.testing.assert_allclose(state.step_size.numpy(), expected, rtol=1e-9)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_subgradient_of_the_authors_ada_lista(family: str) -> None:
    """Its soft threshold is a prox of lam||.||_1 with step theta/lam, which names a subgradient."""
    problem, d = problem_of(family)
    run = iterates("adalista", family, problem, d["x0"], 12)
    assert run.subgradient_rule == "prox"
    low, high = _slopes(problem, run)
    assert bool(((run.subgradient >= low) & (run.subgradient <= high)).all())


def _slopes(problem: l2o.Composite, run: l2o.Run) -> tuple[torch.Tensor, ...]:
    ends = [problem.subdifferential(run.x[:, k]) for k in range(1, run.steps + 1)]
    return tuple(torch.stack(side, dim=1) for side in zip(*ends))


@dataclass(frozen=True, eq=False)
class OfficialShiftedL1(L1):
    """lam ||x + t||_1 with the prox of the authors' code, which is not its prox."""

    t: float = 0.0

    def values(self, x: torch.Tensor) -> torch.Tensor:
        return self.lam * (x + self.t).abs()

    def subdifferential(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return super().subdifferential(x + self.t)

    def prox(self, u: torch.Tensor, step: torch.Tensor | float) -> torch.Tensor:
        sign = torch.sign(u)
        return -self.t + sign * (u.abs() - self.lam * step + sign * self.t).clamp(min=0.0)


def official_shift(problem: l2o.Composite, t: float) -> l2o.Composite:
    shift = Change.of(shift=torch.full((1, 1), t, dtype=torch.float64))
    return l2o.Composite(ChangedSmooth(problem.smooth, shift), OfficialShiftedL1(problem.nonsmooth.lam, t))


SHIFTED = ["ista_s0_t10", "fista_s0_t10", "gomath_s0_t10"]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", [*SHIFTED, "l2opa_s0_t10"])
def test_shifted_files_follow_from_the_wrong_prox(family: str, name: str) -> None:
    """With the authors' prox in place of the exact one, their objective-shift files come out to rounding."""
    problem, d = problem_of(family)
    reference = load(f"{family}_{name}")
    run = iterates(name, family, official_shift(problem, 10.0), d["x0"], len(reference["X"]) - 1)
    assert distance(run, reference["X"]) <= TOLERANCE


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", SHIFTED)
def test_objective_shift_is_an_initial_point_shift(family: str, name: str) -> None:
    """For methods that do not read x, the exact prox makes the run on F(x + 10) that from x_0 + 10, minus 10."""
    problem, d = problem_of(family)
    steps = len(load(f"{family}_{name}")["X"]) - 1
    ours = iterates(name, family, problem.shifted(10.0), d["x0"], steps)
    moved = iterates(name.replace("_s0_t10", "_s10_t0"), family, problem, d["x0"] + 10.0, steps)
    scale = float(moved.x.abs().max())
    assert float((ours.x - (moved.x - 10.0)).abs().max()) / scale <= TOLERANCE


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", SHIFTED)
def test_why_the_authors_file_differs(family: str, name: str) -> None:
    """It differs from the first step at which their prox is asked for a point strictly between -t and 0."""
    problem, d = problem_of(family)
    reference = load(f"{family}_{name}")
    steps = len(reference["X"]) - 1
    ours = iterates(name, family, problem.shifted(10.0), d["x0"], steps).x.numpy().transpose(1, 0, 2)
    apart = np.abs(ours - reference["X"]) > 1e-8 * np.abs(ours).max()
    assert apart.any(), "the authors' file should not agree with the exact prox"
    first = int(np.argmax(apart.any(axis=(1, 2))))
    here = apart[first]
    # Exactly there the true prox is in (-10, 0), a place that theirs cannot return: it answers -10.
    assert np.all((ours[first][here] > -10) & (ours[first][here] < 0))
    np.testing.assert_allclose(reference["X"][first][here], -10.0, atol=1e-12)


def test_wrong_prox_is_not_optimal() -> None:
    """The optimality condition (u - prox)/step in the subdifferential fails for theirs and holds for ours."""
    problem, _ = problem_of("lasso")
    u = torch.full((4, 40), -4.0, dtype=torch.float64)
    for candidate, optimal in ((problem.shifted(10.0), True), (official_shift(problem, 10.0), False)):
        x = candidate.prox(u, 0.5)
        low, high = candidate.nonsmooth.subdifferential(x)
        slope = (u - x) / 0.5
        assert bool(((slope >= low - 1e-12) & (slope <= high + 1e-12)).all()) is optimal
