"""One way to name an optimizer, wherever one is taken: on the command line, in TOML and in Python."""

from __future__ import annotations

import copy
import hashlib
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...user_code import anchored as anchored_code
from ...user_code import is_code as has_form_of_code
from ...user_code import is_module, load, sources_digest
from ..pretrained import load_trained, manifest, pretrained, pretrained_names, shipped_family
from ..problems.fingerprint import object_digest
from . import checkpoints, make, optimizer_class, optimizer_names
from .adapt import EXPECTED, as_optimizer, call, is_factory, name_of
from .adapted import ModuleOptimizer
from .adapted_object import ObjectOptimizer
from .coordinate_descent import CoordinateDescent
from .learned import LearnedOptimizer

_COMPARED = {"coordinate-descent": CoordinateDescent}
"""Methods that others are compared with and that take no options: `l2o.optimizer` does not make them."""
GUARDED = "go-math-l2o"
"""What a guard is put on where nothing else is said."""
_GUARDS = ("safeguarded", "guaranteed")
_KIND = " --kind "
UNNAMED = "OPTIMIZER"
"""In the place of a name for commands, of an object that only Python can give."""


@dataclass(frozen=True, eq=False)
class OptimizerSource:
    """An optimizer by where it comes from.

    Attributes:
        fresh: makes it anew, as if nothing had been run with it.
        label: its name for people; of a learned one it says which weights it has.
        spec: its name for commands; `UNNAMED` where no name makes the same again.
        digest: hex digest of what it is: the name and options of a method, the bytes of weights, or the source of
            the user's code together with the numbers in what it makes.
        learned: whether it is a learned one. An object of the user's says so by an attribute `learned`, and counts as
            learned where it has none; a function and a class of torch.optim count as not learned.
        weights: what is known of the weights (family, sha256, ...); None where they are not read from a file.
    """

    fresh: Callable[[], Any]
    label: str
    spec: str
    digest: Callable[[], str]
    learned: bool = False
    weights: Mapping[str, Any] | None = None

    @property
    def is_named(self) -> bool:
        """Whether a command can name it."""
        return self.spec != UNNAMED


def method_names() -> tuple[str, ...]:
    """Every name that stands for a method by itself: those of `optimizer_names()`, and those only compared with."""
    return (*optimizer_names(), *_COMPARED)


def method_class(name: str) -> type:
    """The class behind a name of `method_names()`; an error that suggests one for any other."""
    return _COMPARED[name] if name in _COMPARED else optimizer_class(name)


def make_method(name: str, options: Mapping[str, Any]) -> Any:
    """The optimizer of a name of `method_names()` with `options`; learned ones have random weights."""
    if name not in _COMPARED:
        return make(name, options)
    if options:
        raise InputError(f"{name}: it has no options, got {', '.join(options)}; leave them out.")
    return _COMPARED[name]()


def adapt(obj: Any, *, kind: str | None = None, prox: bool = False) -> Any:
    """`obj` as an optimizer with `init(problem, x0, seed)` and a pure `step(problem, state)`.

    Args:
        obj: Whatever `resolve_optimizer` takes.
        kind: The kind of a checkpoint.
        prox: Of a class of torch.optim (or a function that makes one), that r is taken care of by its prox, with the
            step size `lr`; by default a subgradient of r is added to the gradient.

    Returns:
        A new optimizer, or a copy of the object.

    Raises:
        InputError: `obj` is nothing of these, or does not run on a small problem.
    """
    if prox:
        made = obj() if is_factory(obj) else obj
        return as_optimizer(made, obj, prox=True)
    return resolve_optimizer(obj, kind=kind).fresh()


