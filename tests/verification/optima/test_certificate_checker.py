"""The checker of run certificates: it accepts what is right, and every planted error is caught."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from l2obound import l2o, verification
from l2obound.verification import WrongCertificate, check_run_certificate
from tests.helpers import zoo

CASES = (
    *(("least-squares", "l1-per-instance"), ("logistic", "l1"), ("huber", "group-l1"), ("squared-hinge", "l1")),
    *(("least-squares", "box"), ("quadratic", "simplex"), ("logistic", "l2-ball"), ("quadratic", "elastic-net")),
    *(("quadratic", "zero"), ("huber", "zero")),
)


def certified(f: str, r: str, radius: Any = None, change: str | None = None) -> tuple[dict[str, Any], l2o.Composite]:
    terms = {**zoo.nonsmooth_terms(), **zoo.coupled_terms()}
    p = l2o.Composite({**zoo.smooth_terms(), **zoo.losses()}[f], terms[r])
    p = p if change is None else zoo.CHANGES[change](p)
    run = l2o.rollout(l2o.optimizer("fista"), p, zoo.start(p), 12)
    c = verification.run_certificate(run, p, radius=radius)
    return json.loads(json.dumps(c.to_dict())), p


@pytest.mark.parametrize(("f", "r"), CASES)
def test_right_certificates_are_accepted(f: str, r: str) -> None:
    radius = 20.0 if (f, r) == ("huber", "zero") else None
    data, p = certified(f, r, radius)
    checked = check_run_certificate(data, p)
    lower = np.array([record["lower"] for record in data["instances"]])
    assert (np.array(checked.lower) >= lower).all()
    np.testing.assert_allclose(checked.lower, lower, rtol=1e-9, atol=1e-9)
    assert all(bool(a) == (radius is not None) for a in checked.assumes)


@pytest.mark.parametrize("change", ["shifted", "scaled"])
def test_under_a_change_of_variables(change: str) -> None:
    data, p = certified("least-squares", "l1", change=change)
    check_run_certificate(data, p)


def _first(record: dict[str, Any]) -> dict[str, Any]:
    return max(record["carriers"], key=lambda c: c["weight"])


def _gradient(record: dict[str, Any]) -> None:
    _first(record)["gradient"][2] += 1e-6


def _value(record: dict[str, Any]) -> None:
    _first(record)["value"] *= 1 + 1e-9


def _point(record: dict[str, Any]) -> None:
    _first(record)["x"][0] += 1e-6


def _smoothness(record: dict[str, Any]) -> None:
    record["smoothness"] *= 0.99


def _sign(record: dict[str, Any]) -> None:
    gradient = _first(record)["gradient"]
    place = int(np.abs(gradient).argmax())
    gradient[place] = -gradient[place]


def _weight(record: dict[str, Any]) -> None:
    _first(record)["weight"] -= 1


def _negative_weight(record: dict[str, Any]) -> None:
    first, other = _first(record), min(record["carriers"], key=lambda c: c["weight"])
    first["weight"] += other["weight"] + 1
    other["weight"] = -1


def _lower(record: dict[str, Any]) -> None:
    record["lower"] += 1e-9 * max(1.0, abs(record["lower"]))


def _upper(record: dict[str, Any]) -> None:
    record["upper"] -= 1e-3


def _best(record: dict[str, Any]) -> None:
    record["best"] = [v + 10.0 for v in record["best"]]


def _not_a_number(record: dict[str, Any]) -> None:
    record["lower"] = "much"


def _missing(record: dict[str, Any]) -> None:
    del _first(record)["x"]


ERRORS: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "a gradient": (_gradient, "the gradient of f is off"),
    "a value": (_value, "the value of f is off"),
    "a point": (_point, "is off"),
    "L": (_smoothness, "L = .* is not confirmed"),
    "a sign": (_sign, "the gradient of f is off"),
    "a weight": (_weight, "the weights sum to"),
    "a negative weight": (_negative_weight, "a weight is an integer >= 0"),
    "the bound": (_lower, "exceeds the bound of the formula"),
    "the upper end": (_upper, "upper is below F"),
    "the best point": (_best, "outside of the domain|upper is below F"),
    "no number": (_not_a_number, "expected a finite number"),
    "a field": (_missing, "not in the format"),
}


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize(("f", "r"), [("least-squares", "l1"), ("logistic", "box")])
def test_planted_errors_are_caught(name: str, f: str, r: str) -> None:
    data, p = _material(f, r)
    data = copy.deepcopy(data)
    error, message = ERRORS[name]
    error(data["instances"][1])
    with pytest.raises(WrongCertificate, match=rf"instance 1: .*({message})"):
        check_run_certificate(data, p)


_CERTIFIED: dict[tuple[str, str], tuple[dict[str, Any], l2o.Composite]] = {}


def _material(f: str, r: str) -> tuple[dict[str, Any], l2o.Composite]:
    if (f, r) not in _CERTIFIED:
        _CERTIFIED[f, r] = certified(f, r)
    return _CERTIFIED[f, r]


@pytest.mark.parametrize(
    ("f", "r", "plant", "message"),
    [
        ("least-squares", "l1", lambda record: record.update(at_rest=True), "only where r = 0"),
        (
            "quadratic",
            "zero",
            lambda record: record["ball"].update(radius=record["ball"]["radius"] / 2),
            "not confirmed",
        ),
        ("quadratic", "zero", lambda record: record.pop("ball"), "r = 0 needs a ball"),
    ],
)
def test_planted_errors_of_the_form(f: str, r: str, plant: Callable[[dict[str, Any]], Any], message: str) -> None:
    data, p = certified(f, r)
    plant(data["instances"][0])
    with pytest.raises(WrongCertificate, match=message):
        check_run_certificate(data, p)


def test_another_problem_or_format() -> None:
    data, p = _material("least-squares", "l1")
    with pytest.raises(WrongCertificate, match="of another problem"):
        check_run_certificate(data, p.scaled(2.0))
    with pytest.raises(WrongCertificate, match="not the data"):
        check_run_certificate({"format": 2}, p)
    with pytest.raises(WrongCertificate, match="2 instances, the problem has 3"):
        check_run_certificate({**data, "instances": data["instances"][:2]}, p)


def test_what_has_no_exact_form() -> None:
    data, p = certified("least-squares", "nonnegative")
    with pytest.raises(l2o.InputError, match="no exact form"):
        check_run_certificate(data, p)


def test_an_instance_without_a_certificate() -> None:
    data, p = certified("huber", "zero")
    assert data["instances"][0]["reason"].startswith("nothing bounds the minimisers")
    assert check_run_certificate(data, p).lower == (-np.inf,) * 3


@pytest.mark.slow
def test_larger_problems_confirm_their_smoothness() -> None:
    """Beyond exact elimination: a Cholesky factorisation with bounded rounding."""
    p = l2o.synthetic.lasso(1, 100, 200, seed=1)
    run = l2o.rollout(l2o.optimizer("fista"), p, l2o.synthetic.starts(p), 40)
    data = verification.run_certificate(run, p).to_dict()
    check_run_certificate(data, p)
    data["instances"][0]["smoothness"] *= 0.99
    with pytest.raises(WrongCertificate, match="not confirmed"):
        check_run_certificate(data, p)
