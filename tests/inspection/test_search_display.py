"""The display of a search shows each evaluation, and the best so far."""

import pickle

import numpy as np
import pytest

from sklearn_meta.evaluation._records import Status
from sklearn_meta.inspection import SearchDisplay
from tests.evaluation.records import evaluation
from tests.inspection.models import (
    assert_arrays_equal,
    axes,  # noqa: F401
    check_display,
    iris,
    texts_of,
    zero_shot,
)

HISTORY = (
    evaluation(0, [0.1, 0.3], origin="portfolio: good on wine", elapsed=2.0),
    evaluation(1, [0.9], Status.PRUNED, origin="mutation of 0: x", elapsed=3.0),
    evaluation(2, [0.5, 0.7], origin="crossover of 0 and 1", elapsed=1.0),
    evaluation(3, status=Status.FAILED, origin="random", elapsed=4.0),
    evaluation(4, [0.6, 0.8], origin="portfolio", elapsed=5.0),
)


@pytest.fixture
def model():
    clf = pickle.loads(pickle.dumps(iris()[0]))
    clf.history_ = HISTORY
    clf.honest_score_ = 0.65
    clf.honest_interval_ = np.array([0.55, 0.75])
    return clf


def test_conventions(monkeypatch):
    check_display(SearchDisplay, kinds=({}, {"x": "number"}), monkeypatch=monkeypatch)


def test_values(model):
    display = SearchDisplay.compute(model)
    assert_arrays_equal(display.numbers, [0, 1, 2, 3, 4])
    assert_arrays_equal(display.seconds, [2, 3, 1, 4, 5])
    np.testing.assert_allclose(display.scores, [0.2, 0.9, 0.6, np.nan, 0.7])
    assert_arrays_equal(display.complete, [True, False, True, False, True])
    assert display.origins == (
        "portfolio", "mutation", "crossover", "random", "portfolio",
    )  # fmt: skip
    assert display.score_name == "Negative log loss"


def test_the_best_so_far_depends_on_what_it_is_over(model):
    display = SearchDisplay.compute(model)
    places, scores = display.best_so_far("number")
    assert_arrays_equal(places, [0, 2, 4])
    np.testing.assert_allclose(scores, [0.2, 0.6, 0.7])
    # One that was stopped early is not the best, and 2 ended before 0.
    places, scores = display.best_so_far("seconds")
    assert_arrays_equal(places, [1, 5])
    np.testing.assert_allclose(scores, [0.6, 0.7])


def test_what_is_drawn(model, axes):  # noqa: F811
    display = SearchDisplay.from_estimator(model, ax=axes)
    assert set(display.points_) == {"portfolio", "mutation", "crossover", "random"}
    assert_arrays_equal(display.line_.get_xdata(), [1, 5, 5])
    text = texts_of(axes)
    assert "honest score" in text and "1 without a score" in text
    assert "5 pipelines tried; best: c4, 0.7" in text


def test_no_honest_score_no_band(model, axes):  # noqa: F811
    model.honest_score_ = np.nan
    model.honest_interval_ = np.full(2, np.nan)
    SearchDisplay.from_estimator(model, ax=axes)
    assert "honest" not in texts_of(axes)


def test_a_wide_interval_does_not_hide_the_differences(model, axes):  # noqa: F811
    model.honest_interval_ = np.array([-50.0, 50.0])
    SearchDisplay.from_estimator(model, ax=axes)
    low, high = axes.get_ylim()
    assert high - low < 3
    assert "\N{MINUS SIGN}50 to 50" in texts_of(axes)


@pytest.mark.parametrize("score", [-1e6, 1e6])
def test_what_is_far_off_is_said(score, model, axes):  # noqa: F811
    far = evaluation(5, [score], Status.PRUNED, elapsed=6.0)
    model.history_ = (*HISTORY, far)
    SearchDisplay.from_estimator(model, ax=axes)
    assert "outside of the axis" in texts_of(axes)
    low, high = axes.get_ylim()
    assert -10 < low < high < 10


def test_no_search_nothing_to_see(axes):  # noqa: F811
    display = SearchDisplay.from_estimator(zero_shot(), ax=axes)
    assert np.isnan(display.scores).all()
    assert "No evaluation has a score." in texts_of(axes)


def test_the_moments_of_a_fit():
    display = SearchDisplay.compute(pickle.loads(pickle.dumps(iris()[0])))
    assert (display.seconds > 0).all()
    assert display.seconds.max() < iris()[0].time_report_["fit"]


def test_wrong_x(model):
    with pytest.raises(ValueError, match="x must be 'seconds' or 'number'"):
        SearchDisplay.compute(model).best_so_far("minutes")
