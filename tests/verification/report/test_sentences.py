"""What is said of a figure changes with the data: planted edge cases, one at a time."""

import copy
from typing import Any

import pytest

from l2obound.verification.report import sentences
from l2obound.verification.report._compare import comparisons, rows
from tests.helpers.report_sample import make_results, nothing

NUMBERS = {"ind_rate": "B3", "ood_last_iterate": "B6c", "ood_multi_step": "B6", "a_priori": "B7"}


@pytest.fixture
def results():
    """One problem, GO-Math-L2O and FISTA, three scenarios, round numbers."""
    results = make_results()
    results["problems"] = results["problems"][:1]
    results["runs"] = [
        run
        for run in results["runs"]
        if run["problem"] == "lasso-20x40" and run["optimizer"]["name"] in ("go-math-l2o", "fista")
    ]
    for run in results["runs"]:
        end(run, 1e-5 if run["optimizer"]["learned"] else 1e-3)
    return results


def end(run, value, relative=None):
    """Let the run end at a gap."""
    run["gap"]["median"][-1] = value
    run["relative_gap"]["median"][-1] = value / 2 if relative is None and value is not None else relative
    return run


def lose(run, instances=32):
    """Let all instances of the run diverge."""
    run |= {"gap": nothing(), "relative_gap": nothing(), "mean_gap": {"median": []}, "rho": nothing()}
    run |= {"bound_curves": [], "diverged": instances}
    run["reach"] = [r | {"median": None, "reached": 0} for r in run["reach"]]
    if run["descent"]:
        run["descent"] |= {"totals": {"steps": 0, "rises": 0, "unguaranteed": 0, "resolved": 0}, "used_median": None}
        run["deviation"] = {"delta1": nothing(), "delta2": {"gradient_descent": nothing(), "half_step": nothing()}}
    return run


def pick(results, scenario, learned=True):
    return next(r for r in results["runs"] if r["scenario"]["key"] == scenario and r["optimizer"]["learned"] == learned)


def convergence(results):
    return sentences.convergence(results["runs"], comparisons(results))


def test_convergence_says_by_how_much(results):
    end(pick(results, "s10"), 4e-3)
    assert convergence(results) == (
        "In distribution GO-Math-L2O is at 1e-5 after 100 steps, 100 times below FISTA, at s = 10 it is at 0.004, "
        "4 times above FISTA, at t = 10 it is at 1e-5, 100 times below FISTA."
    )


def test_convergence_at_the_floor(results):
    end(pick(results, "unshifted"), -1e-12)
    assert "GO-Math-L2O is at most 1e-9 after 100 steps, at least 1e6 times below FISTA" in convergence(results)
    end(pick(results, "unshifted", False), 5e-10)
    assert (
        "In distribution GO-Math-L2O is after 100 steps within the accuracy of F* (at most 1e-9), and so is "
        "FISTA" in convergence(results)
    )


def test_convergence_of_equals(results):
    end(pick(results, "unshifted"), 1.002e-3)
    assert "GO-Math-L2O is at 0.001 after 100 steps, level with FISTA" in convergence(results)


def test_convergence_of_lost_runs(results):
    pick(results, "t10")["diverged"] = 1
    assert "at t = 10 it is at 1e-5 (1 instance diverged and left out), 100 times below" in convergence(results)
    lose(pick(results, "t10"))
    assert "at t = 10 it diverged on every instance, while FISTA is at 0.001" in convergence(results)
    lose(pick(results, "t10", False))
    assert "t = 10" not in convergence(results)  # nothing to compare; the note says which instances are left out
    assert "FISTA (t = 10, 32)" in sentences.diverged(results["runs"])[0]


def test_convergence_over_many_shifts_names_the_worst(results):
    for k in range(3):
        for run in list(results["runs"][:2]):
            other = copy.deepcopy(run)
            other["scenario"] = {"key": f"s{k}", "label": f"s = {k + 1}", "s": k + 1.0, "t": 0.0, "data": "shifted"}
            if other["optimizer"]["learned"]:
                end(other, 7e-3 if k == 1 else 1e-4)
            results["runs"].append(other)
    assert (
        "and of the 5 shifts it ends below the best classical method in 4 and above it in 1 (worst at s = 2: it is at "
        "0.007, 7 times above FISTA)." in convergence(results)
    )
    end(results["runs"][-1], -1.0)
    end(results["runs"][-2], -1.0)
    assert "below the best classical method in 3, level with it in 1 and above it in 1" in convergence(results)
    lose(pick(results, "s10"))
    assert "above it in 2 (worst at s = 10: it diverged on every instance" in convergence(results)


