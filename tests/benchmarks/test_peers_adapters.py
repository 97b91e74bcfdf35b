"""What the adapters do to tables, and those that need no other environment."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks._systems import UNTUNED, with_plain_columns
from benchmarks._tables import Split
from benchmarks.peers.adapters import _columns, untuned
from benchmarks.peers.adapters._columns import Prepared, as_objects, categories, numbers
from benchmarks.peers.adapters._job import Job
from tests.benchmarks.test_peers_run import make_settings, make_split

TEXT = pd.Series(["b", "a", None, "b"])
TRAIN = pd.DataFrame(
    {
        "x [m], up": [1.0, np.nan, np.inf, 3.0],
        "text": TEXT,
        "category": pd.Categorical([1, 2, None, 1], categories=[1, 2, 3]),
        "yes": [True, False, True, True],
    }
)
TEST = pd.DataFrame(
    {
        "x [m], up": [np.nan, -np.inf],
        "text": ["c", "a"],
        "category": pd.Categorical([3, 2], categories=[1, 2, 3]),
        "yes": [False, False],
    }
)


def test_categories_are_those_of_the_training_rows():
    prepare = categories(TRAIN)
    train, test = prepare(TRAIN), prepare(TEST)
    assert train.columns.tolist() == ["f0", "f1", "f2", "f3"]
    assert train["f1"].cat.categories.tolist() == ["a", "b"]
    assert train["f2"].cat.categories.tolist() == ["1", "2"]
    assert (train.dtypes == test.dtypes).all()
    assert train["f1"].tolist()[:2] == ["b", "a"] and pd.isna(train["f1"][2])
    assert pd.isna(test["f1"][0]) and test["f1"][1] == "a"
    assert pd.isna(test["f2"][0]) and test["f2"][1] == "2"


def test_categories_are_those_of_the_main_job():
    split = with_plain_columns(Split(TRAIN, None, TRAIN[::-1], None))
    prepare = categories(TRAIN)
    for part, expected in ((TRAIN, split.X_train), (TRAIN[::-1], split.X_test)):
        prepared = prepare(part)
        for name in expected:
            # The texts may have another type.
            pd.testing.assert_series_equal(
                prepared[name].astype(object),
                expected[name].astype(object),
                check_index=False,
            )


def test_numbers_are_finite():
    prepare = numbers(TRAIN)
    train, test = prepare(TRAIN), prepare(TEST)
    assert np.isfinite(train.to_numpy(float)).all()
    # The median of 1 and 3; no level that is known; no "yes".
    assert test.to_numpy(float).tolist() == [
        [2, 0, 0, 0, 0, 0],
        [2, 1, 0, 0, 1, 0],
    ]


def test_many_levels_become_codes(monkeypatch):
    monkeypatch.setattr(_columns, "MOST_ONE_HOT", 1)
    prepare = numbers(TRAIN)
    assert prepare(TRAIN)["f1"].tolist() == [1, 0, -1, 1]
    assert prepare(TEST)["f1"].tolist() == [-1, 0]


@given(
    st.lists(st.one_of(st.none(), st.text("ab1", max_size=2)), min_size=1, max_size=9),
    st.lists(st.one_of(st.none(), st.text("ab2", max_size=2)), min_size=1, max_size=9),
)
def test_any_text_can_be_prepared(train, test):
    train, test = (
        pd.DataFrame({"x": pd.Series(c, dtype=object)}) for c in (train, test)
    )
    train["n"] = test["n"] = 0.0
    for make in (categories, numbers):
        prepare = make(train)
        assert len(prepare(test)) == len(test)
        assert prepare(test).dtypes.equals(prepare(train).dtypes)


def test_objects_are_python_text():
    table = as_objects(TRAIN)
    assert table["text"].tolist() == ["b", "a", None, "b"]
    assert table["category"].tolist() == ["1", "2", None, "1"]
    assert table["yes"].dtype == bool


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize(
    "model", sorted(UNTUNED.keys() - {"lightgbm", "random_forest"})
)
def test_untuned_models_take_the_table(task, model, tmp_path):
    split = make_split(task)
    settings = make_settings(model, task=task, budget=None)
    fitted = untuned.fit(Job(settings, split.X_train, split.y_train, tmp_path))
    assert isinstance(fitted, Prepared)
    assert fitted.predict(split.X_test).shape == (10,)
    if task == "classification":
        assert fitted.classes_.tolist() == ["1", "1.0", "yes"]
        assert fitted.predict_proba(split.X_test).sum(axis=1) == pytest.approx(1)


def make_tuned(budget, tmp_path, task="classification"):
    from benchmarks.peers.adapters import lightgbm_tuned

    split = make_split(task)
    job = Job(
        make_settings(task=task, budget=budget), split.X_train, split.y_train, tmp_path
    )
    model = lightgbm_tuned.fit(job)
    return lightgbm_tuned.describe(job, model), model.predict(split.X_test)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_tuned_lightgbm_tries_at_least_the_defaults(task, tmp_path):
    pytest.importorskip("lightgbm")
    described, predicted = make_tuned(1e-6, tmp_path, task)
    assert described == {"n_candidates": 1}
    assert predicted.shape == (10,)


def test_tuned_lightgbm_stops_in_time(tmp_path, monkeypatch):
    """On a clock on which every candidate takes one second, and nothing else does."""
    pytest.importorskip("lightgbm")
    from benchmarks.peers.adapters import lightgbm_tuned

    tried, now = [], [0.0]

    def scores(model, *_, **__):
        now[0] += 1.0
        tried.append(model.get_params())
        return np.array([float(len(tried) == 2)])

    monkeypatch.setattr(lightgbm_tuned, "cross_val_score", scores)
    monkeypatch.setattr(lightgbm_tuned.time, "monotonic", lambda: now[0])
    described, _ = make_tuned(10.0, tmp_path)
    # After eight, a ninth would just fit into 90 % of ten seconds; a tenth would not.
    assert described == {"n_candidates": 9}
    assert tried[0]["n_estimators"] == 100
    assert len({str(parameters) for parameters in tried}) == 9


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_ours_knows_nothing_of_the_tables_family(task, tmp_path, monkeypatch):
    from benchmarks.peers.adapters import sklearn_meta as adapter
    from sklearn_meta.metalearning import KnowledgeBase

    fitted = []
    for kind in (adapter.MetaAutoClassifier, adapter.MetaAutoRegressor):
        monkeypatch.setattr(kind, "fit", lambda self, X, y: fitted.append(self) or self)
    split = make_split(task)
    settings = make_settings(task=task, budget=7.0, family="mine", n_jobs=2, seed=3)
    adapter.fit(Job(settings, split.X_train, split.y_train, tmp_path))
    (model,) = fitted
    assert model.knowledge_base == KnowledgeBase().without_families(["mine"])
    assert model.knowledge_base != KnowledgeBase()
    parameters = (model.time_budget, model.n_jobs, model.random_state)
    assert parameters == (7.0, 2, 3)
    expected = {
        "classification": "neg_log_loss",
        "regression": "neg_root_mean_squared_error",
    }
    assert model.scoring == expected[task]


def test_networks_start_from_initializations_without_the_table(tmp_path):
    pytest.importorskip("torch")
    from benchmarks.peers.adapters.sklearn_meta import search_space
    from sklearn_meta.pipelines import Schema, compile_pipeline, parse
    from sklearn_meta.timing._forecast import make_forecast

    # None at hand: no networks, as those that ship were trained on the table.
    without = search_space("regression", "").catalog("regression")
    assert without.find("maml") is None
    catalog = search_space("regression", str(tmp_path)).catalog("regression")
    tree = parse("maml(X)", catalog=catalog)
    pipeline = compile_pipeline(
        tree,
        Schema(n_features=2),
        n_classes=1,
        catalog=catalog,
        random_state=0,
    )
    assert pipeline[-1].init == str(tmp_path / "regression")
    # It is as well known as the built-in one: no process of its own is needed.
    assert not make_forecast(None, catalog, 1.0).foreign
