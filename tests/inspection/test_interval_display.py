"""Coverage and size of intervals and sets are counted as they are defined."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import NotFittedError

from sklearn_meta.exceptions import OutOfFoldError
from sklearn_meta.inspection import IntervalDisplay
from sklearn_meta.inspection._interval_display import _share_interval
from tests.inspection.models import axes, diabetes, iris, texts_of  # noqa: F401


class Regressor(RegressorMixin, BaseEstimator):
    """Predicts the first column, plus and minus half of the coverage."""

    def fit(self, X, y):
        self.n_outputs_ = np.ndim(y)
        return self

    def __sklearn_is_fitted__(self):
        return hasattr(self, "n_outputs_")

    def predict(self, X):
        return X[:, 0] if self.n_outputs_ == 1 else np.c_[X[:, 0], X[:, 0]]

    def predict_interval(self, X, coverage=0.9):
        y, half = self.predict(X), coverage / 2
        return np.stack([y - half, y + half], axis=1)


class Classifier(ClassifierMixin, BaseEstimator):
    """Of three classes, the first for a coverage below 0.8, else the first two."""

    def fit(self, X, y):
        self.classes_ = np.array(["a", "b", "c"])
        return self

    def predict(self, X):
        return np.full(len(X), "a")

    def predict_set(self, X, coverage=0.9):
        return np.tile([True, coverage >= 0.8, False], (len(X), 1))


@pytest.fixture
def regression(rng):
    X = rng.normal(size=(400, 2))
    # The error is uniform: coverage c has the half width c / 2.
    return X, X[:, 0] + rng.uniform(-0.5, 0.5, 400)


def test_intervals(regression):
    X, y = regression
    display = IntervalDisplay.compute(Regressor().fit(X, y), X, y)
    np.testing.assert_allclose(display.sizes, display.coverages)
    expected = [np.mean(np.abs(y - X[:, 0]) <= c / 2) for c in display.coverages]
    np.testing.assert_allclose(display.observed, expected)
    assert display.regions.shape == (400, 2)
    assert display.coverage == 0.9


def test_several_targets(regression, axes):  # noqa: F811
    X, y = regression
    y = np.c_[y, y + 10]
    display = IntervalDisplay.compute(Regressor().fit(X, y), X, y)
    assert display.observed.shape == display.sizes.shape == (6, 2)
    assert (display.observed[:, 1] == 0).all()
    display.plot(axes)
    assert "target 0" in texts_of(axes) and "target 1" in texts_of(axes)
    display.plot(axes, kind="predictions", output=1)
    assert "0 % of 400 intervals" in texts_of(axes)


def test_sets(axes):  # noqa: F811
    X, y = np.zeros((8, 1)), np.array(list("aaaabbbc"))
    clf = Classifier().fit(X, y)
    display = IntervalDisplay.compute(clf, X, y, coverages=(0.5, 0.8))
    assert display.observed.tolist() == [4 / 8, 7 / 8]
    assert display.sizes.tolist() == [1, 2]
    display.plot(axes, kind="predictions")
    assert "88 % of the prediction sets hold the truth" in texts_of(axes)
    assert "88 % right" in texts_of(axes)


def test_classes_that_fit_has_not_seen_are_missed():
    X = np.zeros((4, 1))
    clf = Classifier().fit(X, None)
    display = IntervalDisplay.compute(clf, X, ["a", "z", "0", "b"], coverages=[0.9])
    assert display.y.tolist() == [0, -1, -1, 1]
    assert display.observed.tolist() == [0.5]


def test_sets_of_several_labels(axes):  # noqa: F811
    class Labels(Classifier):
        def fit(self, X, y):
            self.classes_ = [np.array([0, 1])] * 2
            return self

        def predict(self, X):
            return np.zeros((len(X), 2), dtype=int)

        def predict_set(self, X, coverage=0.9):
            # The absence of the first label, either of the second.
            return np.tile([[True, False], [True, True]], (len(X), 1, 1))

    X, y = np.zeros((4, 1)), np.array([[0, 1], [0, 1], [1, 0], [0, 0]])
    display = IntervalDisplay.compute(Labels().fit(X, y), X, y, coverages=[0.9])
    assert display.observed.tolist() == [[0.75, 1]]
    assert display.sizes.tolist() == [[1, 2]]
    display.plot(axes)
    assert "label 1" in texts_of(axes)
    display.plot(axes, kind="predictions", output=0)
    assert "75 % of the prediction sets" in texts_of(axes)


def test_coverages_that_need_more_rows_than_there_are(regression):
    class Few(Regressor):
        def predict_interval(self, X, coverage=0.9):
            if coverage > 0.8:
                raise OutOfFoldError("too few rows")
            return super().predict_interval(X, coverage)

    X, y = regression
    reg = Few().fit(X, y)
    display = IntervalDisplay.compute(reg, X, y, coverage=0.8)
    assert display.coverages.tolist() == [0.5, 0.6, 0.7, 0.8]
    # What was asked for is not left out in silence.
    with pytest.raises(OutOfFoldError):
        IntervalDisplay.compute(reg, X, y)
    with pytest.raises(OutOfFoldError):
        IntervalDisplay.compute(reg, X, y, coverage=0.8, coverages=[0.95])


def test_intervals_of_a_model():
    reg, X, y = diabetes()
    display = IntervalDisplay.compute(reg, X, y)
    intervals = reg.predict_interval(X, coverage=0.9)
    inside = (intervals[:, 0] <= y) & (y <= intervals[:, 1])
    assert display.observed[4] == inside.mean()
    np.testing.assert_array_equal(display.predictions, reg.predict(X))
    assert (np.diff(display.sizes) > 0).all()


def test_sets_of_a_model():
    clf, X, y = iris()
    display = IntervalDisplay.compute(clf, X, y, coverages=[0.9])
    sets = clf.predict_set(X, coverage=0.9)
    hits = [sets[i, list(clf.classes_).index(label)] for i, label in enumerate(y)]
    assert display.observed.tolist() == [np.mean(hits)]
    assert display.sizes.tolist() == [sets.sum(axis=1).mean()]


@pytest.mark.parametrize("kind", ["coverage", "predictions"])
def test_what_is_drawn(kind, regression, axes):  # noqa: F811
    X, y = regression
    reg = Regressor().fit(X, y)
    display = IntervalDisplay.from_estimator(reg, X, y, kind=kind, ax=axes)
    assert display.ax_ is axes and display.figure_ is axes.figure
    if kind == "coverage":
        assert "on 400 rows" in texts_of(axes)
    else:
        assert "(200 of 400)" in texts_of(axes)
    display.plot(kind=kind).figure_.canvas.draw()


@pytest.mark.parametrize("hits", [0, 1, 37, 40])
def test_the_error_of_a_share(hits):
    low, high = _share_interval([hits / 40], 40)
    expected = binomtest(hits, 40).proportion_ci(method="exact")
    np.testing.assert_allclose([low[0], high[0]], [expected.low, expected.high])


def test_errors(regression, monkeypatch):
    X, y = regression
    with pytest.raises(NotFittedError):
        IntervalDisplay.from_estimator(Regressor(), X, y)
    display = IntervalDisplay.compute(Regressor().fit(X, y), X, y)
    with pytest.raises(ValueError, match="kind must be one of"):
        display.plot(kind="width")
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"IntervalDisplay .*sklearn-meta\[plot\]"):
        display.plot()
