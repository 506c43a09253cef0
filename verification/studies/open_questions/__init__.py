"""What the paper leaves open, answered with numbers: three open questions, three checks, and what is asked in practice.

A part is one question with the package that answers it: `_parts` lists them, `_scales` makes those that are comparisons
of speed, `_run` runs them one after another and keeps what is done, `_page` puts the answers on one page with a figure
each. A new question is one more entry of `PARTS`.
"""

from ._page import write
from ._parts import PARTS, Answer, Part
from ._run import Answered, answer, standing

__all__ = ["PARTS", "Answer", "Answered", "Part", "answer", "standing", "write"]
