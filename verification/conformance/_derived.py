"""Terms that differ from one given in what they evaluate to, and in nothing else: a method may ask for their class."""

from __future__ import annotations

from typing import Any

import torch

from ...l2o.problems.smooth import SmoothTerm


def derived(term: SmoothTerm, members: dict[str, Any]) -> SmoothTerm:
    """A copy of `term` in a class derived from its own, with other `members`."""
    kind = type(term)
    other: SmoothTerm = object.__new__(type(kind.__name__, (kind,), members))
    other.__dict__.update(vars(term))
    return other


def rounded(term: SmoothTerm, units: float, number: int, constant: torch.Tensor | float = 0.0) -> SmoothTerm:
    """`term` as another order of its sums could give it: value and gradient off by `units` bounds on their errors.

    The signs are pseudo-random in the bits of x, so that the same point gives the same numbers.

    Args:
        term: The term.
        units: The size of the errors, in bounds on the rounding error of the value and of the gradient.
        number: Which signs.
        constant: (B,) or a number; values are as coarse as those of the term plus this constant.

    Returns:
        The term with errors.
    """

    size = torch.as_tensor(constant).expand(term.batch_size)

    def signs(x: torch.Tensor) -> torch.Tensor:
        bits = x.double().contiguous().view(torch.int64)
        mixed = (bits ^ (bits >> 29)) * (0x1E3779B97F4A7C15 + 2 * number)
        return 1.0 - 2.0 * ((mixed >> 40) & 1).to(x.dtype)

    def value_and_gradient(self: Any, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        value, gradient = term.value_and_gradient(x)
        sign = signs(x)
        error = units * term.gradient_error(x).unsqueeze(-1) / x.shape[-1] ** 0.5
        coarse = term.value_error(x) + torch.finfo(x.dtype).eps * size.abs()
        return value + units * coarse * sign.prod(-1), gradient + error * sign

    return derived(
        term,
        {
            "value_and_gradient": value_and_gradient,
            "value": lambda self, x: value_and_gradient(self, x)[0],
            "gradient": lambda self, x: value_and_gradient(self, x)[1],
            "select": lambda self, index: rounded(term.select(index), units, number, size[index]),
            "to": lambda self, dtype=None, device=None: rounded(term.to(dtype, device), units, number, size),
        },
    )
