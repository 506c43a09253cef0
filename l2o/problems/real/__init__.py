"""Real data as problems: what scikit-learn and scikit-image bring along, and the user's own files. No network.

`breast_cancer` and `digits` are one instance of l1-logistic each, `patches` is a batch of LASSO with one shared
dictionary, `load` reads an npz or a csv; `ionosphere`, `spambase` and `bsds500` read the paper's own data from yours.
"""

from .files import load
from .papers import bsds500, ionosphere, spambase
from .pictures import patches
from .tables import breast_cancer, digits

__all__ = ["breast_cancer", "bsds500", "digits", "ionosphere", "load", "patches", "spambase"]
