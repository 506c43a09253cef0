"""`l2obound worst-case`: what it prints, what it writes, and its exit codes."""

from __future__ import annotations

import json
import re
import sys
from fractions import Fraction

import numpy as np
import pytest

from l2obound import l2o
from l2obound.verification.cli import app as cli


@pytest.fixture
def run(monkeypatch, capsys):
    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["l2obound", "worst-case", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        out, err = capsys.readouterr()
        return exit_.value.code or 0, out, err

    return call


def test_the_answer_has_both_ends(run) -> None:
    code, out, _ = run("--steps", 3)
    assert code == 0
    assert out.startswith("The largest value of F(x_K) - F* after K = 3 steps of the method gradient (step 1)")
    assert re.search(r"^worst case +0\.0714285714$", out, re.MULTILINE)
    for end in ("lower end, attained by a function", "upper end, proved for all functions"):
        assert re.search(rf"^{end} +0\.07142857", out, re.MULTILINE)
    assert "EXACT: the two ends agree to" in out
    assert (
        "gradient, smooth_convex, K = 3, objective | distance: 0.0714285714 in [" in run("--steps", 3, "--verbose")[1]
    )


def test_files_proof_and_replay(run, tmp_path) -> None:
    proof, instance = tmp_path / "new" / "proof.json", tmp_path / "instance.npz"
    code, out, _ = run("--certificate", proof, "--instance", instance, "--proof", "--replay")
    assert code == 0
    assert re.search(r"^reached by a run on that function +0\.0454545455$", out, re.MULTILINE)
    assert re.search(r"^proved in rational numbers +exactly 1/22, by 12 inequalities$", out, re.MULTILINE)
    assert "1/10  f[* over 0]: f_* >= f_0" in out
    with np.load(instance) as arrays:
        instance = {name: arrays[name] for name in arrays.files}
    again = l2o.rollout(l2o.method_from(instance), l2o.problem_from(instance), l2o.start_from(instance), 5)
    assert float(again.objective[0, -1]) == pytest.approx(1 / 22, abs=1e-9)
    code, out, _ = run("--check", proof)
    assert (code, out) == (0, "VALID: the worst case is 1/22 (0.0454545455).\n")
    assert json.loads(run("--check", proof, "--json")[1]) == {"valid": True, "reason": "", "bound": "1/22"}


def test_a_wrong_certificate_is_exit_code_one(run, tmp_path) -> None:
    path = tmp_path / "proof.json"
    assert run("--steps", 2, "--certificate", path)[0] == 0
    data = json.loads(path.read_text())
    data["tau"] = str(Fraction(data["tau"]) - Fraction(1, 1000))
    path.write_text(json.dumps(data))
    code, out, _ = run("--check", path)
    assert code == 1
    assert out.startswith("WRONG: ")
    code, out, _ = run("--check", path, "--json")
    assert (code, json.loads(out)["valid"]) == (1, False)


def test_json_has_everything(run) -> None:
    code, out, _ = run("--steps", 2, "--json", "--replay", "--proof")
    data = json.loads(out)
    assert code == 0
    assert set(data) == {
        "question", "value", "lower", "upper", "gap", "closed", "solver", "status", "seconds", "multipliers",
        "certificate", "attained", "proof",
    }  # fmt: skip
    assert data["certificate"] == "1/10"
    assert data["question"]["step"] == ["1", "1"]
    assert data["attained"] == pytest.approx(0.1, abs=1e-9)
    assert data["lower"] <= 0.1 <= data["upper"]
    assert run("--method", "accelerated_gradient", "--steps", 3, "--json")[1].count('"certificate": null') == 1


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        (("--method", "proximal_gradient", "--steps", 2, "--step", "1,1/2"), 1 / 6),
        (("--method", "proximal_point", "--steps", 3), 1 / 12),
        (("--method", "go_math", "--steps", 2, "--momentum", "0;0,1/2"), 0.1),
        (("--method", "heavy_ball", "--steps", 2, "--momentum", "0,0"), 0.1),
        (("--L", "4", "--steps", 2), 0.4),
        (("--function-class", "smooth_strongly_convex", "--mu", "0.1", "--steps", 1, "--metric", "distance"), 0.81),
        (("--steps", 1, "--relative-error", "1"), 0.5),
        (("--steps", 1, "--absolute-error", "0"), 1 / 6),
    ],
)
def test_questions(run, arguments, value) -> None:
    code, out, _ = run(*arguments, "--replay", "--json")
    data = json.loads(out)
    assert code == 0
    assert data["value"] == pytest.approx(value, abs=1e-7)
    assert data["attained"] == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize(
    ("metric", "initial", "more"),
    [
        ("objective", "distance", ()),
        ("average_objective", "distance", ()),
        ("distance", "distance", ()),
        ("best_gradient", "distance", ()),
        ("decrease", "objective", ()),
        ("best_gradient", "distance", ("--method", "proximal_gradient")),
    ],
)
def test_every_metric_is_attained_by_its_run(run, metric, initial, more) -> None:
    data = json.loads(
        run("--steps", 2, "--step", "0.7", "--metric", metric, "--initial", initial, "--replay", "--json", *more)[1]
    )
    assert data["attained"] == pytest.approx(data["lower"], abs=1e-6)
    assert data["upper"] == pytest.approx(data["lower"], abs=1e-5)


