"""An empty folder, the wheel, and files as a user writes them: every verb answers, with the right verdicts.

Slow: each command is a process of its own, as for the user. Sizes are small; what is judged is who gets in and what is
said, not how fast anything converges.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.wheels import ROOT, build, environment

pytestmark = pytest.mark.slow
FILES = ROOT / "tests" / "data" / "user_files"
LIMIT = 15
"""Lines that a user may have to write."""
SMALL = ("--batch", "2", "--rows", "8", "--dim", "6", "--steps", "6")
VERDICTS = ("B1", "B3", "B6c")
JUDGED = tuple(part for name in VERDICTS for part in ("--bound", name))
Command = Callable[..., tuple[int, Any, str]]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    return environment(folder / "environment", build(folder))


@pytest.fixture
def run(python: Path, tmp_path: Path) -> Command:
    """The command `l2obound` with --json, in an otherwise empty folder with the user's files: code, answer, errors."""
    home = tmp_path / "user"
    shutil.copytree(FILES, home, ignore=shutil.ignore_patterns("__pycache__"))
    unset = ("PYTHONPATH", "L2OBOUND_CACHE")
    variables = {name: value for name, value in os.environ.items() if name not in unset}
    variables |= {"OMP_NUM_THREADS": "1", "L2OBOUND_CACHE": str(tmp_path / "cache")}

    def call(*arguments: str, program: Path = python.parent / "l2obound") -> tuple[int, Any, str]:
        end = subprocess.run(
            [program, *map(str, arguments)], cwd=home, env=variables, capture_output=True, text=True, check=False
        )
        answer = json.loads(end.stdout) if "--json" in arguments and end.stdout else end.stdout
        return end.returncode, answer, " ".join(end.stderr.split())

    return call


def judged(answer: dict[str, Any]) -> dict[str, str]:
    """The verdicts of `verify --json` by number."""
    return {bound["number"]: bound["verdict"] for bound in answer["bounds"]}


def test_the_files_are_short_and_the_package_is_that_of_the_wheel(run: Command, python: Path) -> None:
    for file in FILES.glob("*.py"):
        assert len(file.read_text(encoding="utf-8").splitlines()) <= LIMIT, file.name
    code, where, err = run(
        "-c", "import l2obound, l2obound.l2o as l; print(l2obound.__file__, l.__file__)", program=python
    )
    assert code == 0, err
    assert all(path.startswith(str(python.parents[1])) for path in where.split()), where
    assert run("-m", "l2obound", "--version", program=python)[1] == run("--version")[1]


MODELS = {
    "an LSTM that updates in place": ("lstm.py:MyLSTM", "not applicable"),
    "an LSTM with init and step, in float32": ("steps.py:MyLSTM", "not applicable"),
    "a function": ("func.py:ista", "verified"),
    "a class of torch.optim": ("signs.py:Normed", "not applicable"),
}
WITHOUT_WEIGHTS = ("func.py:ista", "signs.py:Normed")
WEIGHTS = ("--check", "finite_gradients", "--check", "every_weight_has_a_part")


@pytest.mark.parametrize("who", MODELS)
def test_a_model_goes_through_every_verb(run: Command, who: str) -> None:
    spec, exact = MODELS[who]
    expected = {"B1": "verified", "B3": exact, "B6c": "verified"}
    code, answer, err = run("verify", "--optimizer", spec, *SMALL, *JUDGED, "--json")
    assert (code, judged(answer)) == (0, expected), err
    code, answer, err = run("report", "--optimizer", spec, *SMALL, *JUDGED, "--out", "report", "--json")
    assert (code, judged(answer["runs"][0])) == (0, expected), err
    code, answer, err = run("assumption", "--optimizer", spec, *SMALL, "--json")
    assert (code, answer["broken_data"]) == (0, []), err
    names = (
        "deterministic",
        "state_not_mutated",
        "batch_equals_loop",
        "starts_at_x0",
        "descent",
        "record_is_of_this_step",
    )
    chosen = [part for name in names for part in ("--check", name)]
    code, answer, err = run("check", spec, "--profile", "dev", *chosen, "--json")
    assert code == 0, (answer, err)
    code, answer, err = run("check", spec, "--profile", "dev", *WEIGHTS, "--json")
    assert code == 0, (answer, err)
    weights = {result["name"]: result["message"] for result in answer["results"]}
    assert all("no tensors" in m or "in place" in m for m in weights.values()) == (spec in WITHOUT_WEIGHTS), weights
    limits = ("--evaluations", "300", "--dim", "1", "--steps", "2")
    code, answer, err = run("falsify", "B1", "--optimizer", spec, *limits, "--json")
    assert (code, answer["verdict"]) == (0, "verified"), err
    code, answer, err = run("guarantee", spec, "--instances", "20", *SMALL[2:], "--json")
    assert code == 0, err
    assert answer["instances"] == 20
    few = ("--pattern", "short-step", "--size", "0.5", "--quick", "--out", "sensitivity")
    code, answer, err = run("sensitivity", "--optimizer", spec, *SMALL, *few, "--json")
    assert code == 0, err


