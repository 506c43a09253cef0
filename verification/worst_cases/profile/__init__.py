r"""Profile certificates: the exact worst case of all runs whose steps deviate as much as those of a given run.

B13 (iii) of the theory. A run is an inexact proximal-gradient run,

    x_{k-1} - x_k = D_k = (h_k/L)(G_k + u_k),    ||u_k|| <= eps_k ||G_k||,

and the numbers eps_k, its *profile*, are measured; at h_k = 1 they are rho_k. The worst case of F(x_K) - F* over all
L-smooth convex f, all convex r and all runs with these deviations is a semidefinite problem (docs/worst-cases.md),
scaled by L R^2, R = ||x_0 - x*||. So it is what the profile alone guarantees, for any f and r, and a run of a model
that is far better owes that to its problems.

What is certain: the profile is rounded up, rounding of gradients included, so that the class contains the run; the
classes of two profiles, one below the other, are nested, so that the largest eps_k over a batch gives a class that
contains each of its runs (so where the solver stops without a result, a profile up to 1 % larger is asked about); and
where `certified` the worst case is an upper bound shown by exact arithmetic. What is only measured: R, to the
certified point `optimum.x` in place of x*, of which no more is known than F(x) - F*.

**Where there is no certificate.** With r, a step of eps_k > 1 may go against its own direction, and then nothing is
bounded: f = 0, r = m|x| up to x_k and of slope M beyond, x_{k-1} near 1, G_k = M, u_k = -eps_k M give x_k - x_{k-1} =
(h/L)(eps_k - 1)M, and m is what later steps see: F(x_K) grows with M. Such a profile has the worst case +inf. With
r = 0 it is finite for any profile, and says little from eps_k = 1 on.
"""

from ._asked import CERTIFIED_UP_TO, STEPS, rounded_up
from ._certificates import ProfileCertificate, RecurrenceCertificate
from ._figure import figure
from ._profile import profile_certificate
from ._recurrence import NO_GUARANTEE, mean_heads, recurrence_certificate

__all__ = [
    "CERTIFIED_UP_TO",
    "NO_GUARANTEE",
    "STEPS",
    "ProfileCertificate",
    "RecurrenceCertificate",
    "figure",
    "mean_heads",
    "profile_certificate",
    "recurrence_certificate",
    "rounded_up",
]
