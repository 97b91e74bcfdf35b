"""scikit-learn's own checks on every public estimator, none excused."""

import inspect
import os
import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from unittest import SkipTest

import pytest
import sklearn
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import SkipTestWarning
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks
from sklearn.utils.fixes import parse_version

import sklearn_meta
from sklearn_meta import MetaAutoClassifier, MetaAutoRegressor
from sklearn_meta.data.level_encoder import LevelEncoder
from sklearn_meta.ensemble import (
    WeightedEnsembleClassifier,
    WeightedEnsembleRegressor,
)
from sklearn_meta.metalearning import FixedPortfolio, KNNMetaLearner
from sklearn_meta.mlp import BaggedMLPClassifier, BaggedMLPRegressor
from sklearn_meta.pipelines import SearchSpace
from tests.contract.small import classifier, regressor

ROOT = Path(__file__).parents[1]

# What the checks warn of is theirs: deprecated containers, warnings they count.
pytestmark = pytest.mark.filterwarnings("ignore")

# Estimators whose checks are in other tests, because they need torch.
CHECKED_ELSEWHERE = {"MAMLClassifier", "MAMLRegressor", "CanonicalInput"}
OPTIONAL = {"torch", "skorch", "safetensors"}

# Cheap pipelines, for the hundreds of fits of all checks, on the default folds.
# What is recalled by default, networks above all, the slow tests check.
SHORT = [classifier(max_evaluations=2, cv=None), regressor(max_evaluations=2, cv=None)]
ENSEMBLES = [WeightedEnsembleClassifier(), WeightedEnsembleRegressor()]
NETWORKS = [
    BaggedMLPClassifier(n_estimators=4, max_steps=100, random_state=0),
    BaggedMLPRegressor(n_estimators=4, max_steps=100, random_state=0),
]
# They have parameters and `fit`, but what they are fitted on is a knowledge base.
META_LEARNERS = [KNNMetaLearner(), FixedPortfolio()]
ENCODERS = [LevelEncoder()]


def public_classes():
    """Yield the public classes of the package that have parameters.

    Public is what a module or package whose name is not private lists in ``__all__``.
    Without torch, what needs it is left out.
    """
    found = pkgutil.walk_packages(sklearn_meta.__path__, "sklearn_meta.")
    for module in ["sklearn_meta", *(m.name for m in found if "._" not in m.name)]:
        names = getattr(_with_torch(import_module, module), "__all__", [])
        for name in names:
            value = _with_torch(getattr, sys.modules[module], name)
            if inspect.isclass(value) and issubclass(value, BaseEstimator):
                yield value


def _with_torch(function, *args):
    """Call a function that may import torch or what comes with it; None without."""
    try:
        return function(*args)
    except ImportError as error:
        if error.name not in OPTIONAL:
            raise


def test_every_public_estimator_is_checked():
    checked = {
        type(e).__name__
        for e in [*SHORT, *ENSEMBLES, *NETWORKS, *META_LEARNERS, *ENCODERS]
    }
    found = {cls.__name__ for cls in public_classes() if hasattr(cls, "fit")}
    assert checked <= found
    assert found <= checked | CHECKED_ELSEWHERE, "Add it to the estimators above."


@parametrize_with_checks(SHORT)
def test_short_search(estimator, check):
    try:
        check(estimator)
    except SkipTest as error:
        # Which pytest no longer knows.
        pytest.skip(str(error))


@parametrize_with_checks([*ENSEMBLES, *ENCODERS])
def test_ensembles_and_encoders(estimator, check):
    check(estimator)


@parametrize_with_checks(NETWORKS)
def test_networks(estimator, check):
    check(estimator)


@pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.8"),
    reason="scikit-learn checks all estimators with these arrays since 1.8",
)
def test_arrays_of_the_array_api():
    # Before scipy is imported, or scikit-learn skips its check.
    code = """
import warnings
from sklearn.utils.estimator_checks import estimator_checks_generator
from tests.test_common import ENSEMBLES, NETWORKS, SHORT

warnings.simplefilter("ignore")
for estimator in [*SHORT, *ENSEMBLES, *NETWORKS]:
    checks = [
        check
        for _, check in estimator_checks_generator(estimator)
        if check.func.__name__ == "check_array_api_input"
    ]
    assert checks
    for check in checks:
        check(estimator)
"""
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=environment)


# Meta-learners, strategies and search spaces: nested objects with parameters

PARAMETER_CHECKS = [
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_no_attributes_set_in_init",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_set_params",
    "check_mixin_order",
    "check_valid_tag_types",
]
NESTED = [cls for cls in public_classes() if not hasattr(cls, "predict")]


def test_nested_objects_are_found():
    assert {SearchSpace, KNNMetaLearner, FixedPortfolio} <= set(NESTED)


@pytest.mark.parametrize("name", PARAMETER_CHECKS)
@pytest.mark.parametrize("cls", dict.fromkeys(NESTED), ids=lambda cls: cls.__name__)
def test_parameters_of_nested_objects(cls, name):
    getattr(estimator_checks, name)(cls.__name__, cls())


@pytest.mark.parametrize("meta_learner", META_LEARNERS, ids=str)
def test_meta_learners_say_that_they_take_no_table(meta_learner):
    with pytest.warns(SkipTestWarning, match="requires input"):
        check_estimator(meta_learner)
    assert clone(meta_learner).fit() is not meta_learner


# The default search


class _RepeatableClassifier(MetaAutoClassifier):
    """The default search, with the checks that need repeatable fits.

    A search that ends by the clock says that it is not deterministic, which is the
    truth on large tables, and scikit-learn then leaves out three checks. On the tables
    of the checks it ends before the clock does.
    """

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.non_deterministic = False
        return tags


class _RepeatableRegressor(MetaAutoRegressor):
    """As `_RepeatableClassifier`."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.non_deterministic = False
        return tags


# On two folds, for time: the short searches are on as many as by default. The budget is
# one that a busy machine does not use up.
DEFAULT = {"cv": 2, "time_budget": 600}


@pytest.mark.slow
@parametrize_with_checks(
    [_RepeatableClassifier(**DEFAULT), _RepeatableRegressor(**DEFAULT)]
)
def test_default_search(estimator, check):
    check(estimator)
