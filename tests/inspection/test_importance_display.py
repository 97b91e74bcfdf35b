"""Importances are those of scikit-learn; groups, a limit and other tables are ours."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LinearRegression, LogisticRegression

from sklearn_meta import MetaAutoClassifier
from sklearn_meta.inspection import ImportanceDisplay
from sklearn_meta.inspection import _importance_display as module
from tests.inspection.models import (
    FAST,
    axes,  # noqa: F401
    check_display,
    diabetes,
    iris,
    texts_of,
)


class Clock:
    """A clock that advances by a second at each look."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        self.now += 1
        return self.now


@pytest.fixture
def linear(rng):
    """A linear model of three columns, of which the last has no effect."""
    X = rng.normal(size=(200, 3))
    y = X @ [3.0, 1.0, 0.0]
    return LinearRegression().fit(X, y), X, y


def test_conventions(monkeypatch):
    _, X, y = iris()
    check_display(ImportanceDisplay, X, y, monkeypatch=monkeypatch)


@pytest.mark.parametrize("scoring", [None, "neg_mean_absolute_error"])
@pytest.mark.parametrize("weighted", [False, True])
def test_importances_are_those_of_scikit_learn(linear, scoring, weighted, rng):
    model, X, y = linear
    weight = rng.uniform(size=len(y)) if weighted else None
    settings = {"scoring": scoring, "sample_weight": weight, "random_state": 3}
    expected = permutation_importance(model, X, y, n_repeats=4, **settings)
    display = ImportanceDisplay.compute(model, X, y, n_repeats=4, **settings)
    assert display.names == ("x0", "x1", "x2")
    np.testing.assert_allclose(display.importances, expected.importances, atol=1e-12)
    np.testing.assert_allclose(display.importances_mean, expected.importances_mean)
    np.testing.assert_allclose(display.importances_std, expected.importances_std)
    assert display.note == ""


def test_importances_of_a_whole_model():
    clf, X, y = iris()
    expected = permutation_importance(clf, X, y, n_repeats=2, random_state=0)
    display = ImportanceDisplay.compute(clf, X, y, n_repeats=2, random_state=0)
    order = [list(X.columns).index(name) for name in display.names]
    np.testing.assert_allclose(display.importances, expected.importances[order])
    assert (np.diff(display.importances_mean) <= 0).all()
    assert display.score == clf.score(X, y)
    assert display.score_name == "Accuracy"


def test_the_kind_of_the_table_does_not_matter(linear):
    _, X, y = linear
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    found = [
        ImportanceDisplay.compute(
            LinearRegression().fit(table, y), table, y, random_state=0
        ).importances
        for table in (X, X.tolist(), frame, pl.DataFrame(frame), sparse.csr_array(X))
    ]
    for importances in found[1:]:
        np.testing.assert_allclose(importances, found[0], atol=1e-9)


def test_columns_of_strings_and_dates_are_shuffled_as_they_came(rng):
    n = 120
    sizes = rng.normal(size=n)
    X = pd.DataFrame(
        {
            "size": sizes,
            "shape": np.where(sizes > 0, "round", "flat").astype(object),
            "day": pd.date_range("2020-01-01", periods=n)[rng.permutation(n)],
            "word": rng.choice(["a", "b", None], n),
        }
    )
    y = np.where(X["day"].dt.year + X["day"].dt.month > 2022, "late", "early")
    clf = MetaAutoClassifier(search_space=FAST, max_evaluations=2, random_state=0)
    clf.fit(X, y)
    display = ImportanceDisplay.compute(clf, X, y, n_repeats=2, random_state=0)
    assert display.names[0] == "day"
    assert display.importances_mean[0] > 0.3
    other = ImportanceDisplay.compute(
        clf, pl.DataFrame(X), y, n_repeats=2, random_state=0
    )
    assert other.names == display.names
    np.testing.assert_allclose(other.importances, display.importances)


def test_columns_that_say_the_same_are_shuffled_together(rng):
    a = rng.normal(size=300)
    X = pd.DataFrame({"a": a, "copy": a, "b": rng.normal(size=300)})
    y = a > 0
    model = LogisticRegression().fit(X, y)
    alone = ImportanceDisplay.compute(model, X, y, random_state=0)
    alone = dict(zip(alone.names, alone.importances_mean, strict=True))
    for columns in (["a", "copy"], [0, 1], ["a", 1]):
        display = ImportanceDisplay.compute(
            model, X, y, groups={"both": columns}, random_state=0
        )
        assert display.names == ("both", "b")
        assert display.importances_mean[0] > 1.3 * max(alone["a"], alone["copy"])
        assert display.importances_mean[0] == pytest.approx(0.5, abs=0.1)


def test_unknown_columns_of_groups(linear):
    model, X, y = linear
    with pytest.raises(ValueError, match=r"groups\['g'\] must name columns of X"):
        ImportanceDisplay.compute(model, X, y, groups={"g": [3]})
    clf, X, y = iris()
    with pytest.raises(ValueError, match="Did you mean 'petal width \\(cm\\)'"):
        ImportanceDisplay.compute(clf, X, y, groups={"g": ["petal width (mm)"]})


@pytest.mark.parametrize(
    ("limit", "done", "note"),
    [
        # One look at the start, one before each column.
        (3, [1, 1, 0], "after 2 of 3 columns"),
        (5, [1, 1, 1], "after 1 of 2 shuffles of each column"),
        (0.5, [0, 0, 0], "after 0 of 3 columns"),
        (None, [2, 2, 2], ""),
    ],
)
def test_when_the_time_is_over(linear, limit, done, note, monkeypatch, axes):  # noqa: F811
    monkeypatch.setattr(module, "time", Clock())
    display = ImportanceDisplay.compute(
        *linear, n_repeats=2, time_limit=limit, random_state=0
    )
    counts = np.isfinite(display.importances).sum(axis=1)
    if limit != 5:
        assert counts.tolist() == done
    assert note in display.note and bool(note) == bool(display.note)
    display.plot(axes)
    assert display.note in texts_of(axes)


def test_some_of_the_rows(linear):
    model, X, y = linear
    display = ImportanceDisplay.compute(
        model, X, y, max_rows=50, sample_weight=np.ones(200), random_state=0
    )
    assert display.n_rows == 50
    again = ImportanceDisplay.compute(model, X, y, max_rows=50, random_state=0)
    np.testing.assert_array_equal(display.importances, again.importances)
    other = ImportanceDisplay.compute(model, X, y, max_rows=50, random_state=1)
    assert not np.array_equal(display.importances, other.importances)


def test_what_is_drawn(axes):  # noqa: F811
    reg, X, y = diabetes()
    display = ImportanceDisplay.from_estimator(
        reg, X, y, n_repeats=2, max_columns=4, random_state=0, ax=axes
    )
    widths = [bar.get_width() for bar in display.bars_]
    np.testing.assert_allclose(widths, display.importances_mean[:4])
    assert "4 of 10 columns" in texts_of(axes)
    assert "Fall of the R² when" in texts_of(axes)


def test_rows_of_X_and_y_must_agree(linear):
    model, X, y = linear
    with pytest.raises(ValueError, match="same number of rows. Got 200 and 199"):
        ImportanceDisplay.compute(model, X, y[:-1])
