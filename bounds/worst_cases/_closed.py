"""Worst cases that are known in closed form, each shown for the question that is asked.

A closed form comes as what proves it: the multipliers of an upper bound and the function of one variable that attains
it, both in fractions. Neither is believed: multipliers have to balance and leave a positive semidefinite matrix, by
elimination over the fractions, and the function has to satisfy every inequality. So each answer is as certain as any
other, whatever the scale of its numbers, and no solver is asked. Sources of the multipliers:

- contraction of the distance and of gradients: co-coercivity (Nesterov, Lectures on Convex Optimization, 2.1.15);
- contraction of F - F*: Taylor, Hendrickx, Glineur, J. Optim. Theory Appl. 178 (2018), for steps up to 2/L;
- F - F* from a distance: short steps by `_patterns`, long ones by contraction and F - F* <= L/2 ||x_K - x*||^2;
- proximal point: Taylor, Hendrickx, Glineur, SIAM J. Optim. 27 (2017), Theorem 4.1;
- other multipliers along the run and from the minimiser: the equations that the attaining function leaves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from ._build import build
from ._exact import Name, descending, positive_semidefinite, tight_multipliers
from ._fractions import root_above
from ._line import LONG, Function, LineRun, functions, positions, run, searched
from ._model import FRACTIONS, STAR, Model
from ._patterns import PATTERNS
from ._repair import dual_value
from ._rigour import BITS, BITS_PER_STEP, enclosed
from ._setting import Setting
from ._witness import Forms, Witness, metric_at, slacks_at

MOST_STEPS = 40
"""Steps up to which closed forms are tried where no pattern is known: numbers of digits grow with the steps."""
PRECISIONS = (128, 1024, 8192)
"""Bits of balls, the next where differences lost the digits of the one before."""
NEAR = Fraction(1, 10**20)
"""How far below L, in units of L, is the mu whose bounds are used at mu = L."""
PLAIN = ("gradient", "proximal_gradient", "projected_gradient", "proximal_point")


def exact(setting: Setting) -> bool:
    """Whether no step has an error."""
    return setting.relative is None and setting.absolute is None


def line_witness(setting: Setting, forms: Forms, searched: bool = True) -> Witness | None:
    """The worst function of one variable that is found, as an instance in fractions that was checked."""
    best: tuple[Fraction, LineRun] | None = None
    for line in line_runs(setting, searched):
        if line.initial > 0 and (best is None or line.ratio > best[0]):
            best = line.ratio, line
    if setting.initial != "gradient" and (best is None or best[0] < 0):
        return _flat(forms, Fraction(0))  # nothing moves, and nothing was to be gained
    if setting.starless and setting.bounded_below and setting.initial == "objective":
        flat = _flat(forms, Fraction(1))
        if flat is not None and (best is None or flat.metric > best[0]):
            return flat
    return None if best is None else witness_of(forms, best[1])


def line_runs(setting: Setting, searched: bool) -> Iterator[LineRun]:
    """Runs in fractions on functions of one variable, with errors either way where there are any."""
    signs = (0,) if exact(setting) else (0, -1, 1)
    for sign in signs:
        for function in functions(setting, sign, searched):
            yield run(setting, function, FRACTIONS, sign)


def ray(setting: Setting) -> Witness | None:
    """An instance that costs nothing of the initial condition and has a metric above 0: multiples of it have no bound.

    Added to any instance of the class, in coordinates of its own, it leaves all inequalities as strict as they are.
    """
    # where nothing moves, or all points are one, the momentum of acceleration has no part
    forms = Forms(build(setting, FRACTIONS if setting.rational else replace(FRACTIONS, sqrt=root_above)))
    model, runs = forms.model, []
    if setting.rational and setting.function_class != "convex":
        curvatures, signs = {Fraction(1), setting.mu / setting.L}, (0, -1, 1)
        runs += [run(setting, Function(h, h), FRACTIONS, sign) for h in curvatures for sign in signs]
    instances = [_instance(model, line) for line in runs if line.metric > 0 and line.initial <= 0]
    if setting.method in PLAIN and setting.composite and setting.relative is not None and setting.absolute is None:
        instances += [_away(model, k) for k, eps in enumerate(setting.relative, 1) if eps > 1]
    n = len(model.basis)
    far = [Fraction(int(name == "x0")) for name in model.basis]
    instances.append((far, dict.fromkeys(model.value_names, Fraction(0))))
    for kind in "fr":
        values = {name: Fraction(int(name[0] == kind)) for name in model.value_names}
        instances.append(([Fraction(0)] * n, values))
    for vector, values in instances:
        metric = metric_at(forms, vector, values)
        if metric > 0 and satisfied(forms, slacks_at(forms, vector, values, rays=True)):
            return Witness(vector, values, metric)
    return None


def _away(model: Model, first: int) -> tuple[list[Fraction], dict[str, Fraction]]:
    """x* = 0 until a step turned round by its error climbs r, then so flat a way back that 0 is not met again."""
    s = model.setting
    assert s.relative is not None, "asked only where there are relative errors"
    eps, slope = s.relative[first - 1], Fraction(1) / (2 * (1 + sum(s.lengths, Fraction(0))))
    x = (eps - 1) * s.lengths[first - 1]
    slope *= min(x, Fraction(1))
    vectors = {f"s{first}": Fraction(1), f"u{first}": -eps / s.error_unit(first)}
    values = {f"r{first}": slope * x}
    for k in range(first + 1, s.steps + 1):
        vectors[f"s{k}"] = slope
        x -= s.lengths[k - 1] * slope
        values[f"r{k}"] = slope * x
    zero = Fraction(0)
    moved = [vectors.get(f"s{k}", zero) + vectors.get(f"u{k}", zero) * s.error_unit(k) for k in range(1, s.steps + 1)]
    values["t"] = min(v * v for v in moved)
    return [vectors.get(n, zero) for n in model.basis], {n: values.get(n, zero) for n in model.value_names}


def satisfied(forms: Forms, slacks: dict[Name, Fraction]) -> bool:
    """Whether every inequality holds, and every equation."""
    return all(rest == 0 if forms.equation(name) else rest >= 0 for name, rest in slacks.items())


def _instance(model: Model, line: LineRun) -> tuple[list[Fraction], dict[str, Fraction]]:
    """A run as the numbers of a model: errors in their units, and f flat at x_0 where the gauge says so."""
    s, vectors = model.setting, dict(line.vectors)
    for name in model.basis:
        if name[0] == "u":
            vectors[name] = vectors[name] / s.error_unit(int(name[1:]))
    if s.tilted:  # f less and r more by the same linear function
        g0 = vectors["g0"]
        vectors |= {n: v - g0 if n[0] == "g" else v + g0 for n, v in vectors.items() if n[0] in "gs"}
    values = {name: Fraction(line.values[name]) for name in model.value_names}
    if s.tilted:
        x = positions(s, line)
        for name in values:
            if name[0] in "fr":
                sign = -1 if name[0] == "f" else 1
                values[name] += sign * line.vectors["g0"] * (x[int(name[1:])] - x[0])
    return [Fraction(vectors[name]) for name in model.basis], values


def witness_of(forms: Forms, line: LineRun) -> Witness | None:
    """A run as an instance scaled into the initial condition, None where an inequality does not hold."""
    vector, values = _instance(forms.model, line)
    square = 1 / line.initial
    if satisfied(forms, slacks_at(forms, vector, values, square)):
        return Witness(vector, values, line.metric * square, square)
    return None


def _flat(forms: Forms, level: Fraction) -> Witness | None:
    """All points in one, at a level above an infimum that is far away."""
    model = forms.model
    vector = [Fraction(0)] * len(model.basis)
    kinds = 1 if not model.setting.composite else 2
    values = {name: Fraction(0) if name == "t" else level / kinds for name in model.value_names}
    if satisfied(forms, slacks_at(forms, vector, values)):
        return Witness(vector, values, metric_at(forms, vector, values))
    return None


def _at_rest(setting: Setting) -> Witness | None:
    """All points at the minimiser, where nothing is gained or lost: no momentum moves them."""
    if setting.initial == "gradient":
        return None
    fractions = FRACTIONS if setting.rational else replace(FRACTIONS, sqrt=root_above)
    return _flat(Forms(build(setting, fractions)), Fraction(0))


def _squares(setting: Setting) -> list[Fraction]:
    """For each step what a squared distance is multiplied with at most."""
    if setting.function_class == "convex":
        return [Fraction(1)] * setting.steps
    low = setting.mu / setting.L
    return [max((1 - h * low) ** 2, (1 - h) ** 2) for h in setting.lengths]


def _weight(h: Fraction, low: Fraction) -> Fraction:
    """Of both inequalities between x and x*, in square ||x||^2 - ||x - h g||^2 >= 0."""
    excess = abs(2 * h / (1 + low) - h * h)
    return 2 * h * (1 - low) / (1 + low) + 2 * excess * (low if h * (1 + low) <= 2 else 1)


def _contracted(setting: Setting, last: int, after: Fraction, weights: dict[Name, Fraction], prox: int) -> Fraction:
    """Add what shows ||x_last||^2 after <= product ||x_0||^2, the proximal steps up to `prox`; returns the product."""
    low, squares = setting.mu / setting.L, _squares(setting)
    smooth, rough = setting.function_class != "convex", setting.composite or setting.function_class == "convex"
    for k in reversed(range(last)):
        h = setting.lengths[k]
        if rough and k < prox:
            for name in (("r", STAR, str(k + 1)), ("r", str(k + 1), STAR)):
                weights[name] = weights.get(name, Fraction(0)) + 2 * h * after
        if smooth:
            for name in (("f", STAR, str(k)), ("f", str(k), STAR)):
                weights[name] = weights.get(name, Fraction(0)) + _weight(h, low) * after
        after *= squares[k]
    return after


def multipliers(setting: Setting) -> Iterator[dict[Name, Fraction]]:
    """Multipliers of the normalised problem that are known to prove something of the question."""
    s, K, low = setting, setting.steps, setting.mu / setting.L
    if s.method not in PLAIN or not exact(s) or s.function_class == "smooth_nonconvex":
        return
    one = Fraction(1)
    for pattern in PATTERNS:
        if pattern.fits(s):
            tau = 1 / (4 * s.step[0] * K + (0 if s.composite else 2))
            yield {**pattern.multipliers(K), ("initial",): tau}
    if s.metric == "distance" and s.initial == "distance":
        weights: dict[Name, Fraction] = {}
        weights[("initial",)] = _contracted(s, K, one, weights, K)
        yield weights
    if s.metric == "distance" and s.initial in ("objective", "gradient") and low > 0:
        yield _distance_from_other(s)
    if s.metric == "objective" and s.initial == "distance":
        yield from _objective_from_distance(s)
    if s.metric == "objective" and s.initial == "objective":
        yield _objective_from_objective(s)
    if s.metric == "objective" and s.initial == "gradient" and low > 0:
        weights = _objective_from_objective(s)
        share = weights["initial",]  # F(x_0) - F* <= ||g_0||^2/(2 mu)
        weights["f", STAR, "0"] = weights.get(("f", STAR, "0"), Fraction(0)) + share
        yield {**weights, ("initial",): share / (2 * low)}
    if s.metric == "best_gradient" and s.initial == "gradient":
        yield _gradient_from_gradient(s)
    if s.metric == "decrease":
        names = [(kind, str(k), str(k + 1)) for k in range(K) for kind in ("f" * (s.function_class != "convex") + "r")]
        yield {name: one for name in names if name[0] == "f" or s.composite or s.function_class == "convex"}


def _distance_from_other(s: Setting) -> dict[Name, Fraction]:
    """Contraction, and ||x_0 - x*||^2 <= 2 (F(x_0) - F*)/mu or ||g_0||^2/mu^2."""
    low, weights = s.mu / s.L, dict[Name, Fraction]()
    share = _contracted(s, s.steps, Fraction(1), weights, s.steps)
    names: list[Name] = [("f", "0", STAR)]
    if s.initial == "gradient":
        names.append(("f", STAR, "0"))
    elif s.composite:
        names.append(("r", "0", STAR))
    for name in names:
        weights[name] = weights.get(name, Fraction(0)) + 2 * share / low
    weights[("initial",)] = share * (2 / low if s.initial == "objective" else 1 / low**2)
    return weights


def _objective_from_distance(s: Setting) -> Iterator[dict[Name, Fraction]]:
    K, low, one = s.steps, s.mu / s.L, Fraction(1)
    if s.function_class == "convex":
        sums = [sum(s.lengths[:k], Fraction(0)) for k in range(K + 1)]
        share = [a / (2 * sums[-1] - a) for a in sums]
        weights: dict[Name, Fraction] = {("r", str(k), str(k + 1)): share[k] for k in range(1, K)}
        weights |= {("r", STAR, str(k)): share[k] - share[k - 1] for k in range(1, K + 1)}
        yield {**weights, ("initial",): 1 / (4 * sums[-1])}
        return
    if min(s.lengths) * (1 + low) >= 2:
        weights = {("f", STAR, str(K)): one}
        if s.composite:
            weights |= {("r", STAR, str(K)): s.lengths[-1], ("r", str(K), STAR): s.lengths[-1] - 1}
        weights[("initial",)] = _contracted(s, K, one / 2, weights, K - 1)
        yield weights


def _objective_from_objective(s: Setting) -> dict[Name, Fraction]:
    low, after = s.mu / s.L, Fraction(1)
    weights: dict[Name, Fraction] = {}

    def add(kind: str, i: str, j: str, weight: Fraction) -> None:
        weights[kind, i, j] = weights.get((kind, i, j), Fraction(0)) + after * weight

    for k in reversed(range(s.steps)):
        h, before, at = s.lengths[k], str(k), str(k + 1)
        if s.function_class == "convex":
            add("r", before, at, Fraction(1))
            continue
        rate = max(1 - h * low, h - 1) if h <= 2 else h - 1
        if h <= 2:
            add("f", before, at, rate)
            add("f", STAR, before, rate * (1 - rate))
            add("f", STAR, at, 1 - rate)
        else:
            add("f", before, at, Fraction(1))
            add("f", before, STAR, h * h - 2 * h)
        if s.composite:
            if h <= 2:
                add("r", before, at, rate**2)
                add("r", STAR, at, 1 - rate**2)
            else:
                add("r", before, at, rate)
                add("r", before, STAR, rate * (rate - 1))
                add("r", at, STAR, rate - 1)
        after *= rate**2
    weights[("initial",)] = after
    return weights


def _gradient_from_gradient(s: Setting) -> dict[Name, Fraction]:
    low, squares = s.mu / s.L, _squares(s)
    products = [Fraction(1)]
    for square in squares:
        products.append(products[-1] * square)
    last = products.index(min(products))
    weights: dict[Name, Fraction] = {("metric", str(last)): Fraction(1)}
    after = Fraction(1)
    for k in reversed(range(last)):
        weight = after * _weight(s.lengths[k], low) / s.lengths[k] ** 2
        weights["f", str(k), str(k + 1)] = weights["f", str(k + 1), str(k)] = weight
        after *= squares[k]
    weights[("initial",)] = after
    return weights


def proved(forms: Forms, given: dict[Name, Fraction]) -> bool:
    """Whether multipliers prove the bound b'lambda: not negative, balanced, positive semidefinite."""
    if any(name not in forms.values or (v < 0 and not forms.equation(name)) for name, v in given.items()):
        return False
    model = forms.model
    missing = {model.value_names[i]: w for i, w in model.metric_values}
    for name, value in given.items():
        for node, weight in forms.values[name].items():
            missing[node] = missing.get(node, Fraction(0)) - value * weight
    return not any(missing.values()) and positive_semidefinite(forms.slack_matrix(given))


