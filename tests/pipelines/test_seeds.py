"""No estimator of the catalog draws from the global random generators."""

import pickle
import random
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import AdaBoostRegressor, BaggingRegressor, StackingRegressor
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import Lasso, LogisticRegression
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC, NuSVR

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION
from sklearn_meta.pipelines._compile import compile_pipeline
from sklearn_meta.pipelines._seeds import (
    MAX_WAIT,
    alone_if_it_must,
    may_draw_globally,
    seeds_for_all,
)
from sklearn_meta.pipelines.catalog._default import default_catalog
from sklearn_meta.testing._operator_checks import tree_with
from sklearn_meta.testing._tables import make_table

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 3))
y = X.sum(axis=1)


def state():
    return pickle.dumps((np.random.get_state(), random.getstate()))


@pytest.mark.parametrize(
    "estimator",
    [
        SVR(),
        NuSVR(),
        Lasso(),
        make_pipeline(SelectFromModel(Lasso(alpha=0.01)), SVR()),
        StackingRegressor([("svr", SVR()), ("lasso", Lasso())], cv=2),
        BaggingRegressor(SVR(), n_estimators=2, random_state=0),
        AdaBoostRegressor(SVR(), n_estimators=2, random_state=0),
        MultiOutputRegressor(
            TransformedTargetRegressor(make_pipeline(StandardScaler(), SVR()))
        ),
    ],
    ids=lambda e: type(e).__name__,
)
def test_parts_and_their_clones_have_seeds_for_a_while(estimator):
    several = isinstance(estimator, MultiOutputRegressor)
    target = np.column_stack([y, y]) if several else y
    usual = clone(estimator).fit(X, target).predict(X)
    parameters, before = repr(estimator.get_params()), state()
    with seeds_for_all(estimator, 7):
        estimator.fit(X, target)
    assert state() == before
    np.testing.assert_array_equal(estimator.predict(X), usual)
    assert repr(estimator.get_params()) == parameters
    assert b"sklearn_meta" not in pickle.dumps(estimator)
    clone(estimator)


def test_all_is_as_before_after_an_error():
    estimator = SVR()
    with pytest.raises(ZeroDivisionError), seeds_for_all(estimator, 7):
        assert clone(estimator).random_state == 7
        1 / 0  # noqa: B018
    assert vars(estimator) == vars(SVR())


@pytest.mark.parametrize("task", [CLASSIFICATION, REGRESSION])
def test_no_operator_of_the_catalog_may_draw_globally(task):
    _, schema = make_table("mixed")
    catalog = default_catalog(task)
    n_classes = 3 if task == CLASSIFICATION else 1
    drawing = [
        operator.name
        for operator in catalog
        if may_draw_globally(
            compile_pipeline(
                tree_with(operator, task), schema, catalog=catalog,
                n_classes=n_classes, random_state=0,
            )
        )
    ]  # fmt: skip
    assert drawing == []


def test_linear_machines_in_threads_are_those_of_single_fits():
    def weights(seed):
        model = LinearSVC(random_state=seed, dual=True, max_iter=20, tol=1e-12)
        with alone_if_it_must(model), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return model.fit(table, table[:, 0] + table[:, 1] > 0.1).coef_.tolist()

    table = rng.normal(size=(1000, 40))
    expected = list(map(weights, range(8)))
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(weights, range(8))) == expected


class Seedless(ClassifierMixin, BaseEstimator):
    pass


class Seeded(ClassifierMixin, BaseEstimator):
    def __init__(self, random_state=None):
        self.random_state = random_state


def test_classes_of_others_may_draw_unless_they_take_a_seed():
    assert may_draw_globally(make_pipeline(StandardScaler(), Seedless()))
    assert not may_draw_globally(make_pipeline(StandardScaler(), Seeded()))
    with seeds_for_all(pipeline := make_pipeline(StandardScaler(), Seeded()), 7):
        assert pipeline[-1].random_state == 7


@pytest.mark.parametrize(
    "estimator",
    [
        LinearSVC(),
        make_pipeline(StandardScaler(), LogisticRegression(solver="liblinear")),
    ],
    ids=lambda e: type(e).__name__,
)
def test_fits_that_share_a_generator_of_a_library_do_not_overlap(estimator):
    entered = threading.Event()
    assert MAX_WAIT > 5

    def other(estimator):
        with alone_if_it_must(estimator):
            entered.set()

    with alone_if_it_must(estimator), alone_if_it_must(LinearSVC()):
        waiting = threading.Thread(target=other, args=(estimator,))
        waiting.start()
        assert not entered.wait(0.05)
        free = threading.Thread(target=other, args=(SVC(),))
        free.start()
        assert entered.wait(5)
        entered.clear()
    assert entered.wait(20)
    waiting.join(), free.join()
