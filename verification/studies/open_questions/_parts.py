"""The questions, and what answers each: one entry of `PARTS` a question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from matplotlib.figure import Figure

from ...support.provenance import code_digest
from .. import load
from ..framework import Context
from . import _scales

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """How a part is run: seed of problems and draws, fewer and smaller problems, processes for sweeps."""

    seed: int = 0
    quick: bool = False
    jobs: int = 1


@dataclass(frozen=True, eq=False)
class Answer:
    """What a part found: sentences, every number in them computed; the figure, or figures, that show it; its page."""

    sentences: tuple[str, ...]
    figures: dict[str, Figure]
    page: Path
    broken: int = 0


@dataclass(frozen=True)
class Part:
    """A question: who asks it, what it asks, the command that answers it alone, and `make`, which does.

    `make(folder, asked, tell)` writes the part's own pages and data into `folder`.
    """

    asked_by: str
    question: str
    command: str
    make: Callable[[Path, Asked, Tell], Answer]


def of_study(name: str, asked_by: str) -> Part:
    """The question of a study."""
    study = load(name)

    def make(folder: Path, request: Asked, tell: Tell) -> Answer:
        settings = study.settings(seed=request.seed)
        # what an earlier version of the program made is no part of an answer of this one
        store = folder / "store" / code_digest()[:12]
        context = Context(lambda done, total, what: tell(f"{done} of {total}: {what}"), store)
        result = study.run(study.quick(settings) if request.quick else settings, context)
        page = study.write(result, folder)
        return Answer(tuple(study.headline(result)), dict(study.figures(result)), page, len(result.broken))

    return Part(asked_by, study.question, f"l2obound {name}", make)


def _scale(folder: Path, request: Asked, tell: Tell) -> Answer:
    results, page = _speedup("scales", folder, request, tell)
    drawn = {"scales": _scales.across_scales(results)}
    drawn["scales-matched"] = _scales.across_scales(results, _scales.MATCHED)
    return Answer(tuple(_scales.scale_sentences(results)), drawn, page)


def _baselines(folder: Path, request: Asked, tell: Tell) -> Answer:
    from ..speedup.figures import forest

    results, page = _speedup("baselines", folder, request, tell)
    drawn = {"baselines": forest(results, _scales.LEARNED, results["config"]["shown"])}
    return Answer(tuple(_scales.baseline_sentences(results)), drawn, page)


def _speedup(name: str, folder: Path, request: Asked, tell: Tell) -> tuple[_scales.Results, Path]:
    """The comparison of `name`.toml; with `quick` its smallest settings, fewer instances and steps."""
    from ..speedup import load_speedup, run_speedup, write

    config = load_speedup(str(files(__package__) / f"{name}.toml"))
    fixed = {**config.fixed, "seed": request.seed}
    settings: Sequence = config.setting
    if request.quick:
        fixed |= {"batch": 6, "steps": 100}
        settings = [s for s in settings if s.cell.get("dim", 0) <= 40]
        settings = [s.model_copy(update={"cell": {k: v for k, v in s.cell.items() if k != "batch"}}) for s in settings]
    config = config.model_copy(update={"fixed": fixed, "setting": tuple(settings)})
    results = run_speedup(config, folder, jobs=request.jobs, tell=tell, command=f"l2obound open-questions {name}")
    return results, write(results, folder)


PAPER, CHECK, PRACTICE = "An open question of the paper", "A check that the paper calls for", "Asked in practice"
PARTS: dict[str, Part] = {
    "beyond-convex": of_study("beyond-convex", f"{PAPER}, and {CHECK[0].lower()}{CHECK[1:]}"),
    "sensitivity": of_study("sensitivity", PAPER),
    "conditioning": of_study("conditioning", PAPER),
    "scales": Part(
        CHECK,
        "Does “up to ten times faster” hold across scales and dimensions?",
        "l2obound open-questions scales",
        _scale,
    ),
    "baselines": Part(
        CHECK,
        "How does GO-Math-L2O stand against more learned baselines, and against optimizers that learn nothing?",
        "l2obound open-questions baselines",
        _baselines,
    ),
    "drift": of_study("drift", PRACTICE),
}
"""The questions by name, in the order of the page."""
