"""Absurd input on the command line: one clear error, exit code 2, nothing made before it is known to fit."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import typer

from l2obound import l2o
from l2obound.l2o.support.memory import available_memory, require_memory
from l2obound.verification.cli import app as cli
from l2obound.verification.falsification import Falsification, falsify
from l2obound.verification.guarantees import guarantee
from l2obound.verification.sweeps.executors import listens
from tests.helpers.hostile import GRID, NUMBERS, REPORT, SMALL, TRAINING, command, refused, verbs, write_modules


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """The command in this process, in a folder of its own."""
    return command(tmp_path, monkeypatch, capsys)


def numbers() -> list[tuple[str, str, str]]:
    kinds = ("integer", "real")
    return [(verb, p.option, p.kind) for verb, parameters in verbs().items() for p in parameters if p.kind in kinds]


def test_every_number_of_every_verb_has_a_range(capsys) -> None:
    """Not a number, infinite or an integer of thirty digits is wrong usage, whatever else is asked: nothing runs."""
    asked, group = numbers(), typer.main.get_command(cli.app)
    assert len(asked) > 40
    for verb, name, kind in asked:
        for value in ("nan", "1e400", "1" * (30 if kind == "integer" else 5000)):
            with pytest.raises(SystemExit) as end:
                group.main([verb, f"{name}={value}"], prog_name="l2obound")
            assert end.value.code == 2
            assert "Invalid value" in capsys.readouterr().err


@pytest.mark.parametrize("value", NUMBERS)
def test_absurd_numbers_are_refused_or_answered(run, value: str) -> None:
    for name in ("--steps", "--lam"):
        code, _, err = run("verify", "--bound", "B1", "--optimizer", "ista", *SMALL, f"{name}={value}")
        assert code in (0, 2), (name, err[-2000:])


SIZES = {
    "instances": ("verify", "--batch", "1000000000"),
    "rows": ("verify", "--rows", "1000000000"),
    "variables of a quadratic": ("verify", "--problem", "quadratic", "--dim", "1000000000"),
    "steps": ("verify", *SMALL, "--steps", "999999999999"),
    "steps of a meter": ("assumption", *SMALL, "--steps", "99999999999"),
    "sample": ("guarantee", "ista", "--instances", "1000000000"),
    "steps of a sample": ("guarantee", "ista", "--steps", "1000000000000"),
    "profile": ("worst-case", "--profile-of", "ista", "--batch", "1000000000"),
}


@pytest.mark.parametrize("case", SIZES)
def test_sizes_name_the_memory_that_they_need(run, case: str) -> None:
    refused(run(*SIZES[case]), "needs at least", "iB of memory", "are free")


def test_memory_is_what_the_process_may_take() -> None:
    require_memory(1.0, "one byte", "ask for less")
    with pytest.raises(l2o.InputError, match="a lot: needs at least"):
        require_memory(2 * available_memory(), "a lot", "ask for less")
    with pytest.raises(l2o.InputError):
        require_memory(float("nan"), "no number", "ask for less")
    limits = resource.getrlimit(resource.RLIMIT_AS)
    taken = resource.getpagesize() * int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (taken + 2**29, limits[1]))
    try:
        left = available_memory()
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
    assert 0 < left <= 2**29


@pytest.mark.parametrize(
    "text", ["1e400", "-1e400", "1e-400", "nan", "inf", "1e999999999", "9" * 5000, "1/0", "", "0x1"]
)
@pytest.mark.parametrize("name", ["--L", "--mu", "--step", "--relative-error", "--sweep-step"])
def test_numbers_of_worst_cases_are_finite(run, name: str, text: str) -> None:
    refused(run("worst-case", f"{name}={text}"), name)


def test_a_sweep_of_a_hundred_million_cells_is_counted_and_refused(run, tmp_path: Path) -> None:
    axes = f"seed = {list(range(1000))}\ns = {[float(i) for i in range(1000)]}\nt = {[float(i) for i in range(100)]}\n"
    (tmp_path / "big.toml").write_text(f'title = "big"\n[[grid]]\n{axes}')
    refused(run("sweep", "big.toml"), "100000000 cells")
    (tmp_path / "grid.toml").write_text(GRID)
    refused(run("sweep", "grid.toml", "--set", "rows=1000000000"), "t: 1 cell,", "needs at least")
    refused(run("sweep", "grid.toml", "--set", "steps=999999999999999999999"), "steps")
    refused(run("sweep", "grid.toml", "--set", "steps=1e400"), "steps")


WRONG = {
    "a text for a number": ("steps = 5", 'steps = "5"', "steps: expected an integer, got '5'"),
    "a truth for a number": ("steps = 5", "steps = true", "steps"),
    "a number for a truth": ("proofs = false", "proofs = 0", "proofs: expected true or false, got 0"),
    "a text for a truth": ("proofs = false", 'proofs = "no"', "proofs"),
    "a number for a text": ('title = "t"', "title = 1", "title"),
    "an infinite shift": ("[{}]", "[{ s = inf }]", "finite"),
    "not a number": ("[{}]", "[{ t = nan }]", "finite"),
    "a step beyond 1": ('title = "t"', 'title = "t"\nreference_step = 2.0', "reference_step"),
    "steps beyond memory": ("steps = 5", "steps = 100000000000", "needs at least"),
    "rows beyond memory": ("rows = 4", "rows = 10000000000", "needs at least"),
    "thirty digits": ("rows = 4", "rows = 1" + "0" * 30, "rows"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_report_configuration_does_not_begin(run, tmp_path: Path, case: str) -> None:
    old, new, says = WRONG[case]
    (tmp_path / "r.toml").write_text(REPORT.replace(old, new))
    refused(run("report", "r.toml"), says)
    assert not list((tmp_path / "report").glob("**/*.json"))


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("threads", 100_000_000, "threads"),
        ("unroll", 10**9, "unroll"),
        ("batch", 10**11, "needs at least"),
        ("learning_rate", float("inf"), "finite"),
        ("batches", 10**400, "batches"),
        ("epochs", "1", "epochs"),
        ("epochs", True, "epochs"),
    ],
)
def test_a_wrong_training_configuration_does_not_begin(name: str, value: object, says: str) -> None:
    table = tomllib.loads(TRAINING)
    with pytest.raises(l2o.InputError, match=says):
        l2o.train({**table, "training": {**table["training"], name: value}})


def test_weights_beyond_memory_are_not_drawn() -> None:
    for options in ({"hidden_size": 100_000}, {"layers": 10**9}, {"hidden_size": 10**18}):
        with pytest.raises(l2o.InputError, match=r"needs at least|expected an integer"):
            l2o.optimizer("go-math-l2o", **options)
    with pytest.raises(l2o.InputError, match="needs at least"):
        l2o.optimizer("ada-lista", rows=100_000)
    with pytest.raises(l2o.InputError, match="2\\*\\*63"):
        l2o.optimizer("go-math-l2o", seed=10**30)


def test_more_threads_than_cores_are_not_started() -> None:
    table = tomllib.loads(TRAINING)
    trained = l2o.train({**table, "training": {**table["training"], "threads": 64}})
    assert trained.manifest["threads"] <= (os.cpu_count() or 1)


USERS = {
    "a factory that raises": ("hostile_codes:raises", "my own message", "in raises"),
    "a factory that ends the program": ("hostile_codes:quits", "ended the program", "in quits"),
    "a step that raises": ("hostile_codes:Fails", "ZeroDivisionError", "in step"),
    "a step that ends the program": ("hostile_codes:Exits", "ended the program", "in step"),
    "a syntax error": ("hostile_syntax:f", "SyntaxError", "def f(:"),
    "a missing package": ("hostile_lacks:f", "nosuch_package", "import nosuch_package"),
    "a missing name": ("hostile_name:f", "NameError", "x = undefined"),
}


@pytest.mark.parametrize("case", USERS)
@pytest.mark.parametrize("verb", ["guarantee", "falsify"])
def test_errors_of_the_users_code_are_shown_as_theirs(run, tmp_path: Path, verb: str, case: str) -> None:
    """The message and the traceback, from where their code begins."""
    write_modules(tmp_path)
    spec, *says = USERS[case]
    more = ("--instances", "30", "--steps", "2") if verb == "guarantee" else ("--evaluations", "300")
    named = (spec,) if verb == "guarantee" else ("B1", "--optimizer", spec)
    code, out, err = run(verb, *named, *more, "--json")
    assert (code, out) == (2, "")
    for words in says:
        assert words in err
    assert str(Path(cli.__file__).parent) not in err
    for name in ("codes", "syntax", "lacks", "name"):
        sys.modules.pop(f"hostile_{name}", None)


def test_a_name_that_a_module_lacks_is_one_line(run, tmp_path: Path) -> None:
    write_modules(tmp_path)
    refused(run("check", "hostile_codes:nosuch"), "hostile_codes has no nosuch")
    refused(run("check", "nosuch_module:x:x"), "No module named 'nosuch_module'")  # and :x: stays what it is
    sys.modules.pop("hostile_codes", None)


def test_a_defect_of_ours_is_still_exit_code_70(run, monkeypatch) -> None:
    monkeypatch.setattr(l2o.synthetic, "lasso", None)
    code, _, err = run("verify")
    assert code == cli.CRASH
    assert "TypeError" in err
    monkeypatch.undo()


def test_a_finding_does_not_name_code_to_run(tmp_path: Path, monkeypatch) -> None:
    search = falsify("B1", "ista", evaluations=300, budget=5, goal="tightness")
    path = search.save(tmp_path / "f.npz")
    with np.load(path) as archive:
        arrays = dict(archive)
    meta = json.loads(arrays.pop("meta").tobytes())
    text = json.dumps({**meta, "optimizer": "os:abort"}).encode()
    np.savez(tmp_path / "g.npz", **arrays, meta=np.frombuffer(text, dtype=np.uint8))
    with pytest.raises(l2o.InputError, match="'os:abort' is code that would be run"):
        Falsification.load(tmp_path / "g.npz")
    assert Falsification.load(tmp_path / "g.npz", optimizer="ista").optimizer == "ista"


def test_a_scheduler_that_is_not_there_is_said_at_once() -> None:
    for address in ("tcp://127.0.0.1:9", "127.0.0.1:9", "nonsense", "tcp://", "tcp://h:0", "tcp://h:99999999", ""):
        with pytest.raises(l2o.InputError, match="--scheduler"):
            listens(address)


def test_a_sample_has_no_more_instances_than_the_split() -> None:
    with pytest.raises(l2o.InputError, match=r"at most 1000000 with a batch of 1|needs at least"):
        guarantee("ista", {"rows": 2, "dim": 3}, 1, instances=1_000_001, batch=1, points=1)


SURROUNDINGS = {
    "no backend, ascii, narrow": {
        "MPLBACKEND": "nonsense",
        "PYTHONIOENCODING": "ascii",
        "COLUMNS": "1",
        "LANG": "C",
        "LC_ALL": "C",
    },
    "a backend of notebooks, latin-1": {
        "MPLBACKEND": "module://nosuch.backend_inline",
        "PYTHONIOENCODING": "latin-1:strict",
        "NO_COLOR": "1",
    },
    "no home": {"HOME": "/proc/nothing", "XDG_CACHE_HOME": "", "MPLCONFIGDIR": "", "L2OBOUND_CACHE": "/proc/nothing"},
}
ASKED = """
import subprocess, sys
import l2obound.verification.cli.app as cli
codes = []
for arguments in (["bounds"], ["bounds", "B6c"], ["--help"], ["bounds", "nosuch"], ["worst-case", "--steps", "1"]):
    sys.argv = ["l2obound", *arguments]
    try:
        cli.main()
    except SystemExit as end:
        codes.append(end.code or 0)
