"""The Pareto front has what is not both slower and worse than another."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_meta.inspection import ParetoDisplay
from sklearn_meta.inspection._pareto_display import _seconds_text
from tests.inspection.models import (
    axes,  # noqa: F401
    check_display,
    iris,
    texts_of,
    zero_shot,
)


def display_of(scores, seconds):
    n = len(scores)
    return ParetoDisplay(
        numbers=np.arange(n),
        scores=np.array(scores, dtype=float),
        standard_errors=np.full(n, 0.01),
        fit_seconds=np.array(seconds, dtype=float),
        predict_seconds=np.ones(n),
        weights=np.arange(n) == n - 1,
        pipelines=["ridge(X)"] * n,
    )


def test_conventions(monkeypatch):
    check_display(ParetoDisplay, kinds=({}, {"x": "fit"}), monkeypatch=monkeypatch)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=1))
def test_the_front(points):
    scores, seconds = np.transpose(points)
    front = display_of(scores, seconds).front("fit")

    def is_beaten(i):
        better = (scores >= scores[i]) & (seconds <= seconds[i])
        return (better & ((scores > scores[i]) | (seconds < seconds[i]))).any()

    expected = {points[i] for i in range(len(points)) if not is_beaten(i)}
    assert [points[i] for i in front] == sorted(expected)


def test_values_are_those_of_the_search():
    clf, *_ = iris()
    display = ParetoDisplay.compute(clf)
    for i, number in enumerate(display.numbers):
        e = clf.history_[number]
        assert display.scores[i] == e.score
        assert display.standard_errors[i] == e.standard_error
        assert display.fit_seconds[i] == e.fit_seconds
        assert display.predict_seconds[i] == e.predict_seconds
    assert display.weights.sum() == pytest.approx(1)
    # 75 rows in repeated five folds.
    assert display.n_rows == 15


def test_what_is_drawn(axes):  # noqa: F811
    display = ParetoDisplay.from_estimator(iris()[0], ax=axes)
    assert len(display.members_.get_offsets()) == (display.weights > 0).sum()
    assert len(display.front_line_.get_xdata()) == len(display.front())
    assert "Seconds to predict 15 rows" in texts_of(axes)
    best = display.pipelines[int(np.argmax(display.scores))]
    assert best.partition("(")[0].replace("_", " ") in texts_of(axes)


def test_no_search_nothing_to_see(axes):  # noqa: F811
    display = ParetoDisplay.from_estimator(zero_shot(), ax=axes)
    assert display.front_line_ is display.members_ is None
    assert "No pipeline was scored" in texts_of(axes)


@pytest.mark.parametrize(
    ("seconds", "text"), [(5e-4, "500 µs"), (1e-3, "1 ms"), (0.2, "200 ms"), (1, "1 s")]
)
def test_seconds_have_units(seconds, text):
    assert _seconds_text(seconds) == text


def test_wrong_x():
    with pytest.raises(ValueError, match="x must be 'predict' or 'fit'"):
        display_of([1], [1]).front("score")
