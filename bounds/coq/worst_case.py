"""A certificate of a worst case, as text for a proof kernel: the theorem that no run of its question is worse.

The theorem is written from the question of the certificate. From its multipliers comes the proof: the bound less the
metric is their sum with the inequalities, and squares, which are found here by elimination over the fractions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..proofs.export.nodes import Node, add, at, call, mul, name, number, sub
from ..proofs.export.printing import COQ, Language, wrapped
from ..worst_cases import checker

Z = name("z")


def worst_case_text(certificate: Mapping[str, Any], title: str = "worst_case") -> str:
    """The certificate as a file of Coq that stands on `L2O.v`.

    Args:
        certificate: As `Certificate.data`, or read from its JSON.
        title: The name of the theorem.

    Returns:
        The text of the file.

    Raises:
        Wrong: For a certificate that the checker refuses.
    """
    checker.check(certificate)
    return "\n".join([*_Export(certificate, checker.Run(certificate), title).lines(), ""])


@dataclass
class _Export:
    """Writes one certificate."""

    c: Mapping[str, Any]
    run: checker.Run
    title: str

    # -- what there is

    @property
    def starless(self) -> bool:
        """Whether only inf f is known, and no minimiser."""
        return self.run.nonconvex or (self.run.free and not self.run.composite)

    @property
    def speaks_of_star(self) -> bool:
        return self.run.bounded_below or not (self.run.free or self.run.nonconvex)

    @property
    def L(self) -> Node:
        return number(self.run.L)

    @property
    def rough(self) -> bool:
        return self.run.composite or not self.run.smooth

    def gauge(self, vector: Node, sign: int) -> Node:
        """A gradient less that at the minimiser, or a subgradient of r and that."""
        if not self.run.composite:
            return vector
        base = call("grad", at("x", "x0") if self.run.tilted else Z)
        return Node("vsub" if sign > 0 else "vadd", (vector, base))

    def point(self, label: str) -> Node:
        return Z if label == "*" else at("x", f"x{label}")

    def slope(self, label: str) -> Node:
        return (
            at("s", f"x{label}")
            if label != "*"
            else Node("vneg", (call("grad", Z),))
            if self.run.smooth
            else Node("vzero")
        )

    def F(self, label: str) -> Node:
        if label == "*" and self.starless:
            return name("f_inf")
        return call("F", self.point(label))

    # -- the statement

    def metric(self) -> Node:
        K = str(self.run.K)
        kind = self.run.metric
        if kind == "distance":
            return Node("sq", (Node("vsub", (self.point(K), Z)),))
        if kind == "best_gradient":
            return name("t")
        if kind == "average_objective":
            total = add(*(self.F(str(k)) for k in range(1, self.run.K + 1)))
            return sub(Node("div", (total, number(self.run.K))), self.F("*"))
        return sub(self.F(K), self.F("0" if kind == "decrease" else "*"))

    def initial(self) -> Node:
        kind = self.run.initial
        if kind == "distance":
            return Node("sq", (Node("vsub", (self.point("0"), Z)),))
        if kind == "gradient":
            return Node("sq", (call("grad", self.point("0")),))
        return sub(self.F("0"), self.F(str(self.run.K) if kind == "decrease" else "*"))

    def steps(self) -> Iterator[tuple[str, Node, Node]]:
        """The equations of the method, by name."""
        run = self.run
        momentum = run.momentum
        for k in range(1, run.K + 1):
            G = self.gradient(k)
            if self.noisy(k):
                G = Node("vadd", (G, at("u", f"x{k}")))
            size = run.step[k - 1] / run.L
            new = Node("vsub", (self.point(str(k - 1)), Node("vscal", (number(size), G))))
            if run.method == "heavy_ball" and k > 1:
                back = Node("vsub", (self.point(str(k - 1)), self.point(str(k - 2))))
                new = Node("vadd", (new, Node("vscal", (number(momentum[k - 1]), back))))
            if run.method == "go_math":
                q, b = momentum[k - 1]
                if k > 1:
                    new = Node("vsub", (new, Node("vscal", (number(q), at("v", f"x{k - 1}")))))
                step = Node("vsub", (self.point(str(k - 1)), self.point(str(k))))
                memory = Node("vscal", (number(1 - b), step))
                if k > 1:
                    memory = Node("vadd", (Node("vscal", (number(b), at("v", f"x{k - 1}"))), memory))
                yield f"x_{k}", self.point(str(k)), new
                yield f"v_{k}", at("v", f"x{k}"), memory
                continue
            yield f"x_{k}", self.point(str(k)), new

    def gradient(self, k: int) -> Node:
        g = call("grad", self.point(str(k - 1)))
        if not self.run.smooth:
            return at("s", f"x{k}")
        return Node("vadd", (g, at("s", f"x{k}"))) if self.rough else g

    def noisy(self, k: int) -> bool:
        sizes = [e for e in (self.run.relative, self.run.absolute) if e is not None]
        return bool(sizes) and all(e[k - 1] > 0 for e in sizes)

    # -- the proof

    def inequality(self, label: list[str]) -> tuple[Node, str, Fraction]:
        """What is >= 0, why, and what its multiplier is multiplied with in the units of the question."""
        run, L = self.run, self.run.L
        values = run.scale / (L * run.level)
        kind = label[0]
        if kind in ("f", "r"):
            _, i, j = label
            a, b = self.point(i), self.point(j)
            if kind == "r":
                reason = f"apply (subgradient_inequality domain); [{self.domain(i)} | {self.subgradient(j)}]"
                return call("subgradient_gap r", a, b, self.slope(j)), reason, values
            if j == "*" and self.starless:
                node = sub(
                    Node("mul", (number(2), self.L, sub(call("f", a), name("f_inf")))), Node("sq", (call("grad", a),))
                )
                return (
                    node,
                    f"apply (smooth_dominated f grad {COQ.atom(self.L)}); [lra | exact f_smooth | exact f_inf_below]",
                    values / (2 * L),
                )
            if run.nonconvex:
                return (
                    call("nonconvex_gap f grad", self.L, a, b),
                    "apply nonconvex_interpolation; [lra | exact f_smooth]",
                    values,
                )
            if run.mu:
                node = call("strong_interpolation f grad", self.L, number(run.mu * L), a, b)
                reason = "apply smooth_strong_interpolation; [lra | exact f_smooth | exact f_strongly_convex]"
                return node, reason, values / (L - run.mu * L)
            reason = "apply (smooth_interpolation f grad {L}); [lra | lra | exact f_smooth | exact f_convex]"
            return call("interpolation f grad", self.L, a, b), reason.replace("{L}", COQ.atom(self.L)), values
        if kind == "initial":
            return sub(number(1), self.initial()), "pose proof start; lra", run.scale
        k = int(label[1])
        gradients = run.scale / (run.level * L**2)
        if kind == "metric":
            vector = self.measured(k)
            return sub(Node("sq", (vector,)), name("t")), f"pose proof t_{k}; lra", run.scale * run.scale / run.scale
        u = Node("sq", (at("u", f"x{k}"),))
        if kind == "relative":
            assert run.relative is not None
            node = sub(mul(number(run.relative[k - 1] ** 2), Node("sq", (self.gradient(k),))), u)
            return node, f"pose proof u_{k}_relative; lra", gradients
        assert run.absolute is not None
        return sub(number(run.absolute[k - 1] ** 2), u), f"pose proof u_{k}_absolute; lra", gradients

    def measured(self, k: int) -> Node:
        if not self.run.composite:
            return call("grad", self.point(str(k)))
        step = Node("vsub", (self.point(str(k - 1)), self.point(str(k))))
        return Node("vscal", (number(self.run.L / self.run.step[k - 1]), step))

    def domain(self, label: str) -> str:
        return {"*": "apply z_subgradient", "0": "exact x_0_domain"}.get(label, f"apply s_{label}")

    def subgradient(self, label: str) -> str:
        return "exact z_subgradient" if label == "*" else f"exact s_{label}"

    def squares(self) -> Iterator[Node]:
        """The positive semidefinite form as a sum of squares, in the units of the question."""
        run = self.run
        _, form = run.goal()
        slack: dict[tuple[str, str], Fraction] = {key: -value for key, value in form.items()}
        for *label, text in self.c["multipliers"]:
            _, matrix, _, _ = run.inequality(label)
            for key, value in matrix.items():
                slack[key] = slack.get(key, Fraction(0)) + Fraction(text) * value
        names = sorted({p for pair in slack for p in pair}, key=lambda p: (p[0] != "x", p[0], int(p[1:])))
        a = {p: {q: slack.get((p, q), Fraction(0)) for q in names} for p in names}
        while names:
            pivot = max(names, key=lambda p: a[p][p])
            d = a[pivot][pivot]
            if d <= 0:
                return
            row = {q: a[pivot][q] / d for q in names if a[pivot][q]}
            yield mul(number(d * run.scale / run.level), Node("sq", (self.combination(row),)))
            names.remove(pivot)
            for p in names:
                factor = a[p][pivot] / d
                for q in names if factor else ():
                    a[p][q] -= factor * a[pivot][q]

    def combination(self, row: Mapping[str, Fraction]) -> Node:
        total: Node | None = None
        for text, weight in row.items():
            base, label = text[0], text[1:]
            size = weight if base == "x" else weight / self.run.L
            vector = self.atom(base, label)
            piece = vector if abs(size) == 1 else Node("vscal", (number(abs(size)), vector))
            if total is None:
                total = piece if size > 0 else Node("vneg", (piece,))
            else:
                total = Node("vadd" if size > 0 else "vsub", (total, piece))
        assert total is not None
        return total

    def atom(self, base: str, label: str) -> Node:
        """A vector of the form, less what it is at the minimiser."""
        if base == "x":
            return Node("vsub", (self.point("0"), Z))
        if base == "g":
            return self.gauge(call("grad", self.point(label)), 1)
        return self.gauge(at("s", f"x{label}"), -1) if base == "s" else at("u", f"x{label}")

    # -- the text

    def lines(self) -> Iterator[str]:
        c, run = self.c, self.run
        yield f"(* The worst case of {c['method']} over the class {c['function_class']}, {run.K} steps: {c['metric']}"
        yield f"   from {c['initial']}. L = {c['L']}, mu = {c['mu']}, steps {', '.join(c['step'])}."
        yield f"   This file is written by l2obound from a certificate, sha256 {c['digest']}. *)"
        yield ""
        yield "From L2O Require Import L2O."
        yield "Require Import Reals Lra Psatz Lia."
        yield "Open Scope R_scope."
        yield ""
        yield f"Section {self.title}_proof."
        yield ""
        yield "  Context {V : InnerSpace}."
        if run.smooth:
            yield "  Variables (f : V -> R) (grad : V -> V).  (* the smooth part and its gradient *)"
        if self.rough:
            yield "  Variables (domain : V -> Prop) (r : V -> R).  (* the regularizer *)"
            yield "  Variable s : nat -> V.  (* s_k, a subgradient of r at x_k *)"
        yield "  Variable x : nat -> V.  (* the iterates *)"
        if run.method == "go_math":
            yield "  Variable v : nat -> V.  (* the memory *)"
        if any(self.noisy(k) for k in range(1, run.K + 1)):
            yield "  Variable u : nat -> V.  (* the errors of the gradients *)"
        yield from self._functions()
        body = "f p + r p" if run.composite else "f p" if run.smooth else "r p"
        yield f"  Definition F (p : V) : R := {body}."
        yield ""
        for text, left, right in self.steps():
            yield wrapped(f"Hypothesis step_{text} : {self.text(left)} = {self.text(right)}.", 2)
        yield from self._errors()
        equal = self._starts_equal()
        yield wrapped(f"Hypothesis start : {self.text(self.initial())} {'=' if equal else '<='} 1.", 2)
        yield from self._best()
        yield ""
        yield from self._theorem()
        yield ""
        yield f"End {self.title}_proof."

    def text(self, node: Node) -> str:
        """The text of a tree, its points by number."""
        return _numbered(COQ, node)

    def _functions(self) -> Iterator[str]:
        run = self.run
        L = COQ.atom(self.L)
        yield ""
        if run.smooth:
            yield f"  Hypothesis f_smooth : smooth f grad {L}."
            if run.mu:
                yield f"  Hypothesis f_strongly_convex : strongly_convex f grad {COQ.atom(number(run.mu * run.L))}."
            elif not run.nonconvex:
                yield "  Hypothesis f_convex : convex_smooth f grad."
        if self.starless and self.speaks_of_star:
            yield "  Variable f_inf : R.  (* a lower bound of f, such as inf f *)"
            yield "  Hypothesis f_inf_below : forall p, f_inf <= f p."
        elif self.speaks_of_star:
            yield "  Variable z : V.  (* a minimiser *)"
            if self.rough:
                slope = COQ.atom(self.slope("*"))
                yield f"  Hypothesis z_subgradient : subgradient domain r z {slope}."
            else:
                yield "  Hypothesis z_stationary : grad z = vzero."
        if self.rough:
            for k in range(1, run.K + 1):
                yield f"  Hypothesis s_{k} : subgradient domain r (x {k}) (s {k})."
            if self._speaks_of_r0():
                yield "  Hypothesis x_0_domain : domain (x 0)."

    def _speaks_of_r0(self) -> bool:
        return any(m[0] == "r" and m[1] == "0" for m in self.c["multipliers"])

    def _errors(self) -> Iterator[str]:
        for *label, _ in self.c["multipliers"]:
            if label[0] in ("relative", "absolute"):
                node, _, _ = self.inequality(label)
                u = node.args[1].args[0]
                yield wrapped(f"Hypothesis u_{label[1]}_{label[0]} : {self.text(u)} <= {self.text(node.args[0])}.", 2)

    def _best(self) -> Iterator[str]:
        if self.run.metric == "best_gradient":
            yield "  Variable t : R.  (* below each squared gradient, such as the least of them *)"
            for k in range(1 if self.run.composite else 0, self.run.K + 1):
                yield wrapped(f"Hypothesis t_{k} : t <= {self.text(Node('sq', (self.measured(k),)))}.", 2)

    def _starts_equal(self) -> bool:
        weights = [Fraction(text) for *label, text in self.c["multipliers"] if label == ["initial"]]
        return any(weight < 0 for weight in weights)

    def _theorem(self) -> Iterator[str]:
        bound = Fraction(self.c["tau"]) * self.run.scale
        yield wrapped(f"Theorem {self.title} : {self.text(self.metric())} <= {COQ(number(bound))}.", 2)
        yield "  Proof."
        terms = []
        for *label, text in self.c["multipliers"]:
            weight = Fraction(text)
            if not weight:
                continue
            node, reason, factor = self.inequality(label)
            weight *= factor
            if weight < 0:  # the initial condition as an equation
                node, weight = Node("neg", (node,)), -weight
                node = sub(self.initial(), number(1))
            terms.append(mul(number(weight), node))
            yield wrapped(f"assert (I{len(terms)} : 0 <= {self.text(node)}) by ({reason}).", 4)
        terms += self.squares()
        yield wrapped(f"apply from_difference with ({_numbered(COQ, terms[0])}", 4)
        for i, term in enumerate(terms[1:]):
            del i
            yield wrapped(f"+ {self.text(term)}", 6)
        yield "    ); [add_up|]."
        yield "    unfold F, interpolation, strong_interpolation, nonconvex_gap, tangent_gap, subgradient_gap."
        for text in reversed([text for text, _, _ in self.steps()]):
            yield f"    revert step_{text}."
        if self.speaks_of_star and not self.starless and not self.rough:
            yield "    rewrite ?z_stationary."
        for k in range(self.run.K + 1):
            for function in ("f", "grad") if self.run.smooth else ():
                yield f"    generalize ({function} (x {k}))."
            if self.rough:
                yield f"    generalize (r (x {k}))."
        for k in range(self.run.K + 1):
            yield f"    generalize (x {k})."
        if self.run.method == "go_math":
            for k in range(1, self.run.K + 1):
                yield f"    generalize (v {k})."
        yield "    intros; subst. expand. lra."
        yield "  Qed."


def _numbered(language: Language, node: Node) -> str:
    indices = {f"x{k}": str(k) for k in range(1000)}
    return language.with_indices({**language.indices, **indices})(node)