@dataclass(frozen=True)
class Closed:
    """What closed forms say of the normalised problem: an instance, and multipliers with the bound that they prove.

    They are the worst case where the two agree (`exact`). Where numbers are irrational `start`, a bound of what an
    instance attains, stands for the instance.
    """

    witness: Witness | None = None
    upper: Fraction | None = None
    multipliers: dict[Name, Fraction] | None = None
    start: Fraction | None = None

    @property
    def lower(self) -> Fraction | None:
        """What is attained at least."""
        return self.start if self.witness is None else self.witness.metric

    @property
    def exact(self) -> bool:
        """Whether the instance attains the bound."""
        return self.witness is not None and self.upper == self.witness.metric


def known_at_length(setting: Setting) -> bool:
    """Whether it is a long run whose multipliers are those of a pattern: no solver is asked first."""
    return MOST_STEPS < setting.steps <= LONG and any(pattern.fits(setting) for pattern in PATTERNS)


def closed_form(setting: Setting) -> Closed:
    """The best instance on a line and the best bound that can be shown in fractions."""
    if setting.one_function:
        return _one_function(setting)
    if not setting.rational:
        low = _quadratics(setting)[0]
        return Closed(_at_rest(setting) if low == 0 else None, start=low)
    if setting.steps > MOST_STEPS and not known_at_length(setting):
        return Closed()
    forms = Forms(build(setting, FRACTIONS))
    best = _best_proved(setting, forms)
    for also_by_search in (False, True):
        best = replace(best, witness=line_witness(setting, forms, also_by_search))
        if best.exact or best.witness is None or setting.steps > MOST_STEPS:
            return best
        if not exact(setting):
            continue
        names = [row.name for row in forms.model.rows]
        for chosen in ([n for n, keep in zip(names, descending(names)) if keep], names):
            given = tight_multipliers(forms, best.witness, chosen, {})
            if given and dual_value(setting, given) == best.witness.metric and proved(forms, given):
                return Closed(best.witness, best.witness.metric, given)
    return best


