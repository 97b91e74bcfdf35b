"""What a fit has seen is recorded, and no row of it."""

import pickle
from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import make_scorer, mean_squared_error
from sklearn.model_selection import TimeSeriesSplit

from sklearn_meta.inspection._fit_record import FitRecord
from tests.contract.small import classifier, people, prices, regressor


def test_classes():
    frame, target = people()
    record = classifier().fit(frame, pd.Series(target, name="buys"))._fit_record
    assert (record.n_rows, record.n_columns, record.task) == (120, 3, "classes")
    shares = np.unique(target, return_counts=True)[1]
    assert record.counts == tuple(shares)
    assert record.guess == pytest.approx(tuple(shares / 120))
    assert record.target_names == ("buys",)
    assert record.metric == "neg_log_loss" and record.objective == ""


def test_numbers():
    frame, price = prices()
    both = pd.DataFrame({"a": price, "b": -price})
    record = regressor().fit(frame, both)._fit_record
    assert record.task == "numbers" and record.counts == ()
    assert record.target_names == ("a", "b")
    assert record.spread[1] == pytest.approx((-price.mean(), price.std()))


def test_labels_groups_and_weights(rng):
    X = rng.normal(size=(60, 2))
    y = (X > 0).astype(int)
    record = (
        classifier(scoring="f1_micro")
        .fit(X, y, groups=np.arange(60) % 7, sample_weight=1 + np.arange(60))
        ._fit_record
    )
    assert record.task == "labels" and record.counts == tuple(y.sum(axis=0))
    assert record.n_groups == 7 and record.is_weighted
    assert record.objective == "neg_binary_log_loss"


def test_order_and_single_columns(rng):
    X = rng.normal(size=(200, 3))
    model = regressor(cv=TimeSeriesSplit(2)).fit(X, np.exp(X[:, 1]))
    assert model._fit_record.is_in_order
    assert [c.position for c in model._fit_record.single_columns] == [1]
    assert not regressor().fit(X, X[:, 1])._fit_record.is_in_order


@pytest.mark.parametrize(
    ("scoring", "name"),
    [
        ("r2", "r2"),
        (
            make_scorer(mean_squared_error, greater_is_better=False),
            "neg_mean_squared_error",
        ),
        (lambda estimator, X, y: 0.5, "score"),
    ],
)
def test_names_of_metrics(scoring, name):
    frame, price = prices()
    assert regressor(scoring=scoring).fit(frame, price)._fit_record.metric == name


def test_the_record_is_small_and_holds_no_rows():
    frame, target = people()
    record = classifier().fit(frame, target)._fit_record
    assert len(pickle.dumps(record)) < 1_000
    for field in fields(FitRecord):
        assert not isinstance(getattr(record, field.name), np.ndarray)
    assert pickle.loads(pickle.dumps(record)) == record
