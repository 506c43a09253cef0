"""What a user gave, behind the optimizer that adapts it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .adapted import FunctionOptimizer, ModuleOptimizer, TorchOptimOptimizer
from .adapted_object import ObjectOptimizer

_WHERE: dict[type, str] = {FunctionOptimizer: "function", ModuleOptimizer: "module", ObjectOptimizer: "code"}


def is_adapter(optimizer: Any) -> bool:
    """Whether an optimizer adapts a function, a module or an object, whose weights it casts."""
    return type(optimizer) in _WHERE


def code_of(optimizer: Any) -> Any:
    """What an optimizer adapts, a class of torch.optim too; any other optimizer itself."""
    if isinstance(optimizer, TorchOptimOptimizer):
        return optimizer.make
    return getattr(optimizer, _WHERE[type(optimizer)]) if is_adapter(optimizer) else optimizer


def with_code(optimizer: Any, code: Any) -> Any:
    """The same adapter of other code of the same kind; `code` itself where `optimizer` is no adapter.

    Args:
        optimizer: An optimizer.
        code: In place of `code_of(optimizer)`.

    Returns:
        The other optimizer.
    """
    if not is_adapter(optimizer):
        return code
    return replace(optimizer, **{_WHERE[type(optimizer)]: code}, _casts={})
