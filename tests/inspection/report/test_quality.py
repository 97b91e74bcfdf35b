"""Confusion, curves, calibration and errors agree with scikit-learn's."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import metrics
from sklearn.calibration import calibration_curve

from sklearn_meta.inspection.report._predicted import Predicted
from sklearn_meta.inspection.report._quality import (
    MAX_CURVES,
    MAX_POINTS,
    MAX_SHOWN,
    area_under_roc,
    quality_of,
    reliability,
    roc_curve,
)


def classes(rng, n=500, k=3):
    y = rng.integers(0, k, size=n)
    p = rng.dirichlet(np.ones(k), size=n) + 0.5 * np.eye(k)[y]
    p /= p.sum(axis=1, keepdims=True)
    predicted = Predicted(y, p, p.argmax(axis=1))
    return quality_of(predicted, "test", "classes", list("abcdefghij"[:k])), predicted


@pytest.mark.parametrize("k", [2, 3, 10])
def test_classes(rng, k):
    quality, predicted = classes(rng, k=k)
    of, y = quality.of_classes, predicted.y
    assert_array_equal(of.confusion, metrics.confusion_matrix(y, predicted.decided))
    assert of.accuracy == pytest.approx(metrics.accuracy_score(y, predicted.decided))
    assert of.accuracy_of_guess == pytest.approx(np.bincount(y).max() / len(y))
    precision, recall, *_ = metrics.precision_recall_fscore_support(
        y, predicted.decided
    )
    assert_allclose(of.precision, precision)
    assert_allclose(of.recall, recall)
    assert len(of.curves) == (1 if k == 2 else k if k <= MAX_CURVES else 0)


def test_classes_without_rows_have_no_recall():
    y = np.array([0, 0, 1])
    p = np.eye(3)[y]
    of = quality_of(Predicted(y, p, y), "test", "classes", list("abc")).of_classes
    assert_array_equal(of.recall, [1, 1, np.nan])
    assert_array_equal(of.precision, [1, 1, np.nan])


def test_roc_curves(rng):
    y = rng.integers(0, 2, size=2000) == 1
    scores = np.round(rng.normal(size=2000) + y, 2)
    curve = roc_curve(y, scores, "a")
    assert curve.area == pytest.approx(metrics.roc_auc_score(y, scores))
    assert area_under_roc(y, scores) == pytest.approx(curve.area)
    assert len(curve.true_positive) <= MAX_POINTS
    false, true, _ = metrics.roc_curve(y, scores, drop_intermediate=False)
    points = set(zip(false.round(9), true.round(9), strict=True))
    found = zip(
        curve.false_positive.round(9), curve.true_positive.round(9), strict=True
    )
    assert set(found) <= points
    assert (curve.false_positive[0], curve.true_positive[-1]) == (0, 1)
    assert np.isnan(area_under_roc(np.ones(3, dtype=bool), np.arange(3)))


def test_reliability(rng):
    p = rng.uniform(size=1000)
    is_true = rng.uniform(size=1000) < p
    found = reliability(p, is_true)
    observed, predicted = calibration_curve(is_true, p, n_bins=10, strategy="quantile")
    assert_allclose(found.predicted, predicted, atol=0.02)
    assert_allclose(found.observed, observed, atol=0.05)
    assert found.error < 0.1
    assert reliability(p / 2, is_true).error == pytest.approx(0.25, abs=0.05)
    assert reliability(p[:20], is_true[:20]) is None


def test_labels(rng):
    y = rng.integers(0, 2, size=(200, 3))
    p = np.clip(0.5 * y + rng.uniform(size=y.shape) / 2, 0, 1)
    decided = (p > 0.4).astype(int)
    quality = quality_of(Predicted(y, p, decided), "test", "labels", list("abc"))
    for j, label in enumerate(quality.of_labels):
        assert label.area == pytest.approx(metrics.roc_auc_score(y[:, j], p[:, j]))
        assert label.accuracy == pytest.approx((y[:, j] == decided[:, j]).mean())
        assert label.share == pytest.approx(y[:, j].mean())


def test_numbers(rng):
    y = rng.normal(size=(MAX_SHOWN + 10, 2)) * [1, 100]
    p = y + rng.normal(size=y.shape)
    quality = quality_of(Predicted(y, p, p), "out-of-fold", "numbers", ["a", "b"])
    for j, of in enumerate(quality.of_numbers):
        a, b = y[:, j], p[:, j]
        assert of.rmse == pytest.approx(metrics.root_mean_squared_error(a, b))
        assert of.mae == pytest.approx(metrics.mean_absolute_error(a, b))
        assert of.median_error == pytest.approx(metrics.median_absolute_error(a, b))
        assert of.r2 == pytest.approx(metrics.r2_score(a, b))
        assert ((a - b >= of.within[0]) & (a - b <= of.within[1])).mean() == (
            pytest.approx(0.9, abs=0.01)
        )
        assert len(of.true) == len(of.predicted) == MAX_SHOWN
    constant = Predicted(np.ones(5), np.zeros(5), np.zeros(5))
    (of,) = quality_of(constant, "test", "numbers", [""]).of_numbers
    assert np.isnan(of.r2) and of.rmse == 1