def _best_proved(setting: Setting, forms: Forms) -> Closed:
    """The least bound of the known multipliers that are shown to prove one."""
    best = Closed()
    for given in multipliers(setting):
        given = {name: value for name, value in given.items() if value}
        if proved(forms, given):
            tau = dual_value(setting, given)
            if best.upper is None or tau < best.upper:
                best = Closed(None, tau, given)
    return best


def _one_function(setting: Setting) -> Closed:
    """mu = L: f is L/2 ||x - x*||^2, and a method without errors multiplies x_0 - x* by a number where r = 0.

    Elsewhere a bound that is proved for a mu just below L holds for this smaller class.
    """
    if not setting.rational:
        low, high = _quadratics(setting)
        rest = _at_rest(setting) if low == 0 else None
        return Closed(rest, start=low, upper=high if exact(setting) and not setting.composite else None)
    f = Function(Fraction(1), Fraction(1))
    line = run(setting, f, FRACTIONS)
    witness = None
    if line.initial > 0 and (line.metric >= 0 or setting.initial == "gradient"):
        square = 1 / line.initial
        model = build(setting, FRACTIONS)
        witness = Witness(*_instance(model, line), line.metric * square, square)
    elif line.metric <= 0:
        witness = _at_rest(setting)
    if exact(setting) and not setting.composite:
        return Closed(witness, None if witness is None else witness.metric)
    if setting.steps > MOST_STEPS:
        return Closed(witness)
    larger = replace(setting, mu=setting.L * (1 - NEAR))
    return Closed(witness, _best_proved(larger, Forms(build(larger, FRACTIONS))).upper)


