"""LISTA, ALISTA and gated LISTA: their steps, computed anew, what they need, and what the shipped weights do."""

from __future__ import annotations

import cvxpy
import numpy as np
import pytest
import torch

from l2obound import l2o, verification
from l2obound.l2o.optimizers.alista import analytic_weight
from l2obound.l2o.problems.families import family_of
from tests.helpers import zoo

NAMES = zoo.OF_ONE_DICTIONARY
LAYERS = 5


def problem(batch: int = 3, **options) -> l2o.Composite:
    return l2o.synthetic.lasso_dictionary(batch, 6, 10, sparsity=2, seed=1, **options)


def with_weights(name: str, seed: int = 0) -> l2o.Optimizer:
    """The model with weights near its start, other ones in each layer."""
    start = l2o.optimizer(name, layers=LAYERS, rows=6, dim=10)
    rng = torch.Generator().manual_seed(seed)
    noise = {n: torch.randn(w.shape, generator=rng, dtype=w.dtype) for n, w in start.parameters.items()}
    return start.with_parameters({n: w + 0.1 * noise[n] for n, w in start.parameters.items()})


def soft(u: np.ndarray, threshold: float) -> np.ndarray:
    return np.sign(u) * np.maximum(np.abs(u) - threshold, 0)


def textbook(name: str, p: l2o.Composite, weights: dict[str, np.ndarray], x: np.ndarray, layer: int) -> np.ndarray:
    """One layer as in the papers, instance by instance, in NumPy."""
    a, y, lam = p.smooth.map.matrix.numpy(), p.smooth.target.numpy(), 0.1
    step = 1 / np.linalg.eigvalsh(a @ a.T)[-1]
    threshold = lam * step * abs(weights["thresholds"][layer])
    if name == "lista":
        s = np.eye(10) - step * a.T @ a + weights["state"]
        w = step * a.T + weights["input"]
        return np.stack([soft(s @ x[b] + w @ y[b], threshold) for b in range(len(x))])
    if name == "alista":
        m = np.linalg.inv(a @ a.T)
        columns = [m @ a[:, j] / (a[:, j] @ m @ a[:, j]) for j in range(10)]
        w = np.stack(columns, axis=1)
        s = weights["steps"][layer] / np.linalg.norm(w.T @ a, 2)
        return np.stack([soft(x[b] - s * w.T @ (a @ x[b] - y[b]), threshold) for b in range(len(x))])
    kappa = 1 + weights["gain"][layer] * np.exp(-abs(weights["gain_width"][layer]) * np.abs(x))
    u = kappa * x
    v = a + weights["coupled"]
    c = soft(u - step * weights["steps"][layer] * (u @ a.T - y) @ v, threshold)
    gate = 1 + weights["overshoot"][layer] / (np.abs(c - x) + 0.1)
    return gate * c + (1 - gate) * x


@pytest.mark.parametrize("name", NAMES)
def test_every_layer_is_that_of_the_paper(name: str) -> None:
    p, model = problem(lam=0.1), with_weights(name)
    x0 = l2o.synthetic.starts(p)
    weights = {n: w.numpy() for n, w in model.parameters.items()}
    run = l2o.rollout(model, p, x0, LAYERS)
    expected = x0.numpy()
    for layer in range(LAYERS):
        expected = textbook(name, p, weights, expected, layer)
        np.testing.assert_allclose(run.x[:, layer + 1].numpy(), expected, rtol=1e-10, atol=1e-12)
    wrong = textbook(name, p, weights, run.x[:, 0].numpy(), 1)
    assert float(np.abs(wrong - run.x[:, 1].numpy()).max()) > 1e-3, "layers differ"


