"""What `guarantee` returns: the sample, and every statement that follows from it."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ...l2o import InputError
from ...l2o.problems.families import FAMILIES
from ...l2o.support.files import read_npz, take_meta, write_npz
from ..statistics.bands import ProbabilityCurves, QuantileCurves, probability_curves, quantile_curves
from ..statistics.intervals import proportion_lower, quantile_ranks
from ..support.plain import plain
from .sample import FIELDS, Sample

FORMAT = 1
_WHAT, _INSTEAD = "a guarantee written by Guarantee.save", "make it again"
_KINDS = {"kept": "i", "diverged_at": "i", "certified": "b"}
"""The kind of number in an array of the file, where it is not floating point."""
_SETTINGS = ("optimizer", "label", "steps", "delta", "seed", "batch", "rtol")


@dataclass(frozen=True, eq=False)
class Guarantee:
    """What holds of a new instance, with confidence 1 - delta over a sample of N instances.

    `distribution` says what instances and starts are drawn from. `eps` (E,) are gaps, `radii` (R,) deviations,
    `quantiles` (Q,); `recorded` (J,) the steps k that are recorded, 0 and K among them. `sample` has what was measured
    of each instance. Everything else follows from these, as statements about a new instance of the distribution:

    - `final` (E,): P(F(x_K) - F* <= eps) is at least that, for each eps on its own;
    - `probability`: P(F(x_k) - F* <= eps) for all kept k and all eps at once;
    - `gap_curves`: quantiles of F(x_k) - F* for all kept k and all quantiles at once;
    - `deviation_final` (R,): P(max_k rho_k <= r) is at least that, for each r on its own;
    - `deviation_curves`: quantiles of max_{j<k} rho_j for all kept k and all quantiles at once.

    **What is proved**: each of these five with confidence 1 - delta over the draw of the sample (two of them together
    with 1 - 2 delta, and so on), for any distribution, if draws are independent, which their random streams stand for,
    and if optimizer, seed and settings were chosen without a look at this sample. Gaps are certified, with the rounding
    of F; a run that diverges or an F* that is not certified counts as a failure. **What is only measured**: rho as
    float64 has it, and in `bound_quantiles` the distance R. **What is not said**: anything of a single instance, or of
    another distribution.
    """

    optimizer: str
    label: str
    distribution: Mapping[str, Any]
    steps: int
    delta: float
    eps: tuple[float, ...]
    radii: tuple[float, ...]
    quantiles: tuple[float, ...]
    recorded: np.ndarray
    sample: Sample
    seed: int
    batch: int
    rtol: float

    @property
    def instances(self) -> int:
        """Size N of the sample."""
        return len(self.sample.gap_up)

    @property
    def diverged(self) -> int:
        """Runs that diverged within K steps."""
        return int((self.sample.diverged_at >= 0).sum())

    @property
    def uncertain(self) -> int:
        """Instances whose F* has no certified lower bound."""
        return int((~self.sample.certified).sum())

    @cached_property
    def successes(self) -> np.ndarray:
        """(E,J) how many instances have certainly F(x_k) - F* <= eps."""
        return np.array([(self.sample.gap_up <= eps).sum(axis=0) for eps in self.eps])

    @cached_property
    def undecided(self) -> np.ndarray:
        """(E,J) how many failures are none for certain: eps is within the interval of the gap."""
        low, up = self.sample.gap_low, self.sample.gap_up
        return np.array([((low <= eps) & (up > eps)).sum(axis=0) for eps in self.eps])

    @cached_property
    def final(self) -> np.ndarray:
        """(E,) lower bounds of P(F(x_K) - F* <= eps), each on its own."""
        return proportion_lower(self.successes[:, -1], self.instances, self.delta)

    @cached_property
    def probability(self) -> ProbabilityCurves:
        """Lower bounds (E,J) of P(F(x_k) - F* <= eps), all at once."""
        return probability_curves(self.successes, self.instances, self.steps, self.delta)

    @cached_property
    def gap_curves(self) -> QuantileCurves:
        """Bands (Q,J) of the quantiles of F(x_k) - F*, all at once."""
        return quantile_curves(self.sample.gap_low, self.sample.gap_up, self.quantiles, self.steps, self.delta)

    @cached_property
    def within(self) -> np.ndarray:
        """(R,) how many instances have max_k rho_k <= r over all K steps."""
        return np.array([(self.sample.deviation[:, -1] <= r).sum() for r in self.radii])

    @cached_property
    def deviation_final(self) -> np.ndarray:
        """(R,) lower bounds of P(max_k rho_k <= r), each on its own. That of K holds for all k before it."""
        return proportion_lower(self.within, self.instances, self.delta)

    @cached_property
    def deviation_curves(self) -> QuantileCurves:
        """Bands (Q,J) of the quantiles of max_{j<k} rho_j, all at once."""
        rho = self.sample.deviation
        return quantile_curves(rho, rho, self.quantiles, self.steps, self.delta)

    def bound_quantiles(self, name: str) -> tuple[np.ndarray, np.ndarray] | None:
        """Bands of the quantiles over instances of what a bound allows.

        Args:
            name: "last_iterate" (B6c) or "worst_case".

        Returns:
            (Q,) lower and (Q,) upper ends, each quantile on its own with confidence 1 - delta; None where the sample
            has none. An instance of which the bound says nothing has it at +inf.
        """
        values = getattr(self.sample, name)
        if values is None:
            return None
        ends = np.concatenate([[-np.inf], np.sort(np.where(np.isnan(values), np.inf, values)), [np.inf]])
        ranks = np.array([quantile_ranks(self.instances, q, self.delta) for q in self.quantiles])
        return ends[ranks[:, 0]], ends[ranks[:, 1]]

    def describe(self) -> str:
        """What instances and starts are drawn from, in words."""
        name = self.distribution["family"]
        read = FAMILIES[name].fields if name in FAMILIES else tuple(FIELDS)  # code that a file names is not run
        fields = {k: self.distribution[k] for k in FIELDS if k in read and k != "smoothness"}
        fields |= {k: v for k, v in self.distribution.items() if k == "smoothness" and k in read and v != "exact"}
        fields |= {k: self.distribution[k] for k in ("s", "t") if self.distribution[k]}
        size = [f"{name} = {value}" for name, value in fields.items() if value is not None]
        return ", ".join([str(self.distribution["family"]), *size])

    @property
    def scope(self) -> str:
        """What the statements are about, and what they are not."""
        return (
            f"Over the distribution of instances and starts that were sampled ({self.describe()}), each statement with "
            f"confidence {1 - self.delta:.6g} over the sample of {self.instances}; not for a single instance, not for "
            "another distribution."
        )

    def summary(self) -> str:
        """A few lines for people."""
        n, k = self.instances, self.steps
        lines = [f"{self.label} on {self.describe()}: {k} steps, {n} instances, delta = {self.delta:g}"]
        for i, eps in enumerate(self.eps):
            counted = f"{self.successes[i, -1]} of {n} certainly are"
            if self.undecided[i, -1]:
                counted += f", {self.undecided[i, -1]} of the others may be"
            lines.append(f"  P(F(x_{k}) - F* <= {eps:g}) >= {floored(self.final[i])} ({counted})")
        for q, low, up in zip(self.quantiles, self.gap_curves.lower[:, -1], self.gap_curves.upper[:, -1]):
            lines.append(
                f"  {q:g}-quantile of F(x_{k}) - F*: in {interval_words(low, up)}, with all k and quantiles at once"
            )
        for i, r in enumerate(self.radii):
            lines.append(f"  P(max rho_k <= {r:g}) >= {floored(self.deviation_final[i])} ({self.within[i]} of {n} are)")
        for q, low, up in zip(self.quantiles, self.deviation_curves.lower[:, -1], self.deviation_curves.upper[:, -1]):
            lines.append(
                f"  {q:g}-quantile of max rho_k: in {interval_words(low, up)}, with all k and quantiles at once"
            )
        for name, title in (("last_iterate", "B6c allows"), ("worst_case", "the exact worst case allows")):
            band = self.bound_quantiles(name)
            if band is not None:
                interval_list = ", ".join(f"{q:g}: {interval_words(a, b)}" for q, a, b in zip(self.quantiles, *band))
                lines.append(f"  quantiles of what {title} of the gap, each on its own: {interval_list}")
        if self.diverged or self.uncertain:
            lines.append(
                f"  {self.diverged} runs diverged, {self.uncertain} F* without a lower bound: counted as failures"
            )
        return "\n".join([*lines, f"  {self.scope}"])

    def to_dict(self) -> dict[str, Any]:
        """The statements as plain JSON, without the sample; None for what is not finite."""
        k = [int(v) for v in self.recorded]
        return {
            **{name: getattr(self, name) for name in _SETTINGS},
            "distribution": dict(self.distribution),
            "instances": self.instances,
            "diverged": self.diverged,
            "uncertain": self.uncertain,
            "scope": self.scope,
            "k": k,
            "final": [
                {"eps": e, "successes": int(s), "undecided": int(u), "probability_at_least": float(p)}
                for e, s, u, p in zip(self.eps, self.successes[:, -1], self.undecided[:, -1], self.final)
            ],
            "probability": {
                "method": self.probability.method,
                "level": self.probability.level,
                "eps": list(self.eps),
                "share": self.probability.share.tolist(),
                "at_least": self.probability.lower.tolist(),
            },
            "gap": _curves(self.quantiles, self.gap_curves),
            "deviation_final": [
                {"r": r, "successes": int(s), "probability_at_least": float(p)}
                for r, s, p in zip(self.radii, self.within, self.deviation_final)
            ],
            "deviation": _curves(self.quantiles, self.deviation_curves),
            "bounds": {
                name: None if band is None else {"lower": plain(band[0]), "upper": plain(band[1])}
                for name in ("last_iterate", "worst_case")
                for band in (self.bound_quantiles(name),)
            },
        }

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write sample and settings as an npz, atomically and without pickle.

        Args:
            path: The file.

        Returns:
            The path that was written.
        """
        names = Sample.__dataclass_fields__
        arrays = {name: a for name in names if (a := getattr(self.sample, name)) is not None} | {"kept": self.recorded}
        meta = {name: getattr(self, name) for name in _SETTINGS} | {"format": FORMAT}
        meta |= {"distribution": dict(self.distribution)}
        meta |= {name: list(getattr(self, name)) for name in ("eps", "radii", "quantiles")}
        packed = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)
        return write_npz(path, {**arrays, "meta": packed})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Guarantee:
        """Read what `save` wrote; every statement is computed anew from the sample.

        Args:
            path: The file.

        Returns:
            The guarantee.

        Raises:
            InputError: For another file.
        """
        arrays = read_npz(path, _WHAT, _INSTEAD)
        meta = take_meta(arrays, str(path), _WHAT, _INSTEAD)
        try:
            kinds = {name: _KINDS.get(name, "f") for name in arrays}
            if meta["format"] != FORMAT or any(a.dtype.kind != kinds[name] for name, a in arrays.items()):
                raise KeyError("format")
            recorded = arrays.pop("kept")
            sample = Sample(**arrays)
            shape = (len(sample.diverged_at), len(recorded))
            if any(a.shape != shape for a in (sample.gap_low, sample.gap_up, sample.deviation)):
                raise ValueError("shapes")
            lists: dict[str, Any] = {name: tuple(meta[name]) for name in ("eps", "radii", "quantiles")}
            settings = {name: meta[name] for name in _SETTINGS}
            return cls(distribution=meta["distribution"], recorded=recorded, sample=sample, **lists, **settings)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise InputError(f"{path}: not {_WHAT} in this format ({FORMAT}); {_INSTEAD}.") from None


def floored(probability: float, digits: int = 4) -> str:
    """A lower bound of a probability with `digits` digits, rounded down."""
    return f"{math.floor(float(probability) * 10**digits) / 10**digits:.{digits}f}"


def interval_words(low: float, up: float) -> str:
    """An interval of a number that is not negative."""
    return f"[{max(low, 0.0):.3g}, {up:.3g}]"


def _curves(quantiles: tuple[float, ...], curves: QuantileCurves) -> dict[str, Any]:
    return {
        "method": curves.method,
        "level": curves.level,
        "quantiles": list(quantiles),
        **{name: plain(getattr(curves, name)) for name in ("lower", "sample", "upper")},
    }
