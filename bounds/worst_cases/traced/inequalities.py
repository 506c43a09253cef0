"""The inequalities of a traced question, for those that solve it in a way of their own."""

from __future__ import annotations

from functools import cached_property

from ...errors import InputError
from .._conic import Data
from ._faces import without_useless
from ._forms import TracedForms
from ._model import TracedModel, traced_model
from .question import TracedSetting


class Inequalities:
    """The conic data of a question in floating point (`data`), and its inequalities in fractions (`forms`)."""

    def __init__(self, question: TracedSetting, own_units: bool = True) -> None:
        """The inequalities of a question, in units of its own or as they stand.

        Args:
            question: The checked question.
            own_units: Whether they are in the units of the run (`question.units`), which depend on its numbers.

        Raises:
            InputError: For classes of matrices.
        """
        run = question.units.run if own_units and question.units is not None else question.run
        assert run is not None, "made with its run"
        self.model: TracedModel = without_useless(traced_model(question, run))
        if self.model.squares:
            raise InputError(
                "classes of matrices (quadratic functions, linear operators) have conditions on all points at once, "
                "and only worst_case knows these."
            )

    @cached_property
    def data(self) -> Data:
        """The conic data."""
        return self.model.conic

    @cached_property
    def forms(self) -> TracedForms:
        """The inequalities in fractions."""
        return TracedForms(self.model)
