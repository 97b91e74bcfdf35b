"""The learners of a matrix, each by its best pipeline."""

from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.single_pipelines import best_of_each_learner


def test_learners_come_in_the_order_of_their_best_pipelines():
    mean = np.array([[0.0, 1.0, 2.0, 3.0], [0.0, 2.0, 4.0, np.nan]])
    matrix = SimpleNamespace(
        datasets=("a", "b"),
        families=("a", "b"),
        pipelines=("dummy(X)", "ridge(X)", "ridge(X, alpha=2.0)", "svr(X)"),
        mean=mean,
        standard_error=np.full((2, 4), 0.01),
        tried=np.array([[True] * 4, [True, True, True, False]]),
        fit_seconds=np.array([[0.1, 0.2, 0.3, 0.4]] * 2),
    )
    rows = best_of_each_learner(matrix)
    assert [row[0] for row in rows] == ["ridge(X, alpha=2.0)", "svr(X)", "dummy(X)"]
    # Distances to the best, in units of that of the median: 1/1.5 and 0; 0 and unknown.
    assert rows[0][1] == pytest.approx((1 / 1.5 + 0) / 2)
    assert rows[1][1] == pytest.approx((0 + 2.0) / 2)
    assert [row[3] for row in rows] == [1, 1, 0]
    assert rows[0][4] == 0.3
