"""What each number of the catalogue says in plain words; the pages of the theory begin with it."""

from __future__ import annotations

TITLES = {
    1: "one step",
    2: "a sufficient condition for robustness",
    3: "the rate in distribution",
    4: "virtual features",
    5: "one step out of distribution",
    6: "many steps out of distribution",
    7: "only the size of the deviations is known",
    8: "a rate from the relative deviation",
    9: "strong convexity",
    10: "without convexity",
    11: "where a run comes to rest",
    12: "equivariance",
    13: "sensitivity to Assumption 1",
    14: "stability of the memory",
    15: "run certificates",
    16: "an accelerated guard",
    17: "a budget of deviations",
    18: "an energy that descends",
    19: "any run against accelerated steps",
    20: "preconditioners as the method",
}

WORDS = {
    1: """
A step changes F by at most the decrease of the ideal step plus what its deviation costs. It supposes nothing about the
model, and f need not be convex. The right-hand side is the same number for every reference step h. Where it is not
negative, it permits an increase and says nothing. The verdict calls this vacuous.
""",
    2: """
If the deviation is smaller than the ideal step, F decreases, by the same share of ||G||^2 on every instance. The
diagonal form speaks of the preconditioner instead: without a bias, anything between 0 and 2/L will do. Where these
conditions fail, the bound promises nothing and refutes nothing: they are sufficient, not necessary.
""",
    3: """
The paper's rate for a model that was trained perfectly, in both readings of Assumption 1. The exact forms beside it
show how loose it is: for composite problems the worst case is half of it, for r = 0 a little less than half. A trained
model never meets Assumption 1 exactly, so these apply to classical methods; B6, B6b and B6c are the same kind of bound
with the measured deviation in it.

`ind_rate:smooth` is the exact worst case of Drori and Teboulle. The proof here is another one: its multipliers were
read off exact worst cases, do not depend on the step, and leave a sum of weighted squares of differences of gradients.
It asks for a comparator that is a minimiser.

`ind_rate:gradient` and `ind_rate:gradient_by_objective` are on the last gradient where r = 0: the exact worst cases
from the distance and from the objective at the start. They say how far a run is from stationary without F*. The steps
may be longer than 1/L, up to sqrt(2)/L and 3/(2L). These are the longest for which the formula is right at K = 1: on
f = L x^2/2 a longer one is worse. `ind_rate:exact` holds up to 3/(2L) as well.
""",
    4: """
Each step out of distribution is paired with a virtual step of the same model in distribution. Its deviation is then,
exactly, a sum of three terms: what the model does at the virtual features (the bracket), the shift of its
preconditioner, and the shift of its bias. It is an identity for any pairing; [the attribution](../attribution.md)
measures it.

**Another smoothness constant.** Where L' is not L, N1 and N2 have to be put in one unit. Multiplying both by L is right
for N1 and not for N2 of the default GO-Math-L2O: its memory is one of displacements and its Q has no units, so that on
c F with equal features p' = p/c but b' = b. The power of the step in Q decides (`bias_power`, `q_step_power`).

**Constants.** C1 and C2 are difference quotients of the pair, the least constants that are valid for it. They are no
Lipschitz constants of the model.
""",
    5: """
B1 on the run out of distribution, with the deviation as measured or, in the magnitude form, with the bound of it that
B4 gives. The magnitude form is the paper's "convergence deteriorates with the magnitude of the input features". It is
an upper bound: that a model does deteriorate does not follow from it. The nearest features are not always the tighter
choice, because a small distance may go with a large bracket; any choice is valid, so the best is the least.
""",
    6: """
What the whole run costs. B6 is the paper's form, on the mean of F over the run, and so on the best iterate. B6b
replaces 1/K by 1/(K+1), and B6c speaks of the last iterate, without any monotonicity. All hold for arbitrary deviations
and for **any** comparator z in the domain of r, so that the unknown minimiser does not occur.

B6 does not depend on the reference step: it is affine in 1/h with a coefficient that vanishes identically. B6b holds up
to h = 5/4 and B6c up to h = 3/2, for every K and any comparator, and both fall with h. B6c is false beyond 3/2, already
for K = 1 on f = x^2/2.
""",
    7: """
This bound is for the case that only the norms of the deviations are known, and not their directions. The distance to
the comparator grows by at most ||e_k|| in a step, which B6b turns into a rate. It holds for any comparator. A
comparator that is no minimiser adds its fixed-point residual tau, which is 0 at a minimiser.
""",
    8: """
If the relative deviation stays below h, the rate is the classical one with the number of iterations multiplied by 1/c,
c = (h - sigma)(2 - h + sigma); at h = 1 that is 1 - rho^2. The distance Delta is the largest of the run. The composite
form holds for any comparator as it stands, the one for r = 0 with the residual tau.
""",
    9: """
With strong convexity the distance to the comparator shrinks by the factor 1 - h mu/L in every step, up to the
deviation: a linear rate down to a floor.

The Polyak-Lojasiewicz forms (r = 0) are linear rates of the objective and need no convexity: for one step, for K steps
with any deviations, down to a floor, and for K exact steps. The last has the factor (2L - 2 mu)/(2L + mu) of
Abbaszadehpeivasti, de Klerk and Zamani. It is not the least one: Rubbens, Hendrickx and Taylor (arXiv 2504.14377) found
stronger inequalities, with which PEPit computes 0.683 instead of 0.727 for a step at mu = L/5. These forms apply where
mu is certain; for most problems that is a lower bound on the strong convexity of f.
""",
    10: """
Without convexity there is no rate to the minimum, but the mean of ||G_k||^2 is bounded by the decrease of F and by the
deviations, and G_k is near to the subdifferential of F at x_k where the step is small. On constrained problems this
gives the variational inequality up to the same numbers.

`nonconvex_stationarity:exact_steps` is for exact steps 1/L with r = 0. It has 3K + 2 where the first form has 2K, and
counts the last gradient. Abbaszadehpeivasti, de Klerk and Zamani have it for the least of the K + 1 gradients, and show
that no smaller constant is right. The bound here is on a weighted mean of them, so the least is below it as well.
""",
    11: """
D = p G + b says that G + b/p = D/p. So if a run converges while p stays away from 0, G tends to -b/p. A model without
bias heads has no floor, whatever its features. Out of distribution a shift costs it further steps, and
`verification.asymptotics` counts them. That the run converges is measured, not proved.

**A floor of G, not of optimality.** "A floor exists if and only if the bias does not vanish" is true of G_k, whose g_k
is the subgradient that the step implies. At a kink of r this g_k may cancel the whole bias. Counter-example: LASSO with
A = I (3 variables), y = 0.1, lam = 5, so that x* = 0, and GO-Math-L2O with a bias head that cannot vanish (b3 = 0.1
times `sigmoid1`): ||G_k|| stays above 0.02 while x_K = x* = 0. Where r = 0 the two statements are one.

**Which bias lasts.** In GO-Math-L2O the memory of displacements converges to -b3, so the part of b3 that remains is
(1 - Q) b3.

[Equivariance and floors](../equivariance.md) has both as code.
""",
    12: """
Under F(x + t), c F and F(x / a) the run of an equivariant method is the run on F, moved along. So for GO-Math-L2O a
shifted objective and a shifted start are one experiment, and the size of L has no effect. The bound states the identity
that each "yes" of the table rests on; which method is equivariant is a table, in `bounds.equivariance`, measured by
`verification.equivariance_table` ([how to](../equivariance.md)).

The "yes" of GO-Math-L2O ends where the constants in its divisions matter: for steps and norms of features below 1e-20.
On c F that is so at c = 1e22 and not at c = 1e15.
""",
    13: """
A deviation profile (delta1, delta2) guarantees descent where ||delta1||_inf + ||delta2||/||G|| is below 2. rho < 1 is
the sharper test: p = 1/L and b = 0 is exact descent with a sum of 2. [The meter](../assumption.md) measures both.

**What it says about trained models: nothing.** The shipped GO-Math-L2O has rho >= 1 on 96 % of its steps on LASSO 20 x
40 (16 instances, 100 steps), and so has FISTA on 87 %. The guaranteed region does not cover such runs, although they
converge. B6, B6b and B6c do.
""",
    14: """
The memory of GO-Math-L2O with frozen weights, on one mode of a quadratic, is a recurrence in two numbers. It is stable
if and only if two inequalities hold (Jury). The bound is the stricter one of them: q at most 1 + r b/(1 - b). As r
falls with the condition number, the limit falls to 1. b > 1, which a softplus head allows, is never stable. The
criterion supposes frozen weights. For a trained model it is an illustration, not a theorem.

In the shipped models b is small (medians over a run of 100 steps: 0.002 for LASSO and 0.006 for l1-logistic), so that
the memory is about one step long: v_k is nearly the last step, and Q v nearly heavy-ball momentum.
""",
    15: """
A lower bound of F(z) for every z, from values and gradients that a run evaluated anyway and from L. No dual of f is
needed, and no minimiser: the weights are free, so they are chosen to make the bound large. The least value over a set
that is known to hold a minimiser is a lower bound of F*, and the gap of the best point to it is certified. Where r = 0
the gradient at the minimiser is 0, which the second form uses, together with its distance from the start.

[Run certificates](../run_certificates.md) evaluates it with all rounding bounded, with the set of minimisers that each
r allows, and has measured numbers.
""",
    16: """
An accelerated method, the guard, makes a step from time to time beside the untouched run of any optimizer, and x_k is
the best point so far. Then F(x_k) - F(z) falls as under FISTA, whatever the optimizer does. N counts the steps of the
guard. The proof supposes of x_k only that it is no worse than x_{k-1} and than the descent lemma says of the guard's
point, so any point may take its place. [A learned optimizer you can deploy](../guaranteed.md) has the method.

After a restart of the guard the bound from x_0 stays what it was. A run that begins at the restart has its own bound.
""",
    17: """
If a run takes the sizes of its deviations from a budget E, B7 holds with E in place of their sum, and is known before
the run. The method scales a deviation that does not fit ([how](../guaranteed.md)).
""",
    18: """
Where the three heads of GO-Math-L2O stay in a region, F(x_k) + (a L/2)||v_k||^2 falls in every step, for convex and
other f. So F(x_k) <= F(x_0), since the memory is 0 at the start. The region is a condition on each entry. A head on its
border leaves a form that is 0 for one direction of (D, v).

In the form "momentum" the gradient is taken ahead of the iterate, as in L2O-PA, and f is convex. FISTA is in the
region, with p = 1 and A < 1, so that an energy that falls does not stand against acceleration. With p = 1 and A = 1 a
run on f(x) = max(x, 0)^2/2 that starts at 1 keeps all of it.
""",
    19: """
B6 measures every run against proximal-gradient steps, and so the deviations of a method with momentum are large,
FISTA's too. B19 measures it against FISTA: y_k is the point that FISTA would look from if x_{k-1} and x_{k-2} were its
own, and the deviation is what x_k is away from the proximal-gradient step at y_k. Every run has these numbers, and the
bound holds for every run and any comparator z; only the gradients at y_k have to be computed besides. `verify` computes
them when one of these entries is asked for by name. For FISTA the deviations are 0, and what is left is its rate.

`accelerated_inexact:sharp` has K/(K+1) times the first term, attained for every K with deviations. So F(x_K) - F(z) <=
(K/(K+1)) L R^2/(2 A_K) is proved for FISTA itself. It is not FISTA's exact worst case: on composite problems the
worst-case engine gives 1.000, 0.982, 0.977, 0.977 and 0.977 of it for K = 1..5, and 0.667, 0.785, 0.848, 0.885 and
0.909 on smooth ones (measured, not proved).

On LASSO 20 x 40 (8 instances, in distribution, K = 50) the median of the right-hand side is 0.16 for the shipped
GO-Math-L2O and 0.12 for L2O-PA, where that of B6c is 1.38 and 1.04, and for FISTA 0.13. ISTA has 0.32, against 0.91.

The form `a_priori` is that of Schmidt, Le Roux and Bach. It needs a comparator that no iterate is below, for certain,
so it does not apply to runs that have arrived at F(z) within rounding.
""",
    20: """
A step with a diagonal preconditioner p_k of at most 1/L is a proximal-gradient step in another metric, and no
deviation. Distances from z are measured in the metric of the step, and only the bias is left over. The weights omega
pay for the change of the metric. They are 1 for a fixed one and where p grows in every entry, and 1/prod (1 + eta_k)
where the metric grows by at most 1 + eta_k in a step. `measure` takes the largest that the preconditioners of a run
allow.

For any p > 0 the right-hand side of a step would be that of B6, in every metric: what a metric changes is what is
known before the run. The verdict needs a recorded preconditioner and L p_i <= 1 for certain. The shipped models have
L p_i up to 1.97 (L2O-PA on LASSO 20 x 40) and 2.00 (GO-Math-L2O), so that it does not apply to them. `verify` judges
the entry where it is asked for by name.
""",
}
"""By number, Markdown."""
