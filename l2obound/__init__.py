"""Says, with proof, how far a learned optimizer can be trusted: three packages below one name.

- `l2obound.bounds`: the theory, statements with proofs and exact worst cases. It knows nobody.
- `l2obound.l2o`: problems, optimizers and runs in torch. It knows nobody.
- `l2obound.verification`: certified optima, verdicts, checks, studies and reports. It knows both.

The verbs that are used most are here too: `rollout`, `optimum`, `verify`, `report`, `worst_case`. Packages and verbs
are imported when they are first asked for, so `import l2obound` by itself costs nothing.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import bounds, l2o, verification
    from .bounds import worst_case
    from .l2o import rollout
    from .verification import optimum, verify
    from .verification.report import report

# In a checkout the three packages lie beside this folder and not in it; there it works without an installation.
_CHECKOUT = Path(__file__).resolve().parent.parent
if (_CHECKOUT / "pyproject.toml").exists() and (_CHECKOUT / "bounds" / "__init__.py").exists():
    __path__.append(str(_CHECKOUT))

_PACKAGES = ("bounds", "l2o", "verification")
_VERBS = {
    "optimum": ("verification", "optimum"),
    "report": ("verification.report", "report"),
    "rollout": ("l2o", "rollout"),
    "verify": ("verification", "verify"),
    "worst_case": ("bounds", "worst_case"),
}


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return importlib.import_module(f"{__name__}.{name}")
    if name == "__version__":
        metadata = importlib.import_module("importlib.metadata")
        try:
            value: Any = metadata.version("l2obound")
        except metadata.PackageNotFoundError:  # a checkout that is not installed
            value = "unknown (not installed)"
    elif name in _VERBS:
        module, attribute = _VERBS[name]
        value = getattr(importlib.import_module(f"{__name__}.{module}"), attribute)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})


__all__ = ["bounds", "l2o", "optimum", "report", "rollout", "verification", "verify", "worst_case"]
