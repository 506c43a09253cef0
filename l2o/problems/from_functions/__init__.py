"""Terms from functions: an f or r of your own in a few lines, where no class is worth writing.

`smooth(value, L=...)` differentiates by autograd where no gradient is given; `nonsmooth(value, prox)` is any r with a
prox. What such a term cannot know is how its functions round. Its error bounds are therefore estimates: the function is
evaluated in the other precision as well, and the difference is scaled to the precision at hand. A term says so in
`rounding_bounded`, and verdicts carry the remark.
"""

from ._nonsmooth import FunctionCoupled, FunctionSeparable, nonsmooth
from ._smooth import FunctionSmooth, smooth

__all__ = ["FunctionCoupled", "FunctionSeparable", "FunctionSmooth", "nonsmooth", "smooth"]