def test_convergence_without_one_of_the_kinds(results):
    both = results["runs"]
    results["runs"] = [run for run in both if run["optimizer"]["learned"]]
    text = convergence(results)
    assert text.startswith("No classical method is left to compare with: GO-Math-L2O in distribution ends at 1e-5")
    results["runs"] = [run for run in both if not run["optimizer"]["learned"]]
    assert convergence(results).startswith("In distribution FISTA ends at 0.001 (after 100 steps); at s = 10 FISTA")
    for run in results["runs"]:
        lose(run)
    assert convergence(results).startswith("In distribution every run diverged")
    assert sentences.convergence([], []) == "Nothing can be said of this figure: no run is left."


def test_classical_runs_at_the_floor(results):
    results["runs"] = [
        r for r in results["runs"] if not r["optimizer"]["learned"] and r["scenario"]["key"] == "unshifted"
    ]
    other = copy.deepcopy(results["runs"][0])
    other["optimizer"] |= {"name": "ista", "label": "ISTA"}
    results["runs"].append(other)
    end(results["runs"][0], 1e-6)
    assert "FISTA ends lowest, at 1e-6, and ISTA highest, at 0.001" in convergence(results)
    end(results["runs"][0], -1.0)
    assert "FISTA ends lowest, at most 1e-9, and ISTA" in convergence(results)
    end(results["runs"][1], 0.0)
    assert "all methods end within the accuracy of F*" in convergence(results)


def test_bounds_take_the_tightest_that_is_guaranteed(results):
    run = pick(results, "unshifted")
    for curve, value in zip(run["bound_curves"], (1e-4, 3.0, 0.5, 70.0)):
        curve["median"][-1] = value  # B3 without guarantee, B6 and B7 of the mean, B6c of the last gap
    assert sentences.bounds([run], NUMBERS) == (
        "After 100 steps in distribution B6c guarantees a last gap of at most 0.5, 5e4 times the measured 1e-5."
    )
    run["bound_curves"][0]["guaranteed"] = True
    assert "B3 guarantees a last gap of at most 0.0001, 10 times" in sentences.bounds([run], NUMBERS)
    end(run, 1e-10)
    assert "at least 1e5 times the measured one (at most 1e-9)" in sentences.bounds([run], NUMBERS)
    for curve in (run["bound_curves"][0], run["bound_curves"][2]):
        curve["guaranteed"] = False
    run["mean_gap"]["median"][-1] = 0.3
    assert "B6 guarantees a mean gap of at most 3, 10 times the measured 0.3" in sentences.bounds([run], NUMBERS)
    for curve in run["bound_curves"]:
        curve["guaranteed"] = False
    assert "in distribution no bound is guaranteed" in sentences.bounds([run], NUMBERS)
    assert "every instance diverged, and nothing is bounded" in sentences.bounds([lose(run)], NUMBERS)


def test_steps_count_guarantees_and_rises(results):
    run = pick(results, "unshifted")
    run["descent"] |= {"totals": {"steps": 1000, "rises": 0, "unguaranteed": 0, "resolved": 900}, "used_median": 0.25}
    assert sentences.per_step([run]) == (
        "In distribution, each of the 1,000 steps of GO-Math-L2O has a guaranteed decrease (there 25 % of the measured "
        "one in the median), and F never rises."
    )
    assert "At 10 % of the steps the guaranteed decrease is within rounding" in sentences.unresolved([run])[0]
    run["descent"]["totals"] |= {"unguaranteed": 980, "rises": 150, "resolved": 20}
    assert "2 % of the 1,000 steps of GO-Math-L2O have a guaranteed" in sentences.per_step([run])
    assert "and F rises at 15 %" in sentences.per_step([run])
    assert sentences.unresolved([run]) == []
    run["descent"]["totals"]["unguaranteed"] = 1000
    run["descent"]["used_median"] = None
    assert sentences.per_step([run]) == (
        "In distribution, none of the 1,000 steps of GO-Math-L2O has a guaranteed decrease, and F rises at 15 %."
    )
    assert "every instance of GO-Math-L2O diverged" in sentences.per_step([lose(run)])


def test_deviations_are_counted_below_one(results):
    run = pick(results, "s10")
    run["rho"]["median"] = [0.5] * 40 + [1.5] * 60
    run["deviation"]["delta1"]["median"] = [3.0] * 100
    run["deviation"]["delta2"]["gradient_descent"]["median"] = [7.0] * 100
    assert sentences.deviation([run]) == (
        "GO-Math-L2O has ‖δ1‖∞ = 3 and ‖δ2‖/‖G‖ = 7 at s = 10 (medians over instances and steps), and has a median ρ "
        "below 1 at 40 of the 100 steps drawn at s = 10."
    )
    other = pick(results, "unshifted")
    other["rho"]["median"] = [1.0] * 100
    assert "40 of the 100 steps drawn at s = 10 and 0 of 100 in distribution" in sentences.deviation([run, other])
    ideal = pick(results, "s10", False)
    ideal["rho"]["median"] = [0.0] * 100
    assert sentences.deviation([ideal]) == "Every step is the ideal one up to rounding."
    assert sentences.ideal([ideal, run]) == ["ρ is zero up to rounding, so not drawn: FISTA."]
    assert "GO-Math-L2O diverged everywhere" in sentences.deviation([lose(run)])


