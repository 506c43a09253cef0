"""B12, equivariance: what a change of variables does to the run of an optimizer. Data only.

With equal initial network state and x_0 and r transformed along, the runs on F and on its image are images of each
other, or they are not: translation F(x + t) from x_0 - t, scaling c F from x_0, rescaling F(x / a) from a x_0. Why a
row says what it says: under the three changes gradients become g, c g, g/a, the constant L becomes L, c L, L/a^2, and
displacements D, D, a D. So g/L moves as D does; a memory of displacements needs a weight without units, a memory of
gradients one that is proportional to 1/L; a bias without units ignores a; features that hold x itself see everything.

The default step of each method (1/L, or 0.9999/L) is meant: a step given as a number does not follow c or a. "yes" of
GO-Math-L2O is meant for steps and norms of features above 1e-20, where its guards of divisions begin.
Source: derived, and measured by `verification.equivariance_table`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

YES, NO, UP_TO_EPS = "yes", "no", "up to eps"
TRANSFORMS = ("translation", "scaling", "rescaling")
"""The three changes of variables, F(x + t), c F and F(x / a)."""


@dataclass(frozen=True)
class Equivariance:
    """One row: an optimizer with options, and what is expected under each transform ("yes", "no", "up to eps").

    `smooth_only`: the method needs r = 0. `limit` are options under which "up to eps" becomes "yes".
    """

    name: str
    optimizer: str
    translation: str
    scaling: str
    rescaling: str
    reason: str
    options: Mapping[str, Any] = field(default_factory=dict)
    smooth_only: bool = False
    limit: Mapping[str, Any] = field(default_factory=dict)

    def expected(self, transform: str) -> str:
        """What is expected of the optimizer under a change of variables.

        Args:
            transform: One of `TRANSFORMS`: "translation", "scaling" or "rescaling".

        Returns:
            "yes", "no" or "up to eps".
        """
        return {"translation": self.translation, "scaling": self.scaling, "rescaling": self.rescaling}[transform]


def _classical(name: str, optimizer: str, smooth_only: bool) -> Equivariance:
    reason = "points and gradients over L, combined with numbers that have no units"
    return Equivariance(name, optimizer, YES, YES, YES, reason, smooth_only=smooth_only)


def _go_math(name: str, answer: tuple[str, str, str], reason: str, **options: Any) -> Equivariance:
    return Equivariance(name, "go-math-l2o", *answer, reason, options)


_ALL, _TRANSLATION, _NONE = (YES, YES, YES), (YES, NO, NO), (NO, NO, NO)

EQUIVARIANCE_TABLE: tuple[Equivariance, ...] = (
    _classical("gradient descent", "gradient-descent", True),
    _classical("ISTA", "ista", False),
    _classical("FISTA", "fista", False),
    _classical("FISTA with restart", "fista-restart", False),
    _classical("Nesterov", "nesterov", True),
    _classical("heavy ball", "heavy-ball", True),
    _classical("optimized gradient method", "ogm", True),
    _classical("OptISTA", "optista", False),
    _classical("gradient descent, silver steps", "silver-gradient", True),
    _classical("proximal gradient, silver steps", "silver-proximal", False),
    Equivariance("AdaPG", "adapg", *_ALL, "a first step of 1/L, and then quotients of displacements and gradients"),
    Equivariance("Anderson", "anderson", *_ALL, "coefficients without units, and values are compared only"),
    _classical("subgradient method", "subgradient", False),
    Equivariance(
        "L-BFGS", "lbfgs", *_ALL, "quotients of s, y and gradients, and 1/L before there are any", smooth_only=True
    ),
    Equivariance(
        "Ada-LISTA", "ada-lista", *_ALL, "the gradient with matrices between, over L, and relative thresholds"
    ),
    *(
        Equivariance(
            name, key, *_ALL, "weights act on the variables of the dictionary, whatever changes they went through"
        )
        for name, key in (("LISTA", "lista"), ("ALISTA", "alista"), ("gated LISTA", "gated-lista"))
    ),
    _go_math("GO-Math displacement map, Q unscaled", _ALL, "memory of displacements, weight without units"),
    *(
        _go_math(
            f"GO-Math displacement map, Q x step^{power:g}",
            _TRANSLATION,
            "memory of displacements, weight with the units of a power of the step",
            q_step_power=power,
        )
        for power in (0.5, 1, 2)
    ),
    *(
        _go_math(
            f"GO-Math {kind} map, Q x step",
            _ALL,
            "memory of gradients, weight with the units of the step",
            gradient_map=kind,
            q_step_power=1,
        )
        for kind in ("standard", "recurrent")
    ),
    *(
        _go_math(
            f"GO-Math {kind} map, Q " + (f"x step^{power:g}" if power else "unscaled"),
            _TRANSLATION,
            "memory of gradients, weight with other units than those of the step",
            gradient_map=kind,
            q_step_power=power,
        )
        for kind in ("standard", "recurrent")
        for power in (0, 0.5, 2)
    ),
    _go_math("GO-Math default, b3 on", (YES, YES, NO), "a bias without units does not follow a", b3_norm="tanh"),
    Equivariance(
        "Adam",
        "adam",
        YES,
        UP_TO_EPS,
        NO,
        "m / (sqrt(v) + eps) has no units but for eps, and the step is a number",
        limit={"eps": 1e-30},
        smooth_only=True,
    ),
    Equivariance(
        "Adam with learned step", "adam-hd", *_TRANSLATION, "the step moves with <d, u>, in the units of the gradient"
    ),
    Equivariance(
        "Shampoo", "shampoo", *_TRANSLATION, "a direction without units but for M_0, and the step is that of a gradient"
    ),
    Equivariance("L2O-PA", "l2o-pa", *_NONE, "features (gradient, x), not normalised"),
    Equivariance("L2O-DM", "l2o-dm", *_NONE, "features (gradient, x), not normalised, and a step without units"),
    Equivariance(
        "RNNprop",
        "l2o-rnnprop",
        YES,
        UP_TO_EPS,
        NO,
        "features over sqrt(v) + eps, without units but for eps, and a step without units",
        limit={"eps": 1e-30},
    ),
    Equivariance(
        "GO-Math under a guard", "guaranteed", *_ALL, "base and proximal gradient follow, and values are compared only"
    ),
    Equivariance(
        "safeguarded GO-Math", "safeguarded", *_ALL, "base and proximal gradient follow, and values are compared only"
    ),
)
"""The whole table of B12."""