def test_a_sweep_is_a_table(run) -> None:
    code, out, _ = run("--sweep-steps", "1,2", "--sweep-step", "0.5,1")
    assert code == 0
    assert [line.split()[2] for line in out.splitlines() if line.endswith("yes")] == [
        "0.25", "0.166666667", "0.166666667", "0.1",
    ]  # fmt: skip


def test_a_sweep_survives_what_is_unbounded(run) -> None:
    arguments = ("--sweep-relative-error", "0.5,1.2", "--method", "proximal_gradient", "--steps", 2)
    code, out, _ = run(*arguments, "--json")
    rows = json.loads(out)
    assert code == 0
    assert [row["relative_error"] for row in rows] == [0.5, 1.2]
    assert rows[0]["closed"]
    assert rows[1]["value"] is None
    assert rows[1]["unbounded"]
    assert "+inf" in run(*arguments)[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--step", "abc"), "--step: expected numbers such as 0.5 or 1/3, got 'abc'"),
        (("--step", "1/0"), "--step: expected numbers"),
        (("--steps", 1, "--absolute-error", "0,0"), "expected a number or one for each of the 1 steps, got 2"),
        (("--method", "go_math", "--momentum", "0.5"), 'go_math takes "q,b"'),
        (("--method", "go_math", "--momentum", "a,b"), "--momentum: expected numbers separated by ;"),
        (("--method", "newton"), "method: expected one of gradient"),
        (("--method", "proximal_gradient", "--steps", 2, "--relative-error", "1.2"), "the worst case is +inf"),
        (("--method", "accelerated_gradient", "--steps", 3, "--certificate", "never.json"), "--certificate: there is"),
        (("--sweep-steps", "1,2", "--proof"), "a sweep takes no --proof"),
        (("--sweep-steps", "1,1.5"), "steps: expected an integer"),
        (("--check", "missing.json"), "missing.json: no such file, so it cannot be read"),
        (
            ("--profile-of", "ista", "--reference-step", "nearest", "--batch", 1),
            "--reference-step: expected one of unit, best",
        ),
    ],
)
def test_errors_are_one_line(run, tmp_path, monkeypatch, arguments, message) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_what_is_no_certificate(run, tmp_path, text) -> None:
    (tmp_path / "odd.json").write_text(text)
    code, _, err = run("--check", tmp_path / "odd.json")
    assert code == 2
    assert "not a certificate" in err


def test_the_profile_of_an_optimizer(run) -> None:
    sizes = ("--batch", 2, "--rows", 5, "--dim", 8, "--steps", 3)
    code, out, _ = run("--profile-of", "ista", *sizes)
    assert code == 0
    assert "VERIFIED: no gap is above the worst case" in out
    assert [line.split()[0] for line in out.splitlines()[2:5]] == ["1", "2", "3"]
    assert "K = 3: largest gap" in run("--profile-of", "ista", *sizes, "--verbose")[1]
    code, out, _ = run("--profile-of", "go-math-l2o", *sizes, "--json")
    data = json.loads(out)
    assert code == 0
    assert data["run"] == "go-math-l2o (shipped weights for lasso)"
    assert [row["steps"] for row in data["rows"]] == [1, 2, 3]