def test_final_gaps_count_wins(results):
    assert sentences.final_gaps(rows(results)) == (
        "In distribution a learned method ends lowest in 1 of 1 case; under a shift a learned method ends lowest "
        "in 2 of 2 cases."
    )
    end(pick(results, "s10"), 1.0)
    for learned in (True, False):
        end(pick(results, "unshifted", learned), -1e-10)
    assert sentences.final_gaps(rows(results)) == (
        "In distribution a learned method ends lowest in 0 of 1 case and is level with the best classical one in 1; "
        "under a shift a learned method ends lowest in 1 of 2 cases."
    )
    lose(pick(results, "t10", False))
    assert "lowest in 1 of 2" in sentences.final_gaps(rows(results))
    lose(pick(results, "t10"))
    assert "lowest in 0 of 2" in sentences.final_gaps(rows(results))
    results["runs"] = [run for run in results["runs"] if not run["optimizer"]["learned"]]
    assert sentences.final_gaps(rows(results)) == "There is no learned method to compare with, on 3 cases."


def test_iterations_count_who_gets_there(results):
    for run in results["runs"]:
        run["reach"][1]["median"] = 20 if run["optimizer"]["learned"] else 50
    assert sentences.iterations(rows(results)) == (
        "In distribution a learned method is the first at a relative gap of 0.0001 in 1 of 1 case; under a shift "
        "a learned method is the first at a relative gap of 0.0001 in 2 of 2 cases; learned methods have not converged "
        "within their steps in 0 of 3 median runs; classical methods have not converged within their steps in 0 of 3 "
        "median runs."
    )
    pick(results, "s10")["reach"][1]["median"] = None
    counts = sentences.iterations(rows(results))
    assert "in 1 of 2 cases" in counts
    assert "learned methods have not converged within their steps in 1 of 3" in counts
    pick(results, "unshifted", False)["reach"][1]["median"] = 20
    assert "in 0 of 1 case and is level with the best classical one in 1" in sentences.iterations(rows(results))
    assert sentences.iterations([]) == "Nothing can be said of this figure: no run is left."


def test_f_star_says_where_gaps_are_hidden(results):
    for run in results["runs"]:
        run["lowest"]["gap"] = [1e-5] * 32
    assert sentences.f_star(rows(results)) == (
        "F* is certified to within 5e-10 of its size, or better; no method comes closer to F* than that, so every gap "
        "is known."
    )
    pick(results, "t10")["lowest"]["gap"] = [1e-11] * 32
    words = "in 1 of 3 cases a method comes closer to F* than that, and such gaps cannot be told apart"
    assert words in sentences.f_star(rows(results))
    results["problems"][0]["optima"][0]["lower"][3] = None
    assert "in 1 of 3 cases some instance has no certified lower end of F*" in sentences.f_star(rows(results))
    for optimum in results["problems"][0]["optima"]:
        optimum["lower"] = [None] * 32
    assert sentences.f_star(rows(results)).startswith("In 3 of 3 cases some instance has no certified lower end")


def test_notes_say_what_bands_are(results):
    assert "medians over 32 instances" in sentences.quantiles(results["problems"][0])[0]
    assert sentences.quantiles(results["problems"][0] | {"instances": 1}) == ["One instance: there are no bands."]
    assert sentences.floor([r | {"floor": None} for r in results["runs"]]) == [
        "F* has no certified lower end here: gaps are measured from the best point found."
    ]


def test_many_certificates_are_described_by_the_least_and_the_largest(results) -> None:
    def run(label: str, ratio: float | None) -> dict[str, Any]:
        made = copy.deepcopy(results["runs"][0])
        made["optimizer"]["label"] = label
        made["certificate"] = {"gap": {"median": [1.0, None if ratio is None else 1e-3]}, "ratio": ratio}
        return made

    few = [run(name, 2.0) for name in "AB"]
    assert sentences.certified(few, {}).count("times the true one") == 2
    many = [run(name, ratio) for name, ratio in zip("ABCDE", (3.0, 1.5, 40.0, 2.0, None))]
    text = sentences.certified(many, {})
    assert text.startswith("After 100 steps the gap that a run certifies is 1.5 (B ")
    assert "to 40 times (C " in text
    assert "E " in text
    assert text.endswith("certifies nothing.")