PROBLEMS = {"total variation": "tv.py:tv", "Poisson counts by autograd": "poisson.py:counts"}


@pytest.mark.parametrize("what", PROBLEMS)
def test_a_problem_goes_through_every_verb(run: Command, what: str) -> None:
    spec = PROBLEMS[what]
    with_it = ("--problem", spec, "--optimizer", "ista", *SMALL)
    code, answer, err = run("verify", *with_it, *JUDGED, "--json")
    assert code == 0, err
    far = "inconclusive" if what in WITHOUT_DUAL else "verified"
    assert judged(answer) == {"B1": "verified", "B3": far, "B6c": far}
    assert any("is estimated, not bounded" in note for bound in answer["bounds"] for note in bound["notes"])
    code, answer, err = run("verify", *with_it, *JUDGED, "--lower", "-1000000", "--json")
    assert (code, "violated" in judged(answer).values()) == (0, False), err
    code, _, err = run("verify", *with_it, *JUDGED, "--lower", "1000000")
    assert (code, "was given to be at least 1000000" in err) == (2, True), err
    code, answer, err = run("report", *with_it, *JUDGED, "--out", "report", "--json")
    assert (code, judged(answer["runs"][0])["B1"]) == (0, "verified"), err
    code, answer, err = run("assumption", *with_it, "--json")
    assert (code, answer["broken_data"]) == (0, []), err
    code, answer, err = run("guarantee", "ista", "--problem", spec, "--instances", "20", *SMALL[2:], "--json")
    assert code == 0, err
    few = ("--pattern", "short-step", "--size", "0.5", "--quick", "--out", "sensitivity")
    code, answer, err = run("sensitivity", *with_it, *few, "--json")
    assert code == 0, err


WITHOUT_DUAL = ("total variation",)
"""F* has no lower end there unless one is given."""
UNSOUND = {"Poisson counts by autograd": ["gradient_matches_differences", "smoothness_upper_bound"]}
"""What is wrong of them far away, where the rate is below 10 or negative: f has no such L there, and no value."""
CHECK = """
from {module} import {name}
from l2obound import verification
report = verification.check_problem({name}(0, 2), profile="dev")
print([result.name for result in report.failed])
"""


@pytest.mark.parametrize("what", PROBLEMS)
def test_a_problem_is_checked_and_where_a_verb_has_no_use_for_it_a_sentence_says_so(
    run: Command, python: Path, what: str
) -> None:
    spec = PROBLEMS[what]
    module, _, name = spec.partition(".py:")
    code, out, err = run("-c", CHECK.format(module=module, name=name), program=python)
    assert (code, out.strip()) == (0, str(UNSOUND.get(what, []))), err
    code, out, err = run("falsify", "B1", "--problem", spec)
    assert (code, out) == (2, "")
    assert "the search moves the data of a family that it knows" in err


def test_iterates_in_float32_of_another_code(run: Command, python: Path) -> None:
    assert run("theirs.py", program=python)[0] == 0
    data = ("--data", "data.npz", "--iterates", "x.npy", *JUDGED)
    code, answer, err = run("verify", *data, "--json")
    assert (code, judged(answer)) == (0, {"B1": "verified", "B3": "verified", "B6c": "verified"}), err
    assert any("the run is in float32" in note for bound in answer["bounds"] for note in bound["notes"])
    code, answer, err = run(
        "report", *data, "--optimizer", "func.py:ista", "--steps", "40", "--out", "report", "--json"
    )
    assert code == 0, err
    assert [judged(entry)["B3"] for entry in answer["runs"]] == ["verified", "verified"]
    for verb in (("assumption",), ("check", "ista"), ("falsify", "B1"), ("guarantee", "ista"), ("sensitivity",)):
        code, out, err = run(*verb, "--iterates", "x.npy")
        assert (code, out) == (2, "")
        assert "runs the optimizer itself" in err, err
