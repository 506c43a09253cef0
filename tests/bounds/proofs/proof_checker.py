"""Checks the certificate of a proof, as JSON, knowing nothing of the package that made it.

A vector is a symbol and an inner product a product (sound for terms of degree 0 or 2 in the vectors, which is checked);
all arithmetic is in a field of rational functions over the rationals, so an identity holds or it does not.
"""

import itertools
import re

import sympy as sp
from sympy.polys.fields import FracField

CONVEX = "(f_{a} - f_{b} - g_{b}*(x_{a} - x_{b}))"
STRONG = "((L - mu)*" + CONVEX + " - ((g_{a}-g_{b})**2 + mu*L*(x_{a}-x_{b})**2 - 2*mu*(g_{a}-g_{b})*(x_{a}-x_{b}))/2)"
POINTS = {  # >= 0 at points a, b
    "descent_lemma": "f_{a} + g_{a}*(x_{b} - x_{a}) + L/2*(x_{b} - x_{a})**2 - f_{b}",
    "convexity": CONVEX,
    "smooth_interpolation": CONVEX + " - (g_{a} - g_{b})**2/(2*({0}))",
    "subgradient": "r_{a} - r_{b} - s_{b}*(x_{a} - x_{b})",
    "inexact_subgradient": "r_{a} - r_{b} - s_{b}*(x_{a} - x_{b}) + ({0})",
    "monotone_subdifferential": "(s_{a} - s_{b})*(x_{a} - x_{b})",
    "strong_convexity": CONVEX + " - mu/2*(x_{a} - x_{b})**2",
    "strong_interpolation": STRONG,
    "lipschitz_gradient": "L**2*(x_{a} - x_{b})**2 - (g_{a} - g_{b})**2",
    "polyak_lojasiewicz": "g_{a}**2 - 2*mu*(f_{a} - f_inf)",
    "gradient_domination": "2*L*(f_{a} - f_inf) - g_{a}**2",
    "cauchy_schwarz": "({0})*({1}) - ({2})*({3})",
    "norm": "({0})**2 - ({1})**2",  # = 0
    "entrywise_product": "({0})*({1}) - ({2})",
    "jensen": "({0})",
    "hypothesis": "({0})",  # what the statement supposes: for the reader to judge
}
NEEDS = {  # hypotheses by the rules that rest on them
    "f_smooth": ("descent_lemma", "smooth_interpolation", "strong_interpolation", "lipschitz_gradient"),
    "f_convex": ("convexity", "smooth_interpolation", "jensen"),
    "r_convex": ("subgradient", "inexact_subgradient", "monotone_subdifferential", "jensen"),
    "strongly_convex": ("strong_convexity", "strong_interpolation"),
    "polyak_lojasiewicz": ("polyak_lojasiewicz",),
}


class Wrong(Exception):
    """The certificate does not hold."""


def demand(condition, message):
    if not condition:
        raise Wrong(message)


def parse(text):
    names = set(re.findall(r"[A-Za-z]\w*", text))
    return sp.sympify(text, locals={name: sp.Symbol(name) for name in names - {"Max"}})


def move(expression, index, position):
    ends = {s: sp.Symbol(s.name[:-1] + index) for s in expression.free_symbols if s.name.endswith("_k")}
    return expression.xreplace(ends).subs(sp.Symbol("k"), parse(position))


def sign(expression, domain, certificate, strict=False):
    """Whether all coefficients are >= 0 after the change of variables."""
    for _ in domain:
        expression = expression.subs([(sp.Symbol(name), value) for name, value in domain.items()])
    names = sorted(expression.free_symbols, key=str)
    if not names:
        return bool(expression > 0 if strict else expression >= 0)
    value = FracField(names, sp.QQ).from_expr(expression)

    def positive(polynomial, flip, strictly):
        rows = [(flip * c, dict(zip(names, powers))) for powers, c in polynomial.terms()]
        fine = all(
            c > 0 and all(e % 2 == 0 or s.name in certificate["nonnegative"] for s, e in p.items()) for c, p in rows
        )
        pure = any(all(s.name in certificate["positive"] for s, e in p.items() if e) for _, p in rows)
        return fine and (pure or not strictly)

    return any(positive(value.denom, flip, True) and positive(value.numer, flip, strict) for flip in (1, -1))


def check(certificate):
    """Raise `Wrong` unless every claim of the certificate is proved and the last one is its goal."""
    forbidden = [n for n in certificate["nonnegative"] if re.match(r"([xgsuvwtbfr]_|sum)", n)]
    demand(not forbidden, f"{forbidden} are not numbers >= 0")
    factors = [f for c in certificate["claims"] for p in c["parts"] for t in p["terms"] for f in t["factors"]]
    for name, rules in NEEDS.items():
        used = {f["rule"] for f in factors if "rule" in f} & set(rules)
        demand(not used or name in certificate["hypotheses"], f"{used} without the hypothesis {name}")
    known = {}
    for claim in certificate["claims"]:
        expression = parse(claim["expression"])
        for part in claim["parts"]:
            check_part(claim, expression, part, certificate, known)
        check_cases(claim)
        known[claim["name"]] = claim
    demand(sp.expand(expression - parse(certificate["goal"])) == 0, "the last claim is not the goal")


