"""Validation of the docstrings of all public objects by numpydoc."""

import inspect
from enum import Enum
from importlib import import_module
from pathlib import Path
from types import FunctionType

import pytest
from sklearn.base import BaseEstimator

import sklearn_meta

validate = pytest.importorskip("numpydoc.validate").validate

PACKAGE = Path(sklearn_meta.__file__).parent

# https://numpydoc.readthedocs.io/en/latest/validation.html lists all checks.
IGNORED = {
    # The summary begins on the line of the opening quotes, as in scikit-learn.
    "GL01",
    # What the summary says in full needs no second paragraph.
    "ES01",
    # Demanded of estimators only, see below: most records have a single use.
    "EX01",
    # Related objects stand beside each other in the API reference.
    "SA01",
    # Returned values have a name, as in scikit-learn.
    "RT02",
}


def public_modules():
    """Import paths of the modules that declare what users may import from them."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if any(part.startswith("_") for part in parts):
            continue
        if "__all__ = " in path.read_text(encoding="utf-8"):
            yield ".".join(parts)


def public_objects(module):
    """Classes and functions of a module that are defined in this package."""
    for name in module.__all__:
        found = getattr(module, name)
        ours = getattr(found, "__module__", "").startswith("sklearn_meta")
        if ours and isinstance(found, type | FunctionType):
            yield found


def functions_of(cls):
    """Names and functions of the public methods and properties of this package."""
    for name in dir(cls):
        found = inspect.getattr_static(cls, name)
        found = getattr(found, "fget", None) or getattr(found, "__func__", found)
        # A conditional method, see sklearn.utils.metaestimators.available_if.
        found = inspect.unwrap(getattr(found, "fn", found))
        is_ours = (getattr(found, "__module__", None) or "").startswith("sklearn_meta")
        if not name.startswith("_") and is_ours and isinstance(found, FunctionType):
            yield name, found


def errors_of(path, ignored):
    return [
        f"{path}: {code} {message}"
        for code, message in validate(path)["errors"]
        if code not in ignored
    ]


def has_no_constructor(cls):
    """Whether users make no objects of a class: they pick or implement them."""
    return issubclass(cls, Enum) or getattr(cls, "_is_protocol", False)


def import_or_skip(name):
    # The networks are the one part that needs these packages.
    if name.startswith("sklearn_meta.maml") or name == "sklearn_meta":
        pytest.importorskip("torch")
        pytest.importorskip("skorch")
    return import_module(name)


@pytest.mark.parametrize("name", list(public_modules()))
def test_docstrings(name):
    found = []
    for thing in public_objects(import_or_skip(name)):
        path = f"{thing.__module__}.{thing.__qualname__}"
        ignored = set(IGNORED)
        if isinstance(thing, type):
            if issubclass(thing, BaseEstimator):
                ignored -= {"EX01"}
            if has_no_constructor(thing):
                ignored |= {"PR01"}
            for method, _ in functions_of(thing):
                found += errors_of(f"{path}.{method}", IGNORED)
        found += errors_of(path, ignored)
    assert not found, "\n".join(found)


def documented_parameters(function):
    """Names under "Parameters", in their order, without stars."""
    from numpydoc.docscrape import FunctionDoc

    return [
        name.strip().lstrip("*")
        for parameter in FunctionDoc(function)["Parameters"]
        for name in parameter.name.split(",")
    ]


@pytest.mark.parametrize("name", list(public_modules()))
def test_documented_parameters_are_those_of_the_signature(name):
    found = []
    for thing in public_objects(import_or_skip(name)):
        functions = [(thing.__qualname__, thing)]
        if isinstance(thing, type):
            if has_no_constructor(thing) or issubclass(thing, Exception):
                functions = []
            functions += [
                (f"{thing.__qualname__}.{method}", function)
                for method, function in functions_of(thing)
            ]
        for label, function in functions:
            taken = [n for n in inspect.signature(function).parameters if n != "self"]
            taken = taken[1:] if taken[:1] == ["cls"] else taken
            documented = documented_parameters(function)
            if documented != taken:
                found.append(f"{label} documents {documented} and takes {taken}")
    assert not found, "\n".join(found)


def test_what_is_wrong_is_found():
    assert "sklearn_meta.pipelines" in set(public_modules())
    wrong = errors_of(f"{__name__}.errors_of", IGNORED)
    assert any("GL08" in error for error in wrong)
