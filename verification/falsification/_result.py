"""What `falsify` returns: the finding with everything that is needed to meet it again."""

from __future__ import annotations

import json
import math
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import sympy as sp

from ... import bounds, l2o
from ...l2o import Composite, InputError
from ...l2o.optimizers.by_name import OptimizerSource, is_code, resolve_optimizer
from ...l2o.optimizers.learned import LearnedOptimizer
from ...l2o.support.files import read_npz, take_meta, write_npz
from ..support.plain import plain
from ..verdicts.verdict import Verdict
from ._families import AXES, Instance
from ._judge import Judged, judge

FORMAT = 2
_WHAT, _INSTEAD = "a finding written by Falsification.save", "search again"
_JUDGED = ("verdict", "tightness", "excess", "lhs", "rhs", "slack", "index", "instance", "measured")
_ASKED = ("goal", "method", "family", "steps", "reference_step", "constant", "seed", "evaluations", "seconds")


def scaled(bound: bounds.Bound, constant: float) -> bounds.Bound:
    """The statement with its right-hand side (and nothing else) times `constant`, read as a decimal fraction."""
    if isinstance(constant, bool) or not isinstance(constant, (int, float)) or not math.isfinite(constant):
        raise InputError(f"falsify: constant must be a finite number, got {constant!r}.")
    if constant == 1:
        return bound
    factor = Fraction(str(constant))
    return bound.replace(rhs=sp.Rational(factor.numerator, factor.denominator) * bound.rhs, kind="upper")


def subject(optimizer: Any) -> OptimizerSource:
    """The optimizer as something that can be made anew; a learned one by its bare name has its LASSO weights.

    `spec` is "OPTIMIZER" where no name makes the same again: an object with options or weights of its own.
    """
    named = resolve_optimizer(optimizer, family="lasso")
    if isinstance(optimizer, (str, os.PathLike, OptimizerSource)) or named.spec not in l2o.optimizer_names():
        return named
    if _is_default(optimizer, named.spec):
        return named
    text = repr(optimizer)
    return replace(named, spec="OPTIMIZER", label=text if len(text) <= 80 else named.label)


def _is_default(optimizer: Any, name: str) -> bool:
    """Whether `l2o.optimizer(name)` is the same; weights are not compared, so a learned one is not."""
    if isinstance(optimizer, LearnedOptimizer):
        return False
    try:
        return bool(optimizer == l2o.optimizer(name))
    except (RuntimeError, ValueError):  # options that are tensors
        return False


