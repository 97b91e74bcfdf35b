"""The built-in operators, for both tasks."""

from __future__ import annotations

import functools
from importlib.util import find_spec

from sklearn_meta.pipelines._operators import Catalog, Operator
from sklearn_meta.pipelines.catalog._learners import (
    LEARNER_OPERATORS,
    WRAPPER_OPERATORS,
)
from sklearn_meta.pipelines.catalog._preparation import PREPARATION_OPERATORS
from sklearn_meta.pipelines.catalog._transformers import TRANSFORMER_OPERATORS


@functools.cache
def default_catalog(task) -> Catalog:
    """Return the catalog of all built-in operators for a task.

    Nothing is imported from scikit-learn or LightGBM: operators name their classes, and
    a class is imported when a pipeline is built. Operators that require a package that
    is not installed are left out.

    Parameters
    ----------
    task : {"classification", "regression"}

    Returns
    -------
    catalog : Catalog
        Always the same immutable object.

    Examples
    --------
    >>> from sklearn_meta.pipelines import default_catalog
    >>> default_catalog("regression").find("ridge").path
    'sklearn.linear_model.Ridge'
    """
    return Catalog(built_in_operators(), task)


@functools.cache
def built_in_operators() -> tuple[Operator, ...]:
    """Return the built-in operators of both tasks whose packages are installed."""
    return tuple(o for o in _OPERATORS if not _missing(o.requires))


def missing_packages(name) -> list[str]:
    """Return what has to be installed for a built-in operator to be in the catalog.

    Parameters
    ----------
    name : str
        Of any operator.

    Returns
    -------
    packages : list of str
        Empty if nothing is missing, or the operator is not a built-in one.
    """
    return _missing(p for o in _OPERATORS if o.name == name for p in o.requires)


def _missing(packages):
    # An entry of None in sys.modules, which forbids an import, raises ValueError.
    missing = []
    for package in dict.fromkeys(packages):
        try:
            found = find_spec(package)
        except ValueError:
            found = None
        if found is None:
            missing.append(package)
    return missing


_OPERATORS = (
    *PREPARATION_OPERATORS,
    *TRANSFORMER_OPERATORS,
    *LEARNER_OPERATORS,
    *WRAPPER_OPERATORS,
)
