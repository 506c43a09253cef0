"""The decomposition of a deviation into bracket and shifts, on arrays alone."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l2obound import bounds
from l2obound.bounds import virtual
from l2obound.bounds.assumptions import GRADIENT_DESCENT, HALF_STEP, READINGS

SHAPE = (3, 4, 5)


def drawn(seed: int = 0, size: float = 1.0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    out = {name: size * rng.standard_normal(SHAPE) for name in ("p", "b", "p_ood", "b_ood", "G_ood")}
    return {**out, "L_ood": rng.uniform(0.5, 3.0, 3)}


def deviation(a: dict[str, np.ndarray], h: np.ndarray | float) -> np.ndarray:
    step = a["p_ood"] * a["G_ood"] + a["b_ood"]
    return step - np.reshape(h / a["L_ood"], (3, 1, 1)) * a["G_ood"]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    size=st.sampled_from([1e-8, 1.0, 1e6]),
    h=st.floats(0.01, 1.0),
    scaled=st.booleans(),
    power=st.sampled_from([0.0, 0.5, 1.0, 2.0]),
)
def test_the_terms_add_up_for_any_virtual_step(seed: int, size: float, h: float, scaled: bool, power: float) -> None:
    a = drawn(seed, size)
    result = virtual.terms(**a, reference_step=h, L=np.array([1.0, 5.0, 0.1]), scaled=scaled, bias_power=power)
    scale = max(np.abs(term).max() for term in (result.bracket, result.preconditioner_shift, result.bias_shift))
    np.testing.assert_allclose(result.total, deviation(a, h), atol=1e-14 * scale, rtol=0)


@pytest.mark.parametrize("fault", ["bias", "sign", "step", "swapped"])
def test_a_wrong_term_breaks_the_sum(fault: str) -> None:
    a, h = drawn(1), 0.7
    wrong = dict(a)
    if fault == "bias":
        wrong["b_ood"] = a["b_ood"] + 1e-9
    if fault == "sign":
        wrong["b_ood"] = -a["b_ood"]
    if fault == "swapped":
        wrong["p"], wrong["p_ood"] = a["p_ood"], a["p"]
    result = virtual.terms(**wrong, reference_step=0.8 if fault == "step" else h)
    assert np.abs(result.total - deviation(a, h)).max() > 5e-10


def test_the_reference_step_may_differ_by_run_and_l_by_step() -> None:
    a, h = drawn(2), np.array([0.3, 0.6, 1.0])
    result = virtual.terms(**a, reference_step=h)
    np.testing.assert_allclose(result.total, deviation(a, h), atol=1e-14)
    L = np.random.default_rng(0).uniform(0.5, 2, SHAPE[:2])
    scaled = virtual.terms(**a, reference_step=h, L=L, scaled=True, bias_power=0.0)
    p = a["p"] * (L / a["L_ood"][:, None])[..., None]
    np.testing.assert_allclose(scaled.preconditioner_shift, (a["p_ood"] - p) * a["G_ood"], rtol=1e-14)
    np.testing.assert_array_equal(scaled.bias_shift, a["b_ood"] - a["b"])


def test_units_of_another_run() -> None:
    p, b = np.full(SHAPE, 2.0), np.full(SHAPE, 3.0)
    for power, expected in ((0, 3.0), (1, 12.0), (0.5, 6.0), (2, 48.0)):
        q, c = virtual.in_units_of(p, b, 4.0, power)
        assert (q == 8.0).all()
        np.testing.assert_allclose(c, expected)


@pytest.mark.parametrize("name", READINGS)
@pytest.mark.parametrize("scaled", [False, True])
def test_a_model_that_meets_assumption_1_has_the_predicted_bracket(name: str, scaled: bool) -> None:
    a, reading = drawn(3), READINGS[name]
    L, G = np.array([1.0, 2.0, 0.5]), np.random.default_rng(9).standard_normal(SHAPE)
    p = np.broadcast_to(reading.preconditioner(L)[:, None, None], SHAPE)
    b = reading.bias(L, G)
    measured = virtual.terms(
        **{**a, "p": p, "b": b}, reference_step=0.5, L=L, scaled=scaled, bias_power=0.0 if scaled else 1.0
    )
    predicted = virtual.predicted_bracket(
        reading, G=G, G_ood=a["G_ood"], L=L, L_ood=a["L_ood"], reference_step=0.5, scaled=scaled
    )
    np.testing.assert_allclose(virtual.bracket_deviation(measured, predicted), 0.0, atol=1e-14)
    off = virtual.terms(**{**a, "p": p, "b": b + 1e-6}, reference_step=0.5, L=L, scaled=scaled, bias_power=0.0)
    gap = virtual.bracket_deviation(off, predicted)
    np.testing.assert_allclose(gap, 1e-6 * np.sqrt(SHAPE[-1]), rtol=1e-6)


def test_predicted_brackets_are_those_of_the_theory() -> None:
    rng = np.random.default_rng(4)
    G, G_ood, L = rng.standard_normal(SHAPE), rng.standard_normal(SHAPE), 1.7
    same = {"G": G, "G_ood": G_ood, "L": L, "L_ood": L}
    np.testing.assert_allclose(virtual.predicted_bracket(GRADIENT_DESCENT, **same), (G - G_ood) / (2 * L), atol=1e-15)
    half = virtual.predicted_bracket(HALF_STEP, **same, reference_step=0.5)
    np.testing.assert_allclose(half, 0.0, atol=1e-16)
    other = {**same, "L_ood": 2.9}
    np.testing.assert_allclose(
        virtual.predicted_bracket(HALF_STEP, **other), (1 / (2 * L) - 1 / 2.9) * G_ood, atol=1e-15
    )
    np.testing.assert_allclose(
        virtual.predicted_bracket(GRADIENT_DESCENT, **other),
        (1 / (2 * L) - 1 / 2.9) * G_ood + G / (2 * L),
        atol=1e-15,
    )


def test_quotients() -> None:
    np.testing.assert_array_equal(virtual.quotient([0.0, 2.0, 0.0, 3.0], [0.0, 4.0, 1.0, 0.0]), [0.0, 0.5, 0.0, np.inf])


def taken(a: dict[str, np.ndarray], **more: object) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    step = a["p_ood"] * a["G_ood"] + a["b_ood"]
    given_ = {name: a[name] for name in ("p", "b", "p_ood", "G_ood", "L_ood")}
    return virtual.magnitudes(**given_, step_ood=step, **{"dz": np.full(SHAPE[:2], 0.3), **more})


def exact_norm2(vector: list[Fraction]) -> Fraction:
    return sum((v * v for v in vector), Fraction(0))


def test_errors_of_magnitudes_cover_the_exact_numbers() -> None:
    a, h = drawn(5), 0.7
    step = a["p_ood"] * a["G_ood"] + a["b_ood"]
    values, errors = taken(a, reference_step=h)
    F = Fraction
    for i in range(SHAPE[0]):
        for k in range(SHAPE[1]):
            rows = [[F(float(v)) for v in array[i, k]] for array in (a["p"], a["b"], a["p_ood"], a["G_ood"], step)]
            c = F(h) / F(float(a["L_ood"][i]))
            exact = {
                "bracket": exact_norm2([p * g + b - c * g for p, b, _, g, _ in zip(*rows)]),
                "pshift": exact_norm2([(q - p) * g for p, _, q, g, _ in zip(*rows)]),
                "bshift": exact_norm2([d - q * g - b for _, b, q, g, d in zip(*rows)]),
            }
            change = exact_norm2([q - p for p, _, q, _, _ in zip(*rows)])
            exact |= {"C1": change / F(0.3) ** 2, "C2": exact["bshift"] / F(0.3) ** 2}
            for name, square in exact.items():
                value, error = F(float(values[name][i, k])), F(float(errors[name][i, k]))
                assert 0 < error < F(1e-12)
                assert (value - error) ** 2 <= square <= (value + error) ** 2, name


def test_errors_of_the_gradient_and_of_l_enter() -> None:
    a, rng = drawn(6), np.random.default_rng(6)
    G_error, L_error = np.full(SHAPE[:2], 1e-4), np.full(3, 1e-3)
    values, errors = taken(a, G_error=G_error, L_error=L_error)
    step = a["p_ood"] * a["G_ood"] + a["b_ood"]
    for _ in range(200):
        noise = rng.standard_normal(SHAPE)
        noise *= 1e-4 / np.linalg.norm(noise, axis=-1, keepdims=True)
        moved = {**a, "G_ood": a["G_ood"] + noise, "L_ood": a["L_ood"] + rng.choice([-1e-3, 1e-3], 3)}
        moved["b_ood"] = step - moved["p_ood"] * moved["G_ood"]
        for name, value in taken(moved)[0].items():
            assert (np.abs(value - values[name]) <= errors[name] * (1 + 1e-9) + 1e-15).all(), name


def test_equal_features() -> None:
    a = drawn(7)
    a["p_ood"], a["b_ood"] = a["p"].copy(), a["b"].copy()
    values, errors = taken(a, dz=np.zeros(SHAPE[:2]))
    for name in ("C1", "C2"):  # nothing has moved, and 0/0 is 0
        assert (values[name] == 0).all()
        assert np.isfinite(errors[name]).all()
    a["p_ood"] = a["p"] + 1e-3
    values, errors = taken(a, dz=np.zeros(SHAPE[:2]))
    assert np.isinf(values["C1"]).all()
    assert np.isinf(errors["C1"]).all()
    # and then a bound that speaks of them says that nothing is known
    q = bounds.from_scalars({**{n: v[0] for n, v in values.items()}, "G_inf": [1.0] * 4}, {"C1": errors["C1"][0]})
    expression = bounds.quantities.VOCABULARY["C1"].symbol[bounds.vocabulary.k]
    assert np.isinf(bounds.evaluate_expression(expression, q).rad).all()


def test_equal_features_and_heads_that_differ_by_their_rounding() -> None:
    """A network of equal features may give p' and b' that differ in their last bit: that says nothing of C1 and C2."""
    a = drawn(7)
    a["p_ood"], a["b_ood"] = np.nextafter(a["p"], np.inf), np.nextafter(a["b"], np.inf)
    values, errors = taken(a, dz=np.zeros(SHAPE[:2]))
    step = a["p_ood"] * a["G_ood"] + a["b_ood"]
    for name in ("C1", "C2"):
        assert (values[name] == 0).all()
        assert np.isfinite(errors[name]).all()
    difference = np.linalg.norm(step - a["p"] * a["G_ood"] - a["b"], axis=-1)
    assert (difference > 0).any()
    assert (errors["bracket"] >= difference).all()  # what C1 and C2 leave out


def test_the_bound_by_magnitudes_holds_and_its_parts_are_ordered() -> None:
    for seed in range(20):
        a = drawn(seed)
        v, _ = taken(a, reference_step=0.9)
        e = np.linalg.norm(deviation(a, 0.9), axis=-1)
        assert (e <= (v["bracket"] + v["pshift"] + v["bshift"]) * (1 + 1e-14)).all()
        assert (v["pshift"] <= v["C1"] * v["dz"] * np.abs(a["G_ood"]).max(-1) * (1 + 1e-14)).all()
        np.testing.assert_allclose(v["bshift"], v["C2"] * v["dz"], rtol=1e-14)
        assert (e > 0.98 * v["bshift"] - v["bracket"] - v["pshift"]).all()


def test_the_vocabulary_knows_the_shifts() -> None:
    for name in ("pshift", "bshift"):
        assert bounds.VOCABULARY[name].level == "step"
        with pytest.raises(bounds.InputError, match=name):
            bounds.from_scalars({name: -1.0})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"p": np.ones((2, 2, 2))}, "`p` has shape"),
        ({"b": np.full(SHAPE, np.nan)}, "`b` is not finite"),
        ({"L_ood": np.ones(4)}, "`L_ood` must be > 0"),
        ({"L_ood": -1.0}, "`L_ood` must be > 0"),
        ({"reference_step": 0.0}, "`reference_step` must be > 0"),
        ({"scaled": True}, "give `L`"),
    ],
)
def test_wrong_input_is_one_clear_error(change: dict[str, object], message: str) -> None:
    with pytest.raises(bounds.InputError, match=message):
        virtual.terms(**{**drawn(), **change})