@dataclass(frozen=True, eq=False)
class Falsification:
    """The worst run that a search met, as `verification.verify` judged it.

    `violated`: the bound is violated, beyond rounding and for every F* in the certified interval. Everything else is
    measured only: that no violation was found proves nothing, and `tightness` is a lower bound on the largest share of
    the bound that is ever used; `reached` is that of the search, before the instance was made small. `index` is the
    step k of a step bound, else None. `measured` holds rho_max, R, L, gap = F(x_K) - F* and gap_units, the gap over
    L R^2/(4K). `instance` is the problem with its start. `optimizer` is the name by which it can be made again,
    `optimizer_label` that for people. `custom`: the bound is not the catalogue's.
    """

    bound: bounds.Bound
    violated: bool
    verdict: Verdict
    tightness: float
    excess: float
    lhs: float
    rhs: float
    slack: float
    index: int | None
    instance: Instance
    measured: Mapping[str, float]
    optimizer: str
    optimizer_label: str
    family: str
    steps: int
    goal: str
    method: str
    reference_step: float
    constant: float
    seed: int
    reached: float
    evaluations: int
    seconds: float
    custom: bool = False
    notes: tuple[str, ...] = ()
    path: str | None = None
    _fresh: Any = field(default=None, repr=False)

    @classmethod
    def of(cls, judged: Judged, **more: Any) -> Falsification:
        """From a judged instance.

        Args:
            judged: The instance with its run and verdict.
            more: The fields of `Falsification` that it does not have.

        Returns:
            The result; `violated` says whether it is a violation.
        """
        return cls(violated=judged.violated, **{name: getattr(judged, name) for name in _JUDGED}, **more)

    @property
    def x0(self) -> np.ndarray:
        """(n,) the start."""
        return self.instance.x0

    @property
    def shift(self) -> np.ndarray:
        """(n,) the t of F(x + t)."""
        return self.instance.shift

    @property
    def dim(self) -> int:
        """Number of variables n."""
        return self.instance.dim

    @property
    def reproduce(self) -> str:
        """The command that meets the run again, once it is saved."""
        code = ("--optimizer", self.optimizer) if is_code(self.optimizer) else ()
        return shlex.join(["l2obound", "falsify", "--replay", self.path or "FILE", *code])

    def problem(self) -> Composite:
        """The problem, batch size 1."""
        return self.instance.problem()

    def run(self) -> l2o.Run:
        """The run, made again."""
        return l2o.rollout(self._optimizer(), self.problem(), self.instance.start(), self.steps)

    def judged_again(self) -> Falsification:
        """The same finding with the numbers of a run, an optimum and a verdict made anew."""
        judged = judge(self.instance, self._optimizer(), self.bound, self.steps, self.reference_step)
        return replace(self, violated=judged.violated, **{name: getattr(judged, name) for name in _JUDGED})

    def _optimizer(self) -> Any:
        return self._fresh() if self._fresh is not None else subject(self.optimizer).fresh()

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it as an npz, atomically and without pickle; `reproduce` then names the file.

        Args:
            path: The file.

        Returns:
            The path that was written.
        """
        meta = {name: value for name, value in self.to_dict().items() if name not in ("arrays", "x0", "shift")}
        meta |= {"format": FORMAT, "kind": self.instance.kind, "optimizer_label": self.optimizer_label}
        packed = np.frombuffer(json.dumps(meta, sort_keys=True).encode(), dtype=np.uint8)
        written = write_npz(path, {**self.instance.all_arrays(), "meta": packed})
        object.__setattr__(self, "path", str(written))
        return written

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], *, bound: bounds.Bound | None = None, optimizer: Any = None
    ) -> Falsification:
        """Read what `save` wrote. Nothing in the file is run.

        Args:
            path: The file.
            bound: The bound, where it is only in your code.
            optimizer: The optimizer, where it is only in your code.

        Returns:
            The result.

        Raises:
            InputError: For another file, and where bound or optimizer have to be given.
        """
        arrays = read_npz(path, _WHAT, _INSTEAD)
        meta = take_meta(arrays, str(path), _WHAT, _INSTEAD)
        try:
            named = {*AXES[meta["kind"]], "x0", "shift"}
            if meta["format"] != FORMAT or named != {*arrays} or any(a.dtype != np.float64 for a in arrays.values()):
                raise KeyError("format")
            start = {name: arrays.pop(name) for name in ("x0", "shift")}
            instance = Instance(meta["kind"], arrays, **start)
            if bound is None and meta["custom"]:
                raise InputError(
                    f"{path}: its bound is no bound of the catalogue but {meta['statement']}; pass it, as in "
                    f"Falsification.load(path, bound=...)."
                )
            chosen = scaled(bounds.get(meta["bound"]), meta["constant"]) if bound is None else bound
            if meta["verdict"] == str(Verdict.NOT_APPLICABLE):
                chosen = chosen.replace(slop=None)  # as the search compared it
            if optimizer is None and meta["optimizer"] == "OPTIMIZER":
                raise InputError(
                    f"{path}: its optimizer {meta['optimizer_label']} was an object; pass it, as in "
                    f"Falsification.load(path, optimizer=...)."
                )
            if optimizer is None and is_code(str(meta["optimizer"])):
                raise InputError(
                    f"{path}: its optimizer {meta['optimizer']!r} is code that would be run; if you trust the file, "
                    f"pass it, as in Falsification.load(path, optimizer=...), or --optimizer on the command line."
                )
            made = subject(meta["optimizer"] if optimizer is None else optimizer)
            numbers: dict[str, Any] = {
                n: _float(meta[n]) for n in ("tightness", "reached", "excess", "lhs", "rhs", "slack")
            }
            return cls(
                bound=chosen,
                violated=bool(meta["violated"]),
                verdict=Verdict(meta["verdict"]),
                **numbers,
                index=meta["index"],
                instance=instance,
                measured={name: _float(value) for name, value in meta["measured"].items()},
                optimizer=made.spec,
                optimizer_label=made.label,
                **{name: meta[name] for name in _ASKED},
                custom=meta["custom"],
                notes=tuple(meta["notes"]),
                path=str(path),
                _fresh=made.fresh,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            if isinstance(problem, InputError):
                raise
            raise InputError(f"{path}: not {_WHAT} in this format ({FORMAT}); {_INSTEAD}.") from None

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON, None for what does not exist."""
        return {
            "bound": self.bound.key,
            "statement": f"{self.bound.lhs} <= {self.bound.rhs}",
            "custom": self.custom,
            "violated": self.violated,
            "verdict": str(self.verdict),
            **{n: plain(getattr(self, n)) for n in ("tightness", "reached", "excess", "lhs", "rhs", "slack")},
            "index": self.index,
            "optimizer": self.optimizer,
            **{name: getattr(self, name) for name in _ASKED},
            "dim": self.dim,
            "arrays": {name: array.tolist() for name, array in self.instance.arrays.items()},
            "x0": self.x0.tolist(),
            "shift": self.shift.tolist(),
            "measured": plain(self.measured),
            "notes": list(self.notes),
            "reproduce": self.reproduce,
        }

    def summary(self) -> str:
        """A few lines for people."""
        times = "" if self.constant == 1 else f", right-hand side times {self.constant:g}"
        head = "VIOLATED" if self.violated else f"no violation found ({self.verdict})"
        where = f"{self.optimizer_label}, {self.steps} steps, family {self.family}"
        lines = [f"{self.bound.number} {self.bound.key}{times}: {head}; {where}"]
        place = "" if self.index is None else f" at step {self.index}"
        before = "" if abs(self.reached - self.tightness) < 1e-6 else f" ({self.reached:.6g} before it was made small)"
        lines.append(
            f"  tightness {self.tightness:.6g}{before}{place}: {self.lhs:.9g} against {self.rhs:.9g} "
            f"(h = {self.reference_step:g})"
        )
        m = self.measured
        lines.append(
            f"  measured: F(x_K) - F* = {m['gap']:.4g}, {m['gap_units']:.4g} of L R^2/(4K); largest rho_k "
            f"{m['rho_max']:.4g}"
        )
        arrays = {name: a for name, a in self.instance.all_arrays().items() if name != "shift" or a.any()}
        parts = ", ".join(f"{name} = {json.dumps(a.tolist())}" for name, a in arrays.items())
        lines.append(f"  instance ({self.instance.kind}, n = {self.dim}): {parts}")
        lines.append(f"  {self.evaluations} runs tried in {self.seconds:.1f} s, seed {self.seed}")
        if self.path is not None:
            lines.append(f"  again: {self.reproduce}")
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])


def _float(value: Any) -> float:
    return math.nan if value is None else float(value)