def check_cases(claim):
    steps = [p for p in claim["parts"] if p["position"] == "k"]
    itself = [p for p in steps if any(f.get("claim") == claim["name"] for t in p["terms"] for f in t["factors"])]
    starts = [p for p in claim["parts"] if p["position"] != "k"]
    if itself:
        low = "2 <= k <= K" if starts and starts[0]["position"] == "1" else "1 <= k <= K"
        demand(starts and all(low in {r["says"] for r in p["ranges"]} for p in steps), f"{claim['name']}: no start")
    for group in (steps, starts):
        found = [{(r["cases"], r["says"]) for r in p["ranges"] if r["cases"]} for p in group]
        found = [{c for c in cases if c[1] != claim["case"]} for cases in found]
        families = {}
        for name, says in set().union(*found) if found else ():
            families.setdefault(name, set()).add((name, says))
        demand(all(len(members) == 2 for members in families.values()), f"{claim['name']}: a case is missing")
        for choice in itertools.product(*families.values()):
            demand(
                not found or any(cases <= set(choice) for cases in found),
                f"{claim['name']}: the case {choice} is missing",
            )


def check_part(claim, expression, part, certificate, known):
    domain = {name: parse(value) for r in part["ranges"] for name, value in r["values"].items()}
    times = parse(part["times"])

    def conjugate():  # the claim is Y - X and `times` Y + X, both >= 0: where that is 0, so is the claim
        return sign(times + expression, domain, certificate) and sign(times - expression, domain, certificate)

    demand(times == 1 or sign(times, domain, certificate, True) or conjugate(), f"{claim['name']}: times {times}")
    pieces = [times * move(expression, part["index"], part["position"])]
    for term in part["terms"]:
        value, equality = parse(term["multiplier"]), False
        for factor in term["factors"]:
            if "rule" in factor:
                points = [a[1:] for a in factor["arguments"] if a.startswith("@")]
                rest = [a for a in factor["arguments"] if not a.startswith("@")]
                names = dict(zip("ab", points))
                value *= parse(POINTS[factor["rule"]].format(*rest, **names))
                equality |= factor["rule"] == "norm"
            elif "given" in factor:
                value *= next(parse(r["gives"]) for r in part["ranges"] if r["says"] == factor["given"])
            else:
                own = factor["claim"] == claim["name"]
                demand(not own or (factor["index"], factor["position"]) == ("j", "k - 1"), "a circle")
                source = claim if own else known[factor["claim"]]
                demand(source["case"] in (None, claim["case"], *(r["says"] for r in part["ranges"])), "another case")
                early = own or factor["index"] not in "0j" or any(p["position"] == "0" for p in source["parts"])
                demand(early, f"{factor['claim']} is about steps")
                value *= move(parse(source["expression"]), factor["index"], factor["position"])
        demand(equality or not claim["equality"], f"{claim['name']}: an equality is proved by equalities only")
        square = 1 if term["square"] is None else parse(term["square"]) ** 2
        demand(equality or sign(parse(term["multiplier"]), domain, certificate), f"sign of {term['multiplier']}")
        pieces.append(-value * square)
    check_zero([replaced(piece, domain, certificate) for piece in pieces], certificate, claim["name"])


def replaced(piece, domain, certificate):
    for name, rule in certificate["sums"].items():
        now = parse(rule["factor"]) * sp.Symbol(f"{name}_j") + parse(rule["increment"])
        piece = piece.subs({sp.Symbol(f"{name}_k"): now, sp.Symbol(f"{name}_0"): parse(rule["start"])})
    for maximum in piece.atoms(sp.Max):
        (inner,) = (a for a in maximum.args if a != 0)
        demand(sign(inner, domain, certificate) or sign(-inner, domain, certificate), f"sign of {inner}")
        piece = piece.subs(maximum, inner if sign(inner, domain, certificate) else 0)
    for name, value in certificate["definitions"]:
        piece = piece.subs(sp.Symbol(name), parse(value))
    return piece.subs({sp.Symbol(name): value for name, value in domain.items() if value.is_number})


def check_zero(pieces, certificate, name):
    vectors = {sp.Symbol(v): sp.Symbol(v) * sp.Symbol("lambda_") for v in certificate["vectors"]}
    symbols = sorted(set().union(*(p.free_symbols for p in pieces)), key=str)
    field = FracField([*symbols, sp.Symbol("lambda_")], sp.QQ)
    total = field.zero
    for piece in pieces:
        value = field.from_expr(piece.xreplace(vectors))
        degrees = {powers[-1] for powers in value.numer.itermonoms()} | {-p[-1] for p in value.denom.itermonoms()}
        demand(degrees <= {0, 2}, f"{name}: a term of degree {degrees} in the vectors")
        total += value
    demand(total == 0, f"{name}: the identity leaves a remainder")
