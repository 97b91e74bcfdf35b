"""Specification of a pipeline: nested calls of classes with their arguments.

A tree and a schema compile to a `Spec`. `instantiate` makes the estimator of it and
`render` its Python source, so that the two cannot disagree.
"""

from __future__ import annotations

import functools
import importlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from sklearn_meta.data._task_names import CLASSIFICATION
from sklearn_meta.pipelines._layout import Layout

LINE_LENGTH = 88

TRANSFORMED_TARGET = "sklearn.compose.TransformedTargetRegressor"


@dataclass(frozen=True)
class Reference:
    """An importable object that is passed without a call, such as ``numpy.log1p``.

    Parameters
    ----------
    path : str
        Import path, ``"numpy.log1p"``, ``"pandas.DataFrame.astype"``.
    """

    path: str


@dataclass(frozen=True)
class Spec:
    """A call of a class.

    Parameters
    ----------
    path : str
        Import path of the class, ``"sklearn.linear_model.Ridge"``.
    params : tuple of (str, object)
        Keyword arguments in the order in which the source shows them. Values are
        constants, slices of constants, `Spec`, `Reference`, or lists, tuples and dicts
        of these.
    """

    path: str
    params: tuple[tuple[str, object], ...] = ()

    def param(self, name, default=None):
        """Return the value of an argument.

        Parameters
        ----------
        name : str
            Name of the argument.
        default : object, default=None
            Value to return if the call leaves it out.

        Returns
        -------
        value : object
            Argument of the call, or `default`.
        """
        return dict(self.params).get(name, default)

    def with_params(self, **params) -> Spec:
        """Return a copy with other arguments.

        Parameters
        ----------
        **params : dict
            Arguments to add or replace.

        Returns
        -------
        spec : Spec
            The changed copy; new arguments come last.
        """
        return Spec(self.path, tuple({**dict(self.params), **params}.items()))


@dataclass(frozen=True)
class BuildContext:
    """Task, input and seed of a call, for the `build` function of an operator.

    Parameters
    ----------
    task : {"classification", "regression"}
    n_classes : int, default=1
        One for regression.
    random_state : int, default=0
        Seed for the class, if it is random.
    n_features : int or None, default=None
        Number of input columns, or an upper bound of it; None where neither is known
        before fit.
    n_categorical : int, default=0
        Number of leading input columns that hold category codes.
    cardinalities : tuple of int, default=()
        Number of levels of each categorical column.
    sparse : bool, default=False
        Whether the input is sparse.
    inner : Spec or None, default=None
        Compiled estimator inside of a wrapper.
    fixed : mapping, default={}
        `Operator.fixed`.
    layout : Layout, default=Layout(n_features=None)
        All that is known of the input, including the fields above.
    n_outputs : int, default=1
        Number of columns of the target.
    target_scaler : Spec, default=None
        Transformer of the target that regressors need, see `on_scaled_target`. The last
        step of a pipeline gets it anyway; None where there is no need.
    """

    task: str
    n_classes: int = 1
    random_state: int = 0
    n_features: int | None = None
    n_categorical: int = 0
    cardinalities: tuple[int, ...] = ()
    sparse: bool = False
    inner: Spec | None = None
    fixed: Mapping[str, object] = field(default_factory=dict)
    layout: Layout = Layout(n_features=None)
    n_outputs: int = 1
    target_scaler: Spec | None = None

    @property
    def is_classifier(self) -> bool:
        """Whether the pipeline is a classifier."""
        return self.task == CLASSIFICATION


def on_scaled_target(regressor: Spec, scaler: Spec) -> Spec:
    """Fit a regressor to a target that a transformer has scaled.

    Parameters
    ----------
    regressor : Spec
    scaler : Spec
        Call of a transformer of the target, such as ``StandardScaler``.

    Returns
    -------
    regressor : Spec
        A ``TransformedTargetRegressor``; `regressor` itself if it is one with a
        transformer of the same class.
    """
    own = regressor.param("transformer")
    if regressor.path == TRANSFORMED_TARGET and isinstance(own, Spec):
        if own.path == scaler.path:
            return regressor
    return Spec(TRANSFORMED_TARGET, (("regressor", regressor), ("transformer", scaler)))


@dataclass(frozen=True)
class Prepared:
    """A preparation's call and the layout of its output, returned by its `build`.

    Parameters
    ----------
    spec : Spec or None
        None where the table needs no such preparation.
    layout : Layout
        Columns of the prepared table.
    """

    spec: Spec | None
    layout: Layout


@functools.cache
def locate(path) -> tuple[str, str]:
    """Split an import path into a module and the attributes behind it.

    Parameters
    ----------
    path : str
        ``"pandas.DataFrame.astype"``.

    Returns
    -------
    module, attributes : str
        ``("pandas", "DataFrame.astype")``.

    Raises
    ------
    ImportError
        If no leading part of the path is a module.
    """
    parts = path.split(".")
    for n in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:n])
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            # A module that exists but misses one of its own imports is not a class.
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise
            continue
        return module, ".".join(parts[n:])
    raise ImportError(
        f"Cannot import {path!r}. The path of an operator must start with an installed "
        "module, such as 'sklearn.linear_model.Ridge'."
    )


@functools.cache
def resolve(path):
    """Import the object at `path`."""
    module, attributes = locate(path)
    found = importlib.import_module(module)
    for name in attributes.split("."):
        try:
            found = getattr(found, name)
        except AttributeError as error:
            raise ImportError(
                f"Cannot import {path!r}: {module} has no {attributes}."
            ) from error
    return found