def resolve_optimizer(
    spec: Any,
    *,
    family: str | None = None,
    dim: int | None = None,
    kind: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> OptimizerSource:
    """What a name, a path or an object stands for as an optimizer.

    Code is run for MODULE:NAME and FILE.py:NAME alone; files of weights are read as tensors, nothing in them is run.

    Args:
        spec: A name of `l2o.optimizer_names()`; NAME:FAMILY for shipped weights; MODULE:NAME or FILE.py:NAME, with the
            current folder on the path; a folder of `l2obound train`; a checkpoint of the authors' code (.pth or .npz)
            with its `kind`, or as the text "PATH --kind KIND"; an object with `init` and `step`; a function
            step(problem, x) -> x or step(problem, state) -> state (tried on a small problem; the first state has the
            attribute x only); a torch.nn.Module whose forward(problem, x), forward(x, gradient) or
            forward(x, gradient, state) gives the next iterate (and the next state); a class of torch.optim, or a
            function of a list of parameters that makes one; a class or function without arguments that makes any of
            these.
        family: A learned optimizer that is given by its bare name has the weights shipped for this family, where there
            are some; without it, and without such weights, its weights are random.
        dim: Number of variables of the problems; `l2o.shipped_family` chooses among weights of several sizes by it.
        kind: The kind of a checkpoint: ada-lista, l2o-dm, l2o-rnnprop, l2o-pa or go-math-l2o.
        options: Those of a method that is named, or the arguments of a class or function that is to make one.

    Returns:
        How it is made anew, what it is called, and which digest it has.

    Raises:
        InputError: There is no such thing, or it is no optimizer. Errors of the user's own code pass as they are.
    """
    options = dict(options or {})
    if isinstance(spec, OptimizerSource):
        return spec
    if isinstance(spec, (str, os.PathLike)):
        return _from_text(os.fspath(spec), family, dim, kind, options)
    if kind is not None:
        raise InputError(f"kind={kind!r} belongs to a checkpoint of the authors' code, got {name_of(spec)}.")
    return _from_object(spec, options)


def is_code(spec: str) -> bool:
    """Whether a text names code that would be imported and run: MODULE:NAME or FILE.py:NAME."""
    path = spec.partition(_KIND)[0]
    return not (_is_shipped(spec) or os.path.exists(path)) and has_form_of_code(path)


def is_spec(text: str) -> bool:
    """Whether a text, which is no name of a method, has the form of another way to name an optimizer."""
    return _is_shipped(text) or has_form_of_code(text) or _KIND in text or _is_path(text)


def _is_path(text: str) -> bool:
    return "/" in text or os.sep in text or text.endswith((".pth", ".pt", ".npz", ".py")) or os.path.exists(text)


def anchored(spec: str, folder: str | os.PathLike[str]) -> str:
    """A spec in a file of `folder`: a path in it is relative to that folder, names and modules stay as they are."""
    if spec in method_names() or _is_shipped(spec):
        return spec
    if has_form_of_code(spec):
        return anchored_code(spec, folder)
    path = spec.partition(_KIND)[0]
    return str(Path(folder) / spec) if _is_path(path) or os.path.exists(Path(folder) / path) else spec


def _is_shipped(spec: str) -> bool:
    name, _, family = spec.partition(":")
    return (name, family) in pretrained_names()


def _from_text(
    text: str, family: str | None, dim: int | None, kind: str | None, options: dict[str, Any]
) -> OptimizerSource:
    if kind is None and _KIND in text:
        text, _, kind = text.rpartition(_KIND)
    if kind is not None and not os.path.exists(text):
        if text in method_names() or _is_shipped(text) or has_form_of_code(text):
            raise InputError(f"{text}: a kind belongs to a checkpoint of the authors' code; leave out --kind {kind}.")
        raise InputError(f"{text}: no such checkpoint file.")
    if text in method_names():
        return _method(text, family, dim, options)
    if _is_shipped(text):
        name, _, rest = text.partition(":")
        return _shipped(name, rest, options)
    path = Path(text)
    if os.path.isdir(path):
        if kind is not None:
            raise InputError(f"{text}: a folder of `l2obound train` says what it holds; leave out --kind {kind}.")
        _no_options(text, options)
        made, description = load_trained(path)
        label = f"{_label(made)} (trained on {description.get('family', '?')}, {text})"
        return _weights(lambda: load_trained(path)[0], label, text, description)
    if os.path.isfile(path):
        return _checkpoint(path, text, kind, options)
    name, colon, rest = text.partition(":")
    if colon and name in method_names() and not (has_form_of_code(text) and is_module(name)):
        manifest(name, rest)  # its error names the weights that there are
    if has_form_of_code(text):
        return _code(text, options)
    if not {"/", ".", ":"} & set(text):
        method_class(text)  # an error with a suggestion
    raise InputError(f"{text}: no such checkpoint, and no name of an optimizer; {EXPECTED}.")


_DICTIONARY = "lasso_dictionary"
"""The family of LASSO problems with one A, whose own weights only models of one dictionary have."""


def _method(name: str, family: str | None, dim: int | None, options: dict[str, Any]) -> OptimizerSource:
    if family is not None:
        fitting = shipped_family(name, family, dim)
        if (name, fitting) in pretrained_names() and not options:
            return _shipped(name, fitting, {})
    if family == "lasso" and (name, _DICTIONARY) in pretrained_names() and not options:
        return _shipped(name, _DICTIONARY, {})  # other LASSO problems it refuses by itself
    base = shipped_family(GUARDED, str(family), dim)
    if name in _GUARDS and "base" not in options and (GUARDED, base) in pretrained_names():
        description = manifest(GUARDED, base)
        return OptimizerSource(
            lambda: make(name, {**options, "base": pretrained(GUARDED, base)}),
            f"{name} ({GUARDED} with shipped weights for {base})",
            name,
            lambda: _digest(name, options, description["sha256"]),
        )
    made = make_method(name, options)
    learned = isinstance(made, LearnedOptimizer)
    untrained = isinstance(getattr(made, "base", made), LearnedOptimizer)
    label = f"{name} (UNTRAINED, random weights)" if untrained else name
    return OptimizerSource(
        lambda: make_method(name, options), label, name, lambda: _digest(name, options), learned=learned
    )


def _shipped(name: str, family: str, options: dict[str, Any]) -> OptimizerSource:
    _no_options(f"{name}:{family}", options)
    label, description = f"{name} (shipped weights for {family})", manifest(name, family)
    return _weights(lambda: pretrained(name, family), label, f"{name}:{family}", description)


def _weights(fresh: Callable[[], Any], label: str, spec: str, description: Mapping[str, Any]) -> OptimizerSource:
    return OptimizerSource(fresh, label, spec, lambda: str(description["sha256"]), learned=True, weights=description)


def _checkpoint(path: Path, text: str, kind: str | None, options: dict[str, Any]) -> OptimizerSource:
    if path.suffix == ".py":
        raise InputError(f"{text}: a file of Python; give {text}:NAME, the class or function in it that makes one.")
    if kind is None:
        raise InputError(
            f"{text}: a checkpoint of the authors' code does not say what it is; give kind=, one of ada-lista, "
            f"l2o-dm, l2o-rnnprop, l2o-pa, go-math-l2o (--kind on the command line, {text}{_KIND}KIND in TOML)."
        )
    made = checkpoints.load_official(path, kind, **options)
    digest = _digest(kind, options, hashlib.sha256(path.read_bytes()).hexdigest())
    description = {"model": kind, "family": "not known", "sha256": digest}
    return OptimizerSource(
        lambda: checkpoints.load_official(path, kind, **options),
        f"{_label(made)} ({text})",
        f"{text}{_KIND}{kind}",
        lambda: digest,
        learned=True,
        weights=description,
    )


def _no_options(text: str, options: dict[str, Any]) -> None:
    if options:
        raise InputError(f"{text}: its options are those of its training; leave out {', '.join(options)}.")


def _code(text: str, options: dict[str, Any]) -> OptimizerSource:
    obj, module = load(text)
    source = _from_object(obj, options)

    def digest() -> str:
        first = _digest(sources_digest(module), options, object_digest(source.fresh()))
        if first != _digest(sources_digest(module), options, object_digest(source.fresh())):
            raise InputError(
                f"{text}: the optimizers that it makes differ from call to call in their numbers, so that no stored "
                f"result would be one of this model; seed what it draws, or load its weights from a file."
            )
        return first

    return OptimizerSource(source.fresh, source.label, text, digest, source.learned, source.weights)


def _from_object(obj: Any, options: dict[str, Any]) -> OptimizerSource:
    if is_factory(obj) or options:
        if not callable(obj):
            raise InputError(f"{name_of(obj)} takes no options; leave out {', '.join(options)}.")

        def fresh() -> Any:
            return as_optimizer(call(obj, options), obj)

        made, spec = fresh(), _importable(obj)
    else:
        made = as_optimizer(obj)
        pristine = _copy(made)
        spec = _builtin_spec(made) or _importable(obj)

        def fresh() -> Any:
            return _copy(pristine)

    return OptimizerSource(
        fresh, _label(made), spec, lambda: object_digest(fresh(), code=True), learned=_is_learned(made)
    )


def _is_learned(optimizer: Any) -> bool:
    if isinstance(optimizer, (LearnedOptimizer, ModuleOptimizer)):
        return True
    if isinstance(optimizer, ObjectOptimizer):
        return bool(getattr(optimizer.code, "learned", True))
    ours = type(optimizer).__module__.startswith(__name__.rpartition(".")[0])
    return bool(getattr(getattr(optimizer, "function", optimizer), "learned", not ours))


def _digest(*parts: Any) -> str:
    return object_digest(list(parts))


def _copy(optimizer: Any) -> Any:
    try:
        return copy.deepcopy(optimizer)
    except Exception:  # something inside cannot be copied: then there is one of it
        return optimizer


def _label(optimizer: Any) -> str:
    return str(getattr(optimizer, "name", type(optimizer).__name__))


def _builtin_spec(optimizer: Any) -> str | None:
    name = getattr(optimizer, "name", None)
    ours = name in optimizer_names() and isinstance(optimizer, optimizer_class(name))
    return name if ours else None


def _importable(obj: Any) -> str:
    """MODULE:NAME or FILE.py:NAME of what a module has under that name; `UNNAMED` of anything else."""
    module = sys.modules.get(str(getattr(obj, "__module__", None) or type(obj).__module__))
    name = getattr(obj, "__qualname__", None) or next((n for n, v in vars(module).items() if v is obj), None)
    value: Any = module
    for part in str(name).split("."):
        value = getattr(value, part, None)
    if module is None or value is not obj:
        return UNNAMED
    file = str(getattr(module, "__file__", None) or "")
    where = module.__name__ if module.__name__ != "__main__" else file if file.endswith(".py") else None
    return UNNAMED if where is None else f"{where}:{name}"
