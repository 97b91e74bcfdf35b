"""The default catalog: built-in operators of both tasks, in order."""

from __future__ import annotations

import functools
from importlib.util import find_spec

from sklearn_meta.pipelines._operators import Catalog, Operator
from sklearn_meta.pipelines.catalog import (
    _boosting,
    _clustering,
    _cross_decomposition,
    _decomposition,
    _discriminant_analysis,
    _dummy,
    _feature_construction,
    _feature_selection,
    _gaussian_process,
    _linear,
    _naive_bayes,
    _neighbors,
    _neural_networks,
    _preparation,
    _scaling,
    _svm,
    _trees_and_forests,
    _wrappers,
)


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
    """Return the packages that a built-in operator requires and that are missing.

    Parameters
    ----------
    name : str
        Name of any operator.

    Returns
    -------
    packages : list of str
        Empty if nothing is missing, or the operator is not a built-in one.
    """
    return _missing(p for o in _OPERATORS if o.name == name for p in o.requires)


def _missing(packages):
    """Return those packages that are not installed."""
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


# Random draws depend on the order within a kind and a task: another order gives other
# pipelines for the same seed.
_OPERATORS = (
    *_preparation.PREPARATIONS,
    # Transformers
    *_scaling.TRANSFORMERS,
    *_feature_construction.TRANSFORMERS,
    _clustering.KMEANS,
    *_decomposition.TRANSFORMERS,
    _clustering.FEATURE_AGGLOMERATION,
    _feature_selection.VARIANCE_THRESHOLD,
    _discriminant_analysis.LDA_PROJECTION,
    *_feature_selection.SUPERVISED,
    # Learners
    *_trees_and_forests.LEARNERS,
    *_boosting.LEARNERS,
    *_linear.CLASSIFIERS,
    *_svm.CLASSIFIERS,
    *_neighbors.CLASSIFIERS,
    *_naive_bayes.CLASSIFIERS,
    *_discriminant_analysis.CLASSIFIERS,
    *_neural_networks.CLASSIFIERS,
    *_gaussian_process.CLASSIFIERS,
    *_dummy.CLASSIFIERS,
    *_linear.REGRESSORS,
    *_svm.REGRESSORS,
    *_neighbors.REGRESSORS,
    *_cross_decomposition.REGRESSORS,
    *_gaussian_process.REGRESSORS,
    *_neural_networks.REGRESSORS,
    *_dummy.REGRESSORS,
    *_neural_networks.BAGGED_MLPS,
    *_neural_networks.MAMLS,
    *_wrappers.WRAPPERS,
)
