"""The command `l2obound`.

Exit codes: 0 no violation, 1 a violation, 2 wrong usage or input (one clear line), 3 inconclusive with --strict; 70 a
defect of this program, with a traceback; 130 interrupted (finished work is kept).
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

# OpenMP's threads shall sleep while they wait. By default they spin, and on a busy machine every small product of two
# threads then waits for one that has no core (measured: twice to four times slower). Read when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import bounds
import l2o
from bounds.proofs import ARGUMENTS
from l2o._files import read_npz
from l2o.optimizers._learned import LearnedOptimizer
from verification._beyond_convex_cli import beyond_convex
from verification._check_cli import check
from verification._conditioning_cli import conditioning
from verification._console import console, errors, progress_bar
from verification._drift_cli import drift
from verification._experiment_cli import experiment
from verification._falsify_cli import falsify
from verification._guarantee_cli import guarantee
from verification._open_questions_cli import open_questions
from verification._sensitivity_cli import sensitivity
from verification._speedup_cli import speedup
from verification._sweep_cli import sweep
from verification._worst_case_cli import check_certificate, momentum_of, per_step, print_one, run_sweep, swept

app = typer.Typer(
    help="Says, with proof, how far a learned optimizer can be trusted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(check)
app.command()(sweep)
app.command()(speedup)
app.command()(experiment)
app.command()(falsify)
app.command()(guarantee)
app.command()(sensitivity)
app.command("open-questions")(open_questions)
app.command()(conditioning)
app.command()(beyond_convex)
app.command()(drift)
CRASH = 70  # EX_SOFTWARE of sysexits.h


def _command() -> str:
    return shlex.join(["l2obound", *sys.argv[1:]])


def _exit_code(verdicts: list[str], strict: bool) -> int:
    if "violated" in verdicts:
        return 1
    return 3 if strict and "inconclusive" in verdicts else 0


@app.command()
def report(
    config: Annotated[Path | None, typer.Argument(help="TOML file; the shipped configuration if left out.")] = None,
    out: Annotated[Path, typer.Option(help="Folder to write to; other files in it are left alone.")] = Path("report"),
    quick: Annotated[bool, typer.Option("--quick", help="A smaller report, in about a minute.")] = False,
    from_: Annotated[
        Path | None,
        typer.Option("--from", help="Redraw page, figures and tables from this folder's results.json; run nothing."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 3 where a verdict is inconclusive.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdicts as JSON.")] = False,
) -> None:
    """Run GO-Math-L2O and its rivals, certify F*, hold the bounds against the runs, write a page, figures and tables.

    Example: l2obound report --quick --out report
    """
    from verification.report import load_report_config, make_report, read_results, render_report
    from verification.report._worst_cases import violated

    if from_ is not None:
        if config is not None or quick:
            raise l2o.InputError("report: --from redraws stored results and takes neither CONFIG nor --quick.")
        results = read_results(from_)
        page = render_report(results, from_)
    else:
        if config is not None and quick:
            raise l2o.InputError("report: --quick is a configuration of its own; give CONFIG or --quick, not both.")
        settings = load_report_config(config, quick=quick)
        with progress_bar() as bar:
            task = bar.add_task("starting", total=None)
            page, results = make_report(
                settings,
                out,
                quick=quick,
                command=_command(),
                progress=lambda p: bar.update(task, completed=p.done, total=p.total, description=p.what),
            )
    verdicts = [v for run in results["runs"] for v in run["verdicts"]]
    totals = (
        {name: sum(v["counts"].get(name, 0) for v in verdicts) for name in verdicts[0]["counts"]} if verdicts else {}
    )
    if as_json:
        typer.echo(json.dumps({"page": str(page), "totals": totals, "reused": results["provenance"]["reused"]}))
    else:
        for item in results["provenance"]["reused"] if from_ is None else []:
            console.print(f"reused: {item}", highlight=False, markup=False)
        counted = ", ".join(f"{n} {name}" for name, n in totals.items())
        console.print(f"{counted}\n{page}", highlight=False, markup=False, soft_wrap=True)
    broken = [] if not results.get("worst_cases") else violated(results)
    if broken:
        errors.print(f"below an exact worst case: {', '.join(broken)}", highlight=False, markup=False)
    raise typer.Exit(_exit_code([v["verdict"] for v in verdicts] + ["violated"] * bool(broken), strict))


def _data_problem(path: Path, lam: float, kind: str) -> tuple[l2o.Composite, str]:
    """A problem and its family, from the user's file.

    A csv is of the family `kind`; an npz says what it is by its arrays, A and y, A and labels, or Q and c, and a `lam`
    in it comes first.
    """
    if path.suffix.lower() == ".csv":
        if kind not in ("lasso", "logistic_l1"):
            raise l2o.InputError(f"{path}: --problem must be lasso or logistic_l1 for a csv, got {kind!r}.")
        return l2o.real.load(path, kind, lam=lam), kind
    found = set(read_npz(path, "an npz of arrays", "save A and y (or labels, or Q and c) with numpy.savez"))
    families = {("A", "y"): "lasso", ("A", "labels"): "logistic_l1", ("Q", "c"): "quadratic"}
    family = families.get(tuple(sorted(found - {"lam"})))
    if family is None:
        raise l2o.InputError(
            f"{path}: expected arrays A and y, A and labels, or Q and c (and lam), "
            f"got {', '.join(sorted(found)) or 'none'}."
        )
    return l2o.real.load(path, family, lam=None if "lam" in found else lam), family


# The family whose shipped weights fit a data set.
_FAMILIES = {"breast_cancer": "logistic_l1", "digits": "logistic_l1", "patches": "lasso"}


def _problem(kind: str, batch: int, rows: int, dim: int, lam: float, seed: int) -> l2o.Composite:
    synthetic = l2o.synthetic
    if kind == "lasso":
        return synthetic.lasso(batch, rows, dim, lam=lam, seed=seed)
    if kind == "logistic_l1":
        return synthetic.logistic_l1(batch, rows, dim, lam=lam, seed=seed)
    if kind == "quadratic":
        return synthetic.quadratic(batch, dim, seed=seed)
    if kind == "breast_cancer":
        return l2o.real.breast_cancer(lam, seed=seed)
    if kind == "digits":
        return l2o.real.digits(lam, seed=seed)
    if kind == "patches":
        return l2o.real.patches(batch, lam=lam, seed=seed)
    raise l2o.InputError(
        f"unknown problem {kind!r}: expected lasso, logistic_l1, quadratic, breast_cancer, digits or patches."
    )


def _optimizer(name: str, family: str, weights: Path | None, untrained: bool) -> tuple[Any, str]:
    """The optimizer, and its name for people: a learned one says whether it is trained."""
    if weights is not None:
        opt, manifest = l2o.load_trained(weights)
        return opt, f"{opt.name} (trained on {manifest['family']}, {weights})"
    if (name, family) in l2o.pretrained_names() and not untrained:
        return l2o.pretrained(name, family), f"{name} (shipped weights for {family})"
    opt = l2o.optimizer(name)
    learned = isinstance(getattr(opt, "base", opt), LearnedOptimizer)  # of `safeguarded` its base
    return opt, f"{name} (UNTRAINED, random weights)" if learned else name


@app.command()
def verify(
    bound: Annotated[
        list[str] | None, typer.Option(help="A bound, by name; may be repeated. All of them if left out.")
    ] = None,
    optimizer: Annotated[str, typer.Option(help="An optimizer, by name (l2o.optimizer_names()).")] = "go-math-l2o",
    weights: Annotated[
        Path | None, typer.Option(help="Folder of `l2obound train`, in place of shipped weights.")
    ] = None,
    untrained: Annotated[bool, typer.Option("--untrained", help="Random weights, though trained ones exist.")] = False,
    problem: Annotated[
        str, typer.Option(help="lasso, logistic_l1, quadratic, breast_cancer, digits or patches.")
    ] = "lasso",
    data: Annotated[
        Path | None,
        typer.Option(help="Your problem: an npz with A, y | A, labels | Q, c (and lam); or a csv, see --problem."),
    ] = None,
    iterates: Annotated[
        Path | None,
        typer.Option(help="Your iterates: a run saved by Run.save, or an npz with X (B, K+1, n)."),
    ] = None,
    batch: Annotated[int, typer.Option(help="Number of instances.")] = 16,
    rows: Annotated[int, typer.Option(help="Rows of A.")] = 20,
    dim: Annotated[int, typer.Option(help="Variables.")] = 40,
    lam: Annotated[float, typer.Option(help="Weight of the l1 norm.")] = 0.1,
    steps: Annotated[int, typer.Option(help="Iterations K.")] = 100,
    s: Annotated[float, typer.Option("--s", help="Shift of the initial point.")] = 0.0,
    t: Annotated[float, typer.Option("--t", help="Shift of the objective, F(x + t).")] = 0.0,
    reference_step: Annotated[str, typer.Option(help='h in (0, 1], or "best".')] = "best",
    seed: Annotated[int, typer.Option(help="Seed of the problems and initial points.")] = 0,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 3 where a verdict is inconclusive.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Hold bounds against a run: yours, or one made here.

    Example: l2obound verify --optimizer fista --bound ood_last_iterate --s 10
    """
    from verification.verify import verify_all

    names = [bounds.get(name).key for name in bound] if bound else None
    if data is None:
        p, family = _problem(problem, batch, rows, dim, lam, seed), _FAMILIES.get(problem, problem)
    else:
        p, family = _data_problem(data, lam, problem)
    p = p.shifted(t) if t else p
    if iterates is None:
        opt, label = _optimizer(optimizer, family, weights, untrained)
        run = l2o.rollout(opt, p, l2o.synthetic.starts(p, shift=s, seed=seed), steps)
    else:
        run = _given_run(iterates, p)
        label = run.optimizer
    h: float | str = reference_step
    if reference_step != "best":
        try:
            h = float(reference_step)
        except ValueError:
            raise l2o.InputError(f'--reference-step: expected a number or "best", got {reference_step!r}.') from None
    from verification.optimum import optimum

    certified = optimum(p)
    results = verify_all(run, p, certified, names, h)
    if as_json:
        typer.echo(json.dumps({"run": label, "steps": run.steps, "bounds": [v.to_dict() for v in results.values()]}))
    else:
        console.print(f"{label} on {p.name}, {p.batch_size} x {p.dim}, {run.steps} steps", highlight=False)
        for v in results.values():
            console.print(v.summary(), highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(_exit_code([str(v.overall) for v in results.values()], strict))


def _given_run(path: Path, problem: l2o.Composite) -> l2o.Run:
    X = read_npz(path, "an npz", "save X (B, K+1, n) with numpy.savez").get("X")
    return l2o.Run.load(path) if X is None else l2o.run_from_iterates(problem, X)


@app.command()
def assumption(
    optimizer: Annotated[str, typer.Option(help="An optimizer, by name (l2o.optimizer_names()).")] = "go-math-l2o",
    weights: Annotated[
        Path | None, typer.Option(help="Folder of `l2obound train`, in place of shipped weights.")
    ] = None,
    untrained: Annotated[bool, typer.Option("--untrained", help="Random weights, though trained ones exist.")] = False,
    problem: Annotated[
        str, typer.Option(help="lasso, logistic_l1, quadratic, breast_cancer, digits or patches.")
    ] = "lasso",
    batch: Annotated[int, typer.Option(help="Number of instances.")] = 16,
    rows: Annotated[int, typer.Option(help="Rows of A.")] = 20,
    dim: Annotated[int, typer.Option(help="Variables.")] = 40,
    lam: Annotated[float, typer.Option(help="Weight of the l1 norm.")] = 0.1,
    steps: Annotated[int, typer.Option(help="Iterations K.")] = 100,
    s: Annotated[float, typer.Option("--s", help="Shift of the initial point.")] = 0.0,
    t: Annotated[float, typer.Option("--t", help="Shift of the objective, F(x + t).")] = 0.0,
    seed: Annotated[int, typer.Option(help="Seed of the problems and initial points.")] = 0,
    experiments: Annotated[
        bool, typer.Option("--experiments", help="The three first experiments instead; of the options they use --seed.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 3 where an experiment is undecided.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """How far a model is from Assumption 1, step by step; or three experiments to begin with.

    Example: l2obound assumption --optimizer go-math-l2o --problem lasso --s 10
    """
    if experiments:
        from verification import first_experiments as first

        found = [f(seed=seed) for f in (first.gradient_normalisation, first.history_recurrence)]
        found.append(first.rates_at_small_scale(seed=seed))
        lines, result = [e.summary() for e in found], {"experiments": [e.to_dict() for e in found]}
        words = {first.REFUTED: "violated", first.UNDECIDED: "inconclusive"}
        verdicts = [words.get(e.verdict, e.verdict) for e in found]
    else:
        from verification.assumption_meter import assumption_meter

        p = _problem(problem, batch, rows, dim, lam, seed)
        p = p.shifted(t) if t else p
        opt, label = _optimizer(optimizer, _FAMILIES.get(problem, problem), weights, untrained)
        run = l2o.rollout(opt, p, l2o.synthetic.starts(p, shift=s, seed=seed), steps)
        meter = assumption_meter(run, p, opt)
        lines = [f"{label} on {p.name}, {p.batch_size} x {p.dim}, {run.steps} steps", meter.summary()]
        result, verdicts = {"run": label, **meter.to_dict()}, ["violated"] if meter.broken_data else []
    if as_json:
        typer.echo(json.dumps(result))
    else:
        console.print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(_exit_code(verdicts, strict))


@app.command()
def train(
    config: Annotated[Path, typer.Argument(help="TOML file; see configs/.")],
    out: Annotated[Path | None, typer.Option(help="Folder for weights, manifest and resumable state.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest.")] = False,
) -> None:
    """Train a learned optimizer; interrupted and started again with the same --out, it goes on where it was.

    Example: l2obound train configs/train-go-math-l2o-lasso.toml --out runs/go-math-l2o
    """
    settings = l2o.training.load_config(config)
    folder = Path("runs") / config.stem if out is None else out
    with progress_bar() as bar:
        task = bar.add_task("training", total=None)
        trained = l2o.train(
            settings,
            folder,
            command=_command(),
            progress=lambda done, total, loss: bar.update(
                task, completed=done, total=total, description=f"loss {loss:.6g}"
            ),
        )
    if as_json:
        typer.echo(json.dumps(trained.manifest))
        return
    if trained.resumed_at:
        console.print(f"resumed after {trained.resumed_at} batches found in {folder}", highlight=False, markup=False)
    m = trained.manifest
    console.print(
        f"{m['model']}: validation loss {m['validation_loss']:.6g} at update {m['best_update']} of {m['updates']}\n"
        f"{trained.path}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def _chosen(name: str | None) -> list[bounds.Bound]:
    """The bound of that name, or every entry of the catalogue."""
    return [bounds.get(n) for n in ([name] if name else bounds.names(variants=True))]


@app.command("bounds")
def list_bounds(
    name: Annotated[str | None, typer.Argument(help="One bound; all of them if left out.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """List the catalogue of bounds, or state one.

    Example: l2obound bounds ood_last_iterate
    """
    entries = [
        {
            "name": b.key,
            "number": b.number,
            "title": b.title,
            "level": b.level,
            "kind": b.kind,
            "latex": b.latex(),
            "hypotheses": [h.statement for h in b.hypotheses],
            "source": str(b.source),
        }
        for b in _chosen(name)
    ]
    if as_json:
        typer.echo(json.dumps(entries))
    elif name:
        e = entries[0]
        console.print(f"{e['number']} {e['name']}: {e['title']} ({e['kind']}, per {e['level']})", markup=False)
        for line in (e["latex"], *(f"needs: {h}" for h in e["hypotheses"]), e["source"]):
            console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
    else:
        table = Table("", "name", "says", "per", "kind")
        for e in entries:
            table.add_row(e["number"], e["name"], e["title"], e["level"], e["kind"])
        console.print(table)


@app.command("prove")
def prove_bounds(
    name: Annotated[str | None, typer.Argument(help="One bound; a line for each if left out.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the certificate(s) as JSON.")] = False,
) -> None:
    """Check the machine proof of a bound and print it, or of all of them.

    Example: l2obound prove ood_multi_step_sharp
    """
    proofs = []
    for b in _chosen(name):
        proof = b.prove()
        proofs.append(proof)
        if as_json:
            continue
        if name:
            console.print(proof.text, markup=False, highlight=False, soft_wrap=True)
        else:
            says = f"proved, {len(proof.identity)} identities" if proof.valid else proof.reason
            console.print(f"{b.number:5}{b.key}: {says}", markup=False, highlight=False, soft_wrap=True)
    if as_json:
        certificates = [proof.certificate() for proof in proofs]
        typer.echo(json.dumps(certificates[0] if name else certificates))
    # an entry without a proof says so; an argument that does not hold is a violation
    failed = [proof for proof in proofs if not proof.valid and proof.bound in ARGUMENTS]
    raise typer.Exit(1 if failed else 0)


def _profile(name: str, problem: str, sizes: tuple, K: int, shift: float, reference: str, as_json: bool) -> None:
    """Worst cases of the deviations that a run has; exit with 1 if the run is above them."""
    from verification.profile import STEPS, profile_certificate

    p = _problem(problem, *sizes)
    opt, label = _optimizer(name, _FAMILIES.get(problem, problem), None, False)
    run = l2o.rollout(opt, p, l2o.synthetic.starts(p, shift=shift, seed=sizes[-1]), K)
    steps = sorted({k for k in STEPS if k <= K} | {K})
    with progress_bar() as bar:
        task = bar.add_task("worst cases", total=len(steps))
        found = profile_certificate(run, p, steps=steps, reference=reference, progress=lambda: bar.advance(task))
    if as_json:
        typer.echo(json.dumps({"run": label, **found.to_dict()}))
    else:
        console.print(f"{label}\n{found.summary()}", highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(_exit_code([str(v) for v in found.verdict.ravel()], False))


@app.command("worst-case")
def worst_case_(
    function_class: Annotated[
        str | None,
        typer.Option(
            help="smooth_convex, smooth_strongly_convex, smooth_nonconvex, composite, composite_strongly_convex or "
            "convex; if left out, the one that the method is most used for."
        ),
    ] = None,
    L: Annotated[str, typer.Option("--L", help="Smoothness.")] = "1",
    mu: Annotated[str, typer.Option("--mu", help="Strong convexity.")] = "0",
    method: Annotated[
        str,
        typer.Option(
            help="gradient, proximal_gradient, projected_gradient, accelerated_gradient, heavy_ball, proximal_point or "
            "go_math."
        ),
    ] = "gradient",
    step: Annotated[
        str,
        typer.Option(help="h of the step h/L (gamma of proximal_point, r of go_math): a number, or K of them: 1,3/2."),
    ] = "1",
    steps: Annotated[int, typer.Option(help="Steps K.")] = 5,
    metric: Annotated[
        str, typer.Option(help="objective, average_objective, distance, decrease or best_gradient.")
    ] = "objective",
    initial: Annotated[str, typer.Option(help="distance, objective, decrease or gradient.")] = "distance",
    relative_error: Annotated[
        str | None, typer.Option(help="eps in ||u_k|| <= eps ||G_k||: a number, or K of them.")
    ] = None,
    absolute_error: Annotated[
        str | None, typer.Option(help="delta in ||u_k|| <= delta: a number, or K of them.")
    ] = None,
    momentum: Annotated[
        str | None,
        typer.Option(
            help='heavy_ball: beta, or K of them. go_math: "q,b", each a number or K of them separated by ; as in '
            '"0.5;0.4,0.1;0.2".'
        ),
    ] = None,
    sweep_steps: Annotated[str | None, typer.Option(help="A table over these K: 1,2,5.")] = None,
    sweep_step: Annotated[str | None, typer.Option(help="A table over these h: 0.5,1,1.5.")] = None,
    sweep_relative_error: Annotated[str | None, typer.Option(help="A table over these eps: 0,0.1,0.2.")] = None,
    proof: Annotated[bool, typer.Option("--proof", help="Print which inequalities add up to the bound.")] = False,
    certificate: Annotated[
        Path | None, typer.Option(help="Write the proof over the fractions here, as JSON; see --check.")
    ] = None,
    instance: Annotated[
        Path | None, typer.Option(help="Write the worst-case instance here, as npz; l2o.problem_from takes it.")
    ] = None,
    replay: Annotated[bool, typer.Option("--replay", help="Run the method on the instance.")] = False,
    check: Annotated[
        Path | None, typer.Option(help="Check a certificate of --certificate, and do nothing else.")
    ] = None,
    profile_of: Annotated[
        str | None,
        typer.Option(
            help="An optimizer: the worst case of all runs that deviate, step by step, as much as its own do."
        ),
    ] = None,
    problem: Annotated[
        str,
        typer.Option(help="With --profile-of: lasso, logistic_l1, quadratic, breast_cancer, digits or patches."),
    ] = "lasso",
    reference: Annotated[
        str, typer.Option(help="With --profile-of: deviations from the step 1/L (unit) or from the nearest h/L (best).")
    ] = "unit",
    batch: Annotated[int, typer.Option(help="With --profile-of: number of instances.")] = 8,
    rows: Annotated[int, typer.Option(help="With --profile-of: rows of A.")] = 20,
    dim: Annotated[int, typer.Option(help="With --profile-of: variables.")] = 40,
    lam: Annotated[float, typer.Option(help="With --profile-of: weight of the l1 norm.")] = 0.1,
    s: Annotated[float, typer.Option("--s", help="With --profile-of: shift of the initial point.")] = 0.0,
    seed: Annotated[int, typer.Option(help="With --profile-of: seed of problems and initial points.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """The exact worst case of a method over a class of functions, from both sides.

    Example: l2obound worst-case --method gradient --steps 5 --certificate gradient.json
    """
    if check is not None:
        check_certificate(check, as_json)
    if profile_of is not None:
        _profile(profile_of, problem, (batch, rows, dim, lam, seed), steps, s, reference, as_json)
    from bounds.worst_cases import METHODS

    question: dict[str, Any] = {
        "function_class": function_class or METHODS.get(method, ("smooth_convex",))[0],
        "L": per_step(L, "--L"),
        "mu": per_step(mu, "--mu"),
        "method": method,
        "step": per_step(step, "--step"),
        "steps": steps,
        "metric": metric,
        "initial": initial,
        "relative_error": per_step(relative_error, "--relative-error"),
        "absolute_error": per_step(absolute_error, "--absolute-error"),
        "momentum": momentum_of(momentum, method),
    }
    axes = {
        "steps": [int(k) if k.denominator == 1 else k for k in swept(sweep_steps, "--sweep-steps")],
        "step": swept(sweep_step, "--sweep-step"),
        "relative_error": swept(sweep_relative_error, "--sweep-relative-error"),
    }
    if any(axes.values()):
        if proof or replay or certificate is not None or instance is not None:
            raise l2o.InputError("worst-case: a sweep takes no --proof, --certificate, --instance or --replay.")
        run_sweep(question, axes, as_json)
        return
    print_one(bounds.worst_case(**question), proof, certificate, instance, replay, as_json)


def main() -> None:
    """Entry point: one line and exit code 2 for wrong input."""
    try:
        app()
    except (l2o.InputError, bounds.InputError) as problem:
        errors.print(f"error: {' '.join(str(problem).split())}", style="red", markup=False, soft_wrap=True)
        sys.exit(2)
    except OSError as problem:
        where = f"{problem.filename}: " if problem.filename else ""
        errors.print(f"error: {where}{problem.strerror or problem}", style="red", markup=False, soft_wrap=True)
        sys.exit(2)
    except MemoryError as problem:
        what = f" ({problem})" if str(problem) else ""
        advice = f"error: not enough memory{what}; ask for fewer instances or smaller sizes"
        errors.print(advice, style="red", markup=False, soft_wrap=True)
        sys.exit(2)
    except Exception:  # a defect of ours: it must not exit with 1, which says that a bound is violated
        errors.print_exception()
        sys.exit(CRASH)


if __name__ == "__main__":
    main()
