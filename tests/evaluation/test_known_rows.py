"""Models by their predictions of known rows, whichever rows a scorer asks for."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator

from sklearn_meta.data._describe import describe_table
from sklearn_meta.data._target import classification_task, regression_task
from sklearn_meta.evaluation._known_rows import KnownRows, known_model, row_keys

N = 60


def people(library=pd):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "color": rng.choice(["red", "green"], N),
            "size": np.where(rng.random(N) < 0.1, np.nan, rng.normal(size=N)),
            "born": pd.Timestamp("1990-01-01") + pd.to_timedelta(np.arange(N), "D"),
        },
        index=rng.permutation(N) + 100,
    )
    return frame if library is pd else pl.from_pandas(frame)


class Described(BaseEstimator):
    """An estimator that a table is described for."""


def describe(X, y, task_of):
    return describe_table(Described(), X, y, task_of=task_of)


def known(X, rows, model=None):
    """The known model of some rows of a table of two classes, and their predictions."""
    y = np.array(["no", "yes"])[np.arange(N) % 2]
    table = describe(X, y, classification_task)
    p = np.random.default_rng(1).uniform(0.01, 0.99, len(rows)).astype(np.float32)
    predictions = np.column_stack([1 - p, p])
    given = table.given_as(table.dataset)
    rows = np.asarray(rows)
    encoded = table.dataset.X[rows]
    return (
        known_model(
            KnownRows(given, rows, encoded, predictions, table.dataset.task, model)
        ),
        given.take(rows),
        predictions,
    )


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_a_scorer_may_ask_for_any_of_the_rows_in_any_order(library):
    model, X, predictions = known(people(library), np.arange(10, 40))
    np.testing.assert_allclose(model.predict_proba(X), predictions, atol=1e-6)
    order = np.array([5, 3, 3, 29, 0])
    part = X.iloc[order] if library is pd else X[order.tolist()]
    np.testing.assert_allclose(model.predict_proba(part), predictions[order], atol=1e-6)
    red = np.asarray(X["color"]) == "red"
    part = X[red] if library is pd else X.filter(pl.col("color") == "red")
    expected = np.where(predictions[red, 1] > 0.5, "yes", "no")
    assert model.predict(part).tolist() == expected.tolist()


def test_what_a_classifier_has():
    model, X, predictions = known(people(), np.arange(20))
    p = model.predict_proba(X)
    assert model.classes_.tolist() == ["no", "yes"]
    assert model.n_features_in_ == 3
    assert model.feature_names_in_.tolist() == ["color", "size", "born"]
    np.testing.assert_allclose(model.predict_log_proba(X), np.log(p))
    decision = model.decision_function(X)
    np.testing.assert_allclose(decision, np.log(p[:, 1] / p[:, 0]), rtol=1e-6)


def test_a_changed_table_is_predicted_by_the_model():
    asked = []

    def fitted(encoded):
        asked.append(len(encoded))
        return np.tile([[0.25, 0.75]], (len(encoded), 1))

    model, X, predictions = known(people(), np.arange(20), fitted)
    changed = X.copy()
    changed.iloc[:3, 1] = 77.0
    p = model.predict_proba(changed)
    np.testing.assert_allclose(p[:3], [[0.25, 0.75]] * 3)
    np.testing.assert_allclose(p[3:], predictions[3:], atol=1e-6)
    assert asked == [3]
    # Also if the scorer has changed the very table that it was given.
    X.iloc[:3, 1] = 77.0
    np.testing.assert_array_equal(model.predict_proba(X), p)


def test_without_a_model_other_rows_are_an_error():
    model, X, _ = known(people(), np.arange(20))
    X["size"] = 77.0
    with pytest.raises(ValueError, match="20 of 20 rows that the scorer passed"):
        model.predict(X)


def test_the_columns_are_checked_like_those_of_a_fitted_estimator():
    model, X, _ = known(people(), np.arange(20))
    with pytest.raises(ValueError, match="feature names"):
        model.predict(X[["size", "color", "born"]])


def test_equal_rows_are_taken_in_their_order():
    X = np.repeat(np.arange(N / 2), 2)[:, None]
    model, part, predictions = known(X, np.arange(N))
    np.testing.assert_allclose(model.predict_proba(part), predictions, atol=1e-6)
    chosen = part[:, 0] > 10
    np.testing.assert_allclose(
        model.predict_proba(part[chosen]), predictions[chosen], atol=1e-6
    )
    thrice = model.predict_proba(part[[4, 4, 4]])
    np.testing.assert_allclose(thrice, predictions[[4, 5, 4]], atol=1e-6)


def test_a_regressor_predicts_targets():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(N, 2)), rng.normal(size=N)
    table = describe(X, y, regression_task)
    rows = np.arange(N)[::-1]
    given = table.given_as(table.dataset)
    encoded = table.dataset.X[rows]
    model = known_model(
        KnownRows(given, rows, encoded, y[rows], table.dataset.task, None)
    )
    np.testing.assert_allclose(model.predict(X[:7]), y[:7])
    assert not hasattr(model, "predict_proba")
    assert not hasattr(model, "feature_names_in_")


def test_the_rows_of_the_canonical_table_are_those_of_the_user():
    X = people()
    y = np.array(["no", "yes"])[np.arange(N) % 2]
    table = describe(X, y, classification_task)
    given = table.given_as(table.canonical)
    rows = np.array([0, 7, 3])
    # The labels alternate in the user's table.
    labels = table.dataset.task.decode(table.canonical.y[rows])
    positions = X.index.get_indexer(given.take(rows).index)
    assert labels.tolist() == y[positions].tolist()
    encoded = given.encode(known(X, rows)[0], given.take(rows))
    np.testing.assert_array_equal(encoded, table.canonical.X[rows])


def test_keys_do_not_depend_on_the_kind_of_zero_or_nan_or_on_the_format():
    X = np.array([[0.0, np.nan], [-0.0, -np.nan], [1.0, 0.0]])
    a, b, c = row_keys(X)
    assert a == b != c
    # The first row has a zero that is stored.
    stored = (np.array([0.0, 2.0, 2.0, 2.0]), [0, 1, 1, 0], [0, 2, 3, 4])
    a, b, c = row_keys(sparse.csr_matrix(stored, shape=(3, 2)))
    assert a == b != c