print("codes", codes, file=sys.stderr)
from l2obound.verification.pages import figure_files
from matplotlib.figure import Figure
assert all(figure_files(Figure(), "f").values())
"""


@pytest.mark.parametrize("case", [c if "ascii" in c else pytest.param(c, marks=pytest.mark.slow) for c in SURROUNDINGS])
def test_surroundings_do_not_matter(case: str, tmp_path: Path) -> None:
    environment = {**os.environ, **SURROUNDINGS[case]}
    outcome = subprocess.run(
        [sys.executable, "-c", ASKED], env=environment, capture_output=True, check=False, timeout=120, cwd=tmp_path
    )
    err = outcome.stderr.decode("utf-8", "replace")
    assert outcome.returncode == 0, err[-2000:]
    assert "codes [0, 0, 0, 2, 0]" in err
    assert "Traceback" not in err


PRINTS = """
import os, sys
sys.argv = ["l2obound", *sys.argv[1:]]
import cvxpy
solve = cvxpy.Problem.solve
def loud(self, *a, **k):
    os.write(1, b"written by a solver\\n"); print("printed by a solver")
    return solve(self, *a, **k)
cvxpy.Problem.solve = loud
from l2obound.verification.cli import app
app.main()
"""


@pytest.mark.slow
def test_standard_output_holds_the_json_alone(tmp_path: Path) -> None:
    """What a solver or a module of the user prints, in Python or below it, is no part of the results."""
    write_modules(tmp_path)
    texts = []
    for arguments in (
        ("guarantee", "hostile_codes:prints", "--instances", "20", "--steps", "2", "--json"),
        ("verify", "--bound", "B1", "--optimizer", "ista", "--problem", "logistic_l1", *SMALL[:-2], "--json"),
    ):
        outcome = subprocess.run(
            [sys.executable, "-c", PRINTS, *arguments], cwd=tmp_path, capture_output=True, check=True, timeout=120
        )
        json.loads(outcome.stdout)
        texts.append(outcome.stderr)
    assert b"written by the user's code" in texts[0]
    assert b"printed by the user's code" in texts[0]


@pytest.mark.slow
def test_a_reader_that_is_gone_and_a_closed_output_leave_the_exit_code(tmp_path: Path) -> None:
    for ending in ("| head -c 10 >/dev/null", ">&-"):
        command = f'set -o pipefail; "{sys.executable}" -m l2obound bounds --json {ending}'
        outcome = subprocess.run(["bash", "-c", command], capture_output=True, check=False, timeout=120, cwd=tmp_path)
        assert (outcome.returncode, outcome.stderr) == (0, b"")
    if Path("/dev/full").exists():
        command = f'"{sys.executable}" -m l2obound bounds --json > /dev/full'
        outcome = subprocess.run(["bash", "-c", command], capture_output=True, check=False, timeout=120, cwd=tmp_path)
        assert outcome.returncode == 2
        assert b"standard output" in outcome.stderr


def test_what_others_print_is_no_result(run, tmp_path: Path) -> None:
    write_modules(tmp_path)
    code, out, err = run("guarantee", "hostile_codes:prints", "--instances", "20", "--steps", "2", "--json")
    assert code == 0
    assert json.loads(out)["label"] == "ista"
    assert "printed by the user's code" in err
    sys.modules.pop("hostile_codes", None)