def instantiate(spec):
    """Make the object that a `Spec` describes.

    Parameters
    ----------
    spec : Spec, Reference, constant, or list, tuple or dict of these

    Returns
    -------
    instance : object
        A new object on every call; lists and dicts are copied.
    """
    match spec:
        case Spec(path, params):
            return resolve(path)(**{name: instantiate(value) for name, value in params})
        case Reference(path):
            return resolve(path)
        case list():
            return [instantiate(value) for value in spec]
        case tuple():
            return tuple(instantiate(value) for value in spec)
        case dict():
            return {instantiate(k): instantiate(v) for k, v in spec.items()}
        case _:
            return spec


def paths(spec) -> Iterator[str]:
    """Yield the import path of everything that `spec` refers to."""
    match spec:
        case Spec(path, params):
            yield path
            for _, value in params:
                yield from paths(value)
        case Reference(path):
            yield path
        case list() | tuple():
            for value in spec:
                yield from paths(value)
        case dict():
            for key, value in spec.items():
                yield from paths(key)
                yield from paths(value)
        case float() if not math.isfinite(spec):
            yield "numpy.nan" if math.isnan(spec) else "numpy.inf"


# Arguments that are conventionally passed by position.
_UNNAMED = frozenset({"member", "steps", "transformer_list", "transformers"})


def render(spec, name_of: Callable[[str], str], *, indent=0, used=0) -> str:
    """Write the Python expression that makes what `instantiate` makes.

    Parameters
    ----------
    spec : Spec, Reference, constant, or list, tuple or dict of these
    name_of : callable
        Gives the name under which an import path is known in the module.
    indent : int, default=0
        Columns by which the line that the expression begins on is indented.
    used : int, default=0
        Characters on that line before and after the expression.

    Returns
    -------
    expression : str
        On one line if it fits in 88 columns, else with one element a line.
    """
    flat = _flat(spec, name_of)
    if indent + used + len(flat) <= LINE_LENGTH:
        return flat
    inner = indent + 4
    match spec:
        case Spec(path, ((name, value),)) if name in _UNNAMED:
            # The brackets of the only argument share the lines of the call's.
            opening, closing = f"{name_of(path)}(", ")"
            used += len(opening) + len(closing)
            return opening + render(value, name_of, indent=indent, used=used) + closing
        case Spec(path, params) if params:
            opening, closing = f"{name_of(path)}(", ")"
            items = [
                prefix + render(value, name_of, indent=inner, used=len(prefix) + 1)
                for prefix, value in _arguments(params)
            ]
        case tuple() if sum(isinstance(value, Spec) for value in spec) == 1:
            # ("name", Class(...)): the call may take several lines, the tuple stays.
            parts = [
                value if isinstance(value, Spec) else _flat(value, name_of)
                for value in spec
            ]
            others = sum(len(part) + 2 for part in parts if isinstance(part, str))
            used += others + 3
            inside = ", ".join(
                part
                if isinstance(part, str)
                else render(part, name_of, indent=indent, used=used)
                for part in parts
            )
            return f"({inside})"
        case list() | tuple() if spec:
            opening, closing = "[]" if isinstance(spec, list) else "()"
            items = [render(value, name_of, indent=inner, used=1) for value in spec]
        case dict() if spec:
            opening, closing = "{}"
            items = []
            for key, value in spec.items():
                prefix = f"{_flat(key, name_of)}: "
                used = len(prefix) + 1
                items.append(prefix + render(value, name_of, indent=inner, used=used))
        case _:
            return flat
    margin = " " * inner
    if all(len(item) < 16 for item in items) and not isinstance(spec, Spec):
        body = _filled(items, margin)
    else:
        body = "".join(f"{margin}{item},\n" for item in items)
    return f"{opening}\n{body}{' ' * indent}{closing}"


def _filled(items, margin):
    """Put as many short items on each line as fit."""
    lines, line = [], margin
    for item in items:
        if len(line) + len(item) + 1 > LINE_LENGTH:
            lines.append(line.rstrip())
            line = margin
        line += f"{item}, "
    lines.append(line.rstrip())
    return "\n".join(lines) + "\n"


def _arguments(params):
    """Yield the prefix (``name=``, or nothing) and the value of each argument."""
    for i, (name, value) in enumerate(params):
        yield "" if i == 0 and name in _UNNAMED else f"{name}=", value


def _flat(spec, name_of):
    """Write an expression on one line."""
    match spec:
        case Spec(path, params):
            arguments = (p + _flat(v, name_of) for p, v in _arguments(params))
            return f"{name_of(path)}({', '.join(arguments)})"
        case Reference(path):
            return name_of(path)
        case list():
            return "[" + ", ".join(_flat(v, name_of) for v in spec) + "]"
        case tuple():
            inside = ", ".join(_flat(v, name_of) for v in spec)
            return f"({inside},)" if len(spec) == 1 else f"({inside})"
        case dict():
            items = (
                f"{_flat(k, name_of)}: {_flat(v, name_of)}" for k, v in spec.items()
            )
            return "{" + ", ".join(items) + "}"
        case slice(start=start, stop=stop, step=step):
            parts = (start, stop) if step is None else (start, stop, step)
            return f"slice({', '.join(_flat(p, name_of) for p in parts)})"
        case np.generic():
            # repr gives "np.float64(1.0)", which needs an import.
            return _flat(spec.item(), name_of)
        case float() if math.isnan(spec):
            return name_of("numpy.nan")
        case float() if math.isinf(spec):
            return ("-" if spec < 0 else "") + name_of("numpy.inf")
        case str():
            text = repr(spec)
            # Double quotes, as formatters write them, unless they need escapes.
            return text if '"' in text or "\\" in text else f'"{text[1:-1]}"'
        case _:
            return repr(spec)
