"""Records that a search adds to the user's own knowledge base."""

import math
import sqlite3
import time
from contextlib import closing, contextmanager

import pytest
from sklearn.datasets import load_iris
from sklearn.metrics import f1_score, make_scorer

from sklearn_meta import MetaAutoClassifier
from sklearn_meta.exceptions import SklearnMetaWarning
from sklearn_meta.metalearning import (
    KNNMetaLearner,
    KnowledgeBase,
    KnowledgeBaseError,
    MetaFeatures,
    Prior,
)
from sklearn_meta.metalearning._run_records import (
    add_results,
    check_recordable,
    metafeatures_to_record,
)
from sklearn_meta.metalearning.metafeatures import encode_dataset
from sklearn_meta.pipelines import SearchSpace

SPACE = SearchSpace(include=["gaussian_nb", "lda", "standard_scaler"])


def metrics_after(path, scoring):
    X, y = load_iris(return_X_y=True)
    MetaAutoClassifier(
        max_evaluations=3,
        random_state=0,
        search_space=SPACE,
        scoring=scoring,
        knowledge_base=path,
    ).fit(X, y)
    return KnowledgeBase(path).metrics("classification")


def test_the_same_table_is_one_dataset(tmp_path):
    path = tmp_path / "ours.sqlite"
    metrics_after(path, None)
    metrics = metrics_after(path, "f1_macro")
    assert "f1_macro" in metrics and "neg_log_loss" in metrics
    assert len(KnowledgeBase(path).datasets()) == 1


def test_a_metric_without_a_name_is_not_stored(tmp_path):
    scorer = make_scorer(f1_score, average="micro")
    metrics = metrics_after(tmp_path / "ours.sqlite", scorer)
    assert set(metrics) == {"neg_log_loss", "roc_auc", "balanced_accuracy", "accuracy"}


def test_metafeatures_of_the_recall_are_not_computed_again():
    _, dataset = encode_dataset(*load_iris(return_X_y=True))
    recalled = MetaFeatures(("skew",), [0.5])
    assert metafeatures_to_record(dataset, Prior(metafeatures=recalled)) is recalled
    assert len(metafeatures_to_record(dataset, Prior())) > 50


def results(path):
    """Return what `add_results` is called with."""
    X, y = load_iris(return_X_y=True)
    _, dataset = encode_dataset(X, y)
    return (path, dataset, None, (), (), MetaFeatures(("skew",), [0.5]))


@contextmanager
def locked(path, how="IMMEDIATE"):
    """Hold the lock of a writer."""
    KnowledgeBase(path).set_provenance(made="here")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"BEGIN {how}")
        yield


def waits_of(monkeypatch, use):
    """Return for how long adding and checking are told to wait."""
    waits = []
    for name in ("add", "check_writable"):
        monkeypatch.setattr(
            KnowledgeBase, name, lambda *_, timeout: waits.append(timeout)
        )
    use()
    return waits


@pytest.mark.parametrize(
    ("remaining", "wait"), [(0.0, 0.3), (5.0, 5.0), (600.0, 60.0), (math.inf, 60.0)]
)
def test_adding_waits_for_what_is_left(tmp_path, monkeypatch, remaining, wait):
    arguments = results(tmp_path / "ours.sqlite")
    assert waits_of(
        monkeypatch, lambda: add_results(*arguments, remaining=lambda: remaining)
    ) == [wait]


@pytest.mark.parametrize(
    ("budget", "wait"), [(1.0, 0.02), (10.0, 0.2), (3600.0, 2.0), (math.inf, 2.0)]
)
def test_checking_waits_for_a_small_share(tmp_path, monkeypatch, budget, wait):
    path = tmp_path / "ours.sqlite"
    assert waits_of(monkeypatch, lambda: check_recordable(path, budget)) == [
        pytest.approx(wait)
    ]


def test_a_locked_file_is_no_reason_to_refuse_a_search(tmp_path):
    path = tmp_path / "ours.sqlite"
    with locked(path):
        check_recordable(path, 1.0)
        with pytest.warns(SklearnMetaWarning, match="not added.*locked.*merge"):
            add_results(*results(path), remaining=lambda: 0.0)
    path.write_bytes(b"no database" * 100)
    with pytest.raises(KnowledgeBaseError, match="not a SQLite"):
        check_recordable(path, 1.0)


def test_a_fit_ends_in_time_with_a_locked_file(tmp_path):
    path = tmp_path / "ours.sqlite"
    X, y = load_iris(return_X_y=True)
    estimator = MetaAutoClassifier(
        max_evaluations=2,
        time_budget=3,
        random_state=0,
        search_space=SPACE,
        knowledge_base=path,
    )
    began = time.monotonic()
    with locked(path, "EXCLUSIVE"), pytest.warns(SklearnMetaWarning) as warned:
        estimator.fit(X, y)
    messages = [str(w.message) for w in warned]
    assert sum("recalled from the shipped file only" in m for m in messages) == 1
    assert sum("not added" in m for m in messages) == 1
    # Without the budget, each of the locks is waited for for a minute.
    assert time.monotonic() - began < 55
    assert estimator.predict(X[:2]).shape == (2,)
    # As if nobody had locked it.
    assert len(estimator.fit(X, y).neighbors_) > 0
    assert len(KnowledgeBase(path).datasets()) == 1


def test_a_locked_file_in_place_of_the_shipped_one(tmp_path):
    _, dataset = encode_dataset(*load_iris(return_X_y=True))
    path = tmp_path / "ours.sqlite"
    meta_learner = KNNMetaLearner().fit(KnowledgeBase(path))
    with locked(path, "EXCLUSIVE"):
        with pytest.warns(SklearnMetaWarning, match="Nothing is recalled.*locked"):
            prior = meta_learner.recall(
                dataset,
                catalog=SPACE.catalog("classification"),
                time_budget=1.0,
                scoring="neg_log_loss",
            )
    assert "locked" in prior.note and len(prior.portfolio) > 0
