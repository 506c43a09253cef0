"""Questions about worst cases whose certificates are checked by the kernel."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

HALF, TENTH = Fraction(1, 2), Fraction(1, 10)


def questions() -> Iterator[tuple[str, dict[str, Any]]]:
    """Arguments of `worst_case` by the name of the theorem."""
    smooth = {"function_class": "smooth_convex", "method": "gradient"}
    for steps in (1, 2, 3, 4, 5, 6, 8, 10):
        yield f"gradient_{steps}", {**smooth, "steps": steps, "metric": "objective", "initial": "distance"}
    for steps in (1, 2, 3):
        yield f"gradient_half_{steps}", {**smooth, "steps": steps, "step": HALF}
        yield f"gradient_long_{steps}", {**smooth, "steps": steps, "step": Fraction(3, 2)}
        yield f"gradient_L3_{steps}", {**smooth, "steps": steps, "L": 3}
        yield f"gradient_norm_{steps}", {**smooth, "steps": steps, "metric": "best_gradient", "initial": "objective"}
        yield f"gradient_norms_{steps}", {**smooth, "steps": steps, "metric": "best_gradient", "initial": "gradient"}
    for steps in (1, 2):  # of three steps the certificate has long fractions, which take minutes
        yield f"gradient_error_{steps}", {**smooth, "steps": steps, "relative_error": Fraction(1, 4)}
    strong = {"function_class": "smooth_strongly_convex", "method": "gradient", "mu": TENTH}
    for steps in (1, 2, 3):
        yield f"strong_{steps}", {**strong, "steps": steps, "metric": "objective", "initial": "objective"}
        yield f"strong_distance_{steps}", {**strong, "steps": steps, "metric": "distance", "initial": "distance"}
    rough = {"function_class": "smooth_nonconvex", "method": "gradient", "metric": "best_gradient"}
    for steps in (1, 2, 3):
        yield f"nonconvex_{steps}", {**rough, "steps": steps, "initial": "decrease"}
        yield f"nonconvex_objective_{steps}", {**rough, "steps": steps, "initial": "objective"}
    for steps in (1, 2, 3, 4, 5):
        yield f"proximal_point_{steps}", {"function_class": "convex", "method": "proximal_point", "steps": steps}
    composite = {"function_class": "composite", "method": "proximal_gradient"}
    for steps in (1, 2, 3):
        yield f"proximal_gradient_{steps}", {**composite, "steps": steps}
        yield f"proximal_gradient_half_{steps}", {**composite, "steps": steps, "step": HALF}
    for steps in (1, 2):
        yield f"proximal_gradient_error_{steps}", {**composite, "steps": steps, "absolute_error": TENTH}
        yield f"proximal_gradient_norm_{steps}", {
            **composite, "steps": steps, "metric": "best_gradient", "initial": "objective",
        }  # fmt: skip
        yield f"projected_gradient_{steps}", {**composite, "method": "projected_gradient", "steps": steps}
    for steps in (2, 3):
        yield f"heavy_ball_{steps}", {**smooth, "method": "heavy_ball", "steps": steps, "momentum": Fraction(1, 4)}
    yield "go_math_2", {
        **composite, "method": "go_math", "steps": 2, "step": HALF, "momentum": (Fraction(1, 4), Fraction(1, 3)),
    }  # fmt: skip
