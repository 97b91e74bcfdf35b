"""What is expected of one table: seconds, and rows that there are seconds for."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_meta import MetaAutoRegressor
from sklearn_meta.data._dataset import Dataset
from sklearn_meta.data._loss import Loss
from sklearn_meta.data._task import RegressionTask
from sklearn_meta.evaluation._cross_validation import make_folds, make_stages
from sklearn_meta.evaluation._limits import SearchLimits
from sklearn_meta.metalearning._prior import Proposal
from sklearn_meta.pipelines import Node, Schema, SearchSpace, X, default_catalog
from sklearn_meta.timing._effort import (
    MIN_HOLDOUT_SAMPLES,
    MIN_HOLDOUT_TRAIN,
    Effort,
    usual_seconds,
)
from sklearn_meta.timing._forecast import Forecast, make_forecast


def forecast(n_samples, budget_seconds, n_features=3):
    data = Dataset(
        np.broadcast_to(np.zeros(n_features), (n_samples, n_features)),
        np.zeros(n_samples),
        Schema(n_features),
        RegressionTask(),
    )
    return Forecast(data, default_catalog(data.task.name), budget_seconds, frozenset())


@given(st.integers(1, 10**6), st.floats(0.1, 1e4))
def test_a_usual_fit_has_its_share_of_the_budget(n_samples, budget):
    here = forecast(n_samples, budget)
    n_rows = here.effort().max_train
    assert min(n_samples, MIN_HOLDOUT_TRAIN) <= n_rows <= n_samples
    usual = Node("lightgbm", (X,))
    if n_rows > MIN_HOLDOUT_TRAIN:
        assert here.fit_seconds(usual, n_rows - 1) <= usual_seconds(budget)
    if n_rows < n_samples:
        assert here.fit_seconds(usual, n_rows + 1) >= usual_seconds(budget)


def test_all_rows_without_a_budget():
    assert forecast(10**6, np.inf).effort() == Effort(max_train=10**6)


@given(st.integers(1, 10**5), st.floats(1.0, 1e3), st.integers(1, 500))
def test_folds_where_there_is_time_for_them(n_samples, budget, n_features):
    effort = forecast(n_samples, budget, n_features).effort()
    if n_samples < MIN_HOLDOUT_SAMPLES:
        assert effort.max_folds == 5
    more = forecast(n_samples, 2 * budget, n_features).effort()
    assert more.max_folds >= effort.max_folds
    larger = forecast(n_samples + MIN_HOLDOUT_SAMPLES, budget, n_features).effort()
    assert larger.max_folds <= effort.max_folds


@pytest.mark.parametrize("budget, n_splits", [(10.0, 1), (1_000.0, 5)])
def test_a_short_budget_makes_do_with_a_holdout(budget, n_splits):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(9_000, 40))
    y = x[:, 0] + rng.normal(size=len(x))
    reg = MetaAutoRegressor(
        time_budget=budget, max_evaluations=1, n_jobs=1, random_state=0
    )
    assert reg.fit(x, y).n_splits_ == n_splits


def test_seconds_on_some_rows_grow_to_those_on_all():
    here = forecast(10**6, 60.0)
    tree = Node("lightgbm", (X,))
    some = Proposal(tree, origin="", expected_seconds=2.0)
    whole = here.on_all_rows(some, 10**4).expected_seconds
    assert whole == pytest.approx(
        2.0 * here.fit_seconds(tree) / here.fit_seconds(tree, 10**4)
    )
    assert whole > 4.0
    unknown = Proposal(tree, origin="")
    assert here.on_all_rows(unknown, 10**4) is unknown


def test_a_large_table_is_searched_on_some_of_its_rows():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80_000, 20))
    y = x[:, 0] * x[:, 1] + 0.1 * rng.normal(size=len(x))
    reg = MetaAutoRegressor(
        time_budget=4, max_evaluations=12, n_jobs=1, random_state=0, warm_start=True
    ).fit(x, y)
    holdout = reg._state.plan.context.stages[-1]
    assert MIN_HOLDOUT_TRAIN <= len(holdout.train) < 40_000
    assert len(np.intersect1d(holdout.train, holdout.validation)) == 0
    assert reg.score(x, y) > 0.5


def test_a_holdout_where_a_slow_scorer_leaves_no_time_for_folds():
    usual = forecast(200, 8.0)
    assert replace(usual, score_seconds=0.2).effort() == usual.effort()
    assert replace(usual, score_seconds=0.5).effort().max_folds == 1


def test_the_seconds_of_a_slow_scorer_are_part_of_the_search():
    here = forecast(200, 1e4)
    stages = make_stages(here.dataset, make_folds(here.dataset, 5, 0), 0)
    limits = SearchLimits(10, 10)
    trees = [Node("ridge", (X,))]
    before = here.search_seconds(trees, stages, limits)
    after = replace(here, score_seconds=2.0).search_seconds(trees, stages, limits)
    assert after == pytest.approx(before + 10 * 5 * 2.0)


@pytest.mark.parametrize(("seconds", "counted"), [(0.001, 0.0), (0.3, 0.3)])
def test_scorers_of_milliseconds_are_taken_for_free(seconds, counted):
    here = forecast(200, 8.0)
    made = make_forecast(here.dataset, here.catalog, 8.0, seconds)
    assert made.score_seconds == counted


def test_nothing_is_safe_with_a_scorer_of_the_user():
    here = forecast(200, 8.0)
    made = make_forecast(here.dataset, here.catalog, 8.0)
    assert made.is_safe(Node("ridge", (X,)))
    made = make_forecast(here.dataset, here.catalog, 8.0, 0.0, True)
    assert not made.is_safe(Node("ridge", (X,)))


@pytest.mark.parametrize("loss", [Loss("quantile", 0.9), Loss("tweedie", power=1.5)])
def test_learners_of_a_loss_are_known(loss):
    data = forecast(100, 10.0).dataset
    catalog = SearchSpace().catalog("regression", loss)
    assert not make_forecast(data, catalog, 10.0).foreign
