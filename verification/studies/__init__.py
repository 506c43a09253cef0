"""One question each, answered with numbers, figures, a table and a page.

`framework` is what they share; `STUDIES` names those that have settings, a result and a verb.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .framework import Study

STUDIES = {
    "sensitivity": "sensitivity:STUDY",
    "conditioning": "conditioning:STUDY",
    "beyond-convex": "beyond_convex:STUDY",
    "drift": "drift:STUDY",
    "training-curve": "training:STUDY",
}
"""The studies by name: the package in this folder, and its `framework.Study`. It is imported when it is asked for."""


def load(name: str) -> Study[Any, Any]:
    """The study of that name; its package is imported now.

    Raises:
        KeyError: There is none.
    """
    module, _, attribute = STUDIES[name].partition(":")
    return getattr(importlib.import_module(f"{__name__}.{module}"), attribute)