@pytest.mark.parametrize("name", ["lista", "gated-lista"])
@pytest.mark.parametrize("sizes", [{}, {"rows": 6, "dim": 10}])
def test_the_untrained_model_is_ista(name: str, sizes: dict[str, int]) -> None:
    p = problem()
    x0 = l2o.synthetic.starts(p)
    run = l2o.rollout(l2o.optimizer(name, **sizes), p, x0, 20)
    torch.testing.assert_close(run.x, l2o.rollout(l2o.optimizer("ista"), p, x0, 20).x, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_after_the_last_layer_comes_ista(name: str) -> None:
    p, model = problem(), with_weights(name)
    run = l2o.rollout(model, p, l2o.synthetic.starts(p), LAYERS + 4)
    after = l2o.rollout(l2o.optimizer("ista"), p, run.x[:, LAYERS], 4)
    torch.testing.assert_close(run.x[:, LAYERS:], after.x, rtol=1e-12, atol=1e-14)


def test_the_matrix_of_alista_is_the_least_coherent_one() -> None:
    """Against the quadratic program of its definition."""
    for shape in ((4, 7), (7, 4)):
        a = np.random.default_rng(3).standard_normal(shape)
        a[:, 0] *= 5.0
        b = cvxpy.Variable(shape)
        rules = [cvxpy.sum(cvxpy.multiply(b, a), axis=0) == 1]
        least = cvxpy.Problem(cvxpy.Minimize(cvxpy.sum_squares(b.T @ a)), rules).solve(solver="CLARABEL")
        weight = analytic_weight(torch.from_numpy(a)).numpy()
        scale = (weight @ a).diagonal()
        np.testing.assert_allclose(scale, scale[0], rtol=1e-10)
        assert np.linalg.norm(weight @ a / scale[0]) ** 2 == pytest.approx(least, rel=1e-7)
        assert np.linalg.norm(weight @ a, 2) == pytest.approx(1.0)


def test_a_column_of_zeros_has_no_weight() -> None:
    a = torch.eye(3, dtype=torch.float64)
    a[:, 1] = 0
    assert bool(torch.isfinite(analytic_weight(a)).all())
    assert bool((analytic_weight(a)[1] == 0).all())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("change", ["translation", "scaling", "rescaling"])
def test_any_weights_follow_changes(name: str, change: str) -> None:
    p, model = problem(), with_weights(name)
    x0 = l2o.synthetic.starts(p)
    image, moved, back = {
        "translation": (p.shifted(2.5), x0 - 2.5, lambda x: x + 2.5),
        "scaling": (p.scaled(5.0), x0, lambda x: x),
        "rescaling": (p.rescaled(4.0), 4.0 * x0, lambda x: x / 4.0),
    }[change]
    plain = l2o.rollout(model, p, x0, 8).x
    torch.testing.assert_close(back(l2o.rollout(model, image, moved, 8).x), plain, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_instances_with_different_dictionaries_are_an_error(name: str) -> None:
    p = l2o.synthetic.lasso(3, 6, 10, seed=1)
    x0 = l2o.synthetic.starts(p)
    with pytest.raises(l2o.InputError, match=r"the 3 instances have different ones.*lasso_dictionary"):
        l2o.optimizer(name).init(p, x0)
    assert l2o.rollout(l2o.optimizer(name), p.select([1]), x0[1:2], 2).steps == 2  # one instance shares A with itself
    copies = p.smooth.map.matrix[:1].expand(3, 6, 10)
    same = l2o.lasso(copies, p.smooth.target, 0.1)
    shared = l2o.lasso(copies[0], p.smooth.target, 0.1)
    one, two = (l2o.rollout(l2o.optimizer(name), q, x0, 5).x for q in (same, shared))
    torch.testing.assert_close(one, two, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_what_does_not_fit_is_one_clear_error(name: str) -> None:
    with pytest.raises(l2o.InputError, match="rows and dim, the sizes of A, belong together"):
        l2o.optimizer(name, rows=6)
    with pytest.raises(l2o.InputError, match="layers: expected an integer"):
        l2o.optimizer(name, layers=0)
    p = problem()
    with pytest.raises(l2o.InputError, match="a dictionary of 6 x 9, and that of the problem is 6 x 10"):
        l2o.optimizer(name, rows=6, dim=9).init(p, l2o.synthetic.starts(p))
    logistic = l2o.synthetic.logistic_l1(1, 6, 10)
    with pytest.raises(l2o.InputError, match=f"{name} cannot run on logistic"):
        l2o.optimizer(name).init(logistic, l2o.synthetic.starts(logistic))


def test_instances_of_a_dictionary_share_it() -> None:
    p, other = problem(), l2o.synthetic.lasso_dictionary(3, 6, 10, sparsity=2, seed=2)
    assert p.smooth.map.matrix.shape == (6, 10)
    assert torch.equal(p.smooth.map.matrix, other.smooth.map.matrix)
    assert not torch.equal(p.smooth.target, other.smooth.target)
    assert torch.equal(problem(5).smooth.target[:3], p.smooth.target)
    assert not torch.equal(problem(dictionary=1).smooth.map.matrix, p.smooth.map.matrix)
    torch.testing.assert_close(p.smooth.map.matrix.norm(dim=0), torch.ones(10, dtype=torch.float64))


@pytest.mark.parametrize("name", NAMES)
def test_the_bare_name_has_the_shipped_weights(name: str) -> None:
    source = l2o.resolve_optimizer(name, family=family_of("lasso_dictionary").trained_for)
    assert "shipped weights for lasso_dictionary" in source.label
    shipped = l2o.pretrained(name, "lasso_dictionary")
    assert all(torch.equal(w, shipped.parameters[n]) for n, w in source.fresh().parameters.items())
    assert "shipped" not in l2o.resolve_optimizer(name, family="logistic_l1").label


@pytest.mark.parametrize("name", NAMES)
def test_shipped_weights_are_good_for_their_dictionary_alone(name: str) -> None:
    """In 16 steps, by the mean relative gap on instances that no training saw."""
    gaps = {}
    for dictionary in (0, 1):
        p = l2o.synthetic.lasso_dictionary(64, 20, 40, sparsity=5, dictionary=dictionary, seed=4_000_000_000)
        x0, lowest = l2o.synthetic.starts(p, seed=11), torch.as_tensor(verification.optimum(p).lower)
        for key, model in ((name, l2o.pretrained(name, "lasso_dictionary")), ("fista", l2o.optimizer("fista"))):
            end = l2o.rollout(model, p, x0, 16).objective[:, -1]
            gaps[key, dictionary] = float(((end - lowest) / lowest).mean())
    assert gaps[name, 0] < 0.5 * gaps["fista", 0]
    if name != "alista":  # whose matrix is computed from the A it meets
        assert gaps[name, 1] > 5 * gaps[name, 0]
