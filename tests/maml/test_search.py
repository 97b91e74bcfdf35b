"""The operator `maml` in the catalog, in the search and in worker processes."""

import numpy as np
import pytest

from sklearn_meta import MetaAutoClassifier
from sklearn_meta.metalearning import FixedPortfolio
from sklearn_meta.parallel import _start_pool as _start
from sklearn_meta.parallel._process_pool import can_start_processes
from sklearn_meta.pipelines import SearchSpace, default_catalog
from sklearn_meta.testing import operator_checks, parametrize_with_checks

OPERATORS = [
    default_catalog(task).find("maml") for task in ("classification", "regression")
]


@parametrize_with_checks(
    check for operator in OPERATORS for check in operator_checks(operator)
)
def test_common_checks(plugin, check):
    check(plugin)


def test_it_is_there_for_both_tasks():
    assert [o.tasks for o in OPERATORS] == [("classification",), ("regression",)]


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4))
    return X, (X[:, 0] + X[:, 1] ** 2 > 0.5).astype(int)


SPACE = SearchSpace(include=["maml", "dummy"], max_size=1)


def search(**kwargs):
    return MetaAutoClassifier(
        search_space=SPACE,
        max_evaluations=4,
        meta_learner=FixedPortfolio(),
        random_state=0,
        cv=2,
        **kwargs,
    )


@pytest.mark.slow
@pytest.mark.skipif(not can_start_processes(), reason="no worker processes here")
def test_workers_find_what_one_process_finds(table, monkeypatch):
    here = search(n_jobs=1).fit(*table)
    monkeypatch.setattr(_start, "IN_PROCESS_SECONDS", 0.0)
    monkeypatch.setattr(_start, "IN_PROCESS_SECONDS_OF_ONE", 0.0)
    one, two = (search(n_jobs=n).fit(*table) for n in (1, 2))
    assert "maml" in here.best_pipeline_
    for other in (one, two):
        assert other.best_pipeline_ == here.best_pipeline_
        assert other.best_score_ == pytest.approx(here.best_score_, rel=1e-9)


@pytest.mark.slow
def test_the_source_makes_the_same_pipeline(table):
    X, y = table
    model = search(n_jobs=1).fit(X, y)
    namespace = {}
    exec(model.to_source(), namespace)
    again = namespace["pipeline"].fit(X, y)
    np.testing.assert_allclose(
        again.predict_proba(X), model.best_estimator_.predict_proba(X)
    )


@pytest.mark.parametrize("first, expected", [(True, ["skorch", "torch"]), (False, [])])
def test_workers_import_torch_only_if_the_search_begins_with_it(
    table, first, expected, monkeypatch
):
    asked = []

    class Pool:
        def __init__(self, *args, preload, **kwargs):
            asked.extend(preload)

        def start(self):
            raise KeyboardInterrupt

        def close(self):
            pass

    monkeypatch.setattr(_start, "ProcessPool", Pool)
    monkeypatch.setattr(_start, "IN_PROCESS_SECONDS", 0.0)
    monkeypatch.setattr(_start, "IN_PROCESS_SECONDS_OF_ONE", 0.0)
    monkeypatch.setattr(_start, "can_start_processes", lambda: True)
    names = ["maml", "dummy"] if first else ["dummy"]
    model = search().set_params(search_space=SearchSpace(include=names, max_size=1))
    with pytest.raises(KeyboardInterrupt):
        model.fit(*table)
    assert [name for name in asked if name in ("skorch", "torch")] == expected
    assert "sklearn.ensemble" in asked


@pytest.mark.parametrize(
    "seconds, include, expected",
    [(2, None, False), (60, None, True), (2, ["maml", "dummy"], True)],
)
def test_in_a_few_seconds_it_is_recalled_only_if_it_is_named(
    table, seconds, include, expected
):
    recalled_from = []

    class Remembering(FixedPortfolio):
        def recall(self, dataset, *, catalog, **kwargs):
            recalled_from.extend(operator.name for operator in catalog)
            return super().recall(dataset, catalog=catalog, **kwargs)

    model = MetaAutoClassifier(
        time_budget=seconds,
        search_space=SearchSpace(include=include),
        meta_learner=Remembering(),
        max_evaluations=1,
    )
    model.fit(*table)
    assert ("maml" in recalled_from) is expected
    assert "dummy" in recalled_from