def line_of_balls(setting: Setting) -> tuple[Fraction, LineRun] | None:
    """A run on a function of one variable where the momentum is irrational: what it attains at least, and its numbers.

    Balls hold the run of the method itself, so that nothing rests on rounding; None where none attains anything.
    """
    if setting.metric == "best_gradient" or not exact(setting) or setting.one_function or setting.tilted:
        return None
    best: tuple[Fraction, LineRun] | None = None
    with enclosed(BITS + BITS_PER_STEP * setting.steps) as (balls, ends):
        for function in searched(setting):
            line = run(setting, function, balls)
            if line.initial > 0 and (low := ends(line.ratio)[0]) > 0 and (best is None or low > best[0]):
                best = low, line
    return best


def _quadratics(setting: Setting) -> tuple[Fraction | None, Fraction | None]:
    """What quadratics attain, enclosed, where the momentum is irrational: the best of them from below and above."""
    if setting.metric == "best_gradient":  # the least of balls is none of them for certain
        return None, None
    zero, low, high = Fraction(0), None, None
    for bits in PRECISIONS:
        with enclosed(bits) as (balls, ends):
            curvatures = [balls.of(h) for h in {Fraction(1), setting.mu / setting.L}]
            runs = [run(setting, Function(h, h, balls.of(zero), balls.of(zero)), balls) for h in curvatures]
            ratios = [ends(line.ratio) for line in runs if line.initial > 0]
        ratios += [(zero, zero)] if setting.initial != "gradient" else []
        low, high = max((a for a, _ in ratios), default=None), max((b for _, b in ratios), default=None)
        if low is not None and high is not None and high - low <= abs(high) / 2**60:
            break
    return low, high
