"""Random splits of few training rows."""

import numpy as np
import pandas as pd
import pytest

from benchmarks._few_shot_draws import (
    MAX_QUERY,
    MIN_QUERY_PER_CLASS,
    TooFewRowsError,
    draw_classes,
    draw_split,
)
from benchmarks._tables import TASKS


class TestDraws:
    def test_as_many_rows_of_each_class(self):
        y = np.repeat(["a", "b", "c"], [400, 50, 15])
        train, test = draw_classes(np.random.default_rng(0), y, 10)
        assert not set(train) & set(test)
        assert {c: np.sum(y[train] == c) for c in "abc"} == {"a": 10, "b": 10, "c": 10}
        # All others, as they are fewer than 500.
        assert len(test) == len(y) - 30

    def test_query_is_stratified(self):
        y = np.repeat(["a", "b", "c"], [8000, 2000, 20])
        _, test = draw_classes(np.random.default_rng(0), y, 5)
        counts = {c: np.sum(y[test] == c) for c in "abc"}
        assert sum(counts.values()) <= MAX_QUERY
        assert counts["a"] == pytest.approx(400, abs=3)
        assert counts["b"] == pytest.approx(100, abs=3)
        assert counts["c"] == 1

    def test_rare_and_surplus_classes_are_left_out(self):
        counts = [40 - i for i in range(12)] + [5 + MIN_QUERY_PER_CLASS - 1]
        y = np.repeat(np.arange(13), counts)
        train, test = draw_classes(np.random.default_rng(0), y, 5)
        assert set(y[train]) == set(y[test]) == set(range(10))
        train, _ = draw_classes(np.random.default_rng(0), y[y >= 10], 5)
        assert set(y[y >= 10][train]) == {10, 11}

    def test_too_few_rows(self):
        X, y = pd.DataFrame({"a": range(20)}), np.repeat(["a", "b"], [14, 6])
        rows = {"table": "t", "draw": 0}
        with pytest.raises(TooFewRowsError, match="Fewer than two of the 2 classes"):
            draw_split(X, y, task=TASKS[0], shots=5, **rows)
        with pytest.raises(TooFewRowsError, match="t has 20 rows; 35 are needed"):
            draw_split(X, np.arange(20.0), task=TASKS[1], shots=25, **rows)

    def test_draws_are_repeatable_and_differ(self):
        X = pd.DataFrame({"a": np.arange(300.0)})
        y = np.arange(300.0)

        def rows(**changes):
            unit = {"task": TASKS[1], "table": "t", "shots": 10, "draw": 0, **changes}
            return tuple(draw_split(X, y, **unit).y_train)

        assert rows() == rows()
        drawn = {rows(), rows(draw=1), rows(table="u"), rows(shots=25)[:10]}
        assert len(drawn) == 4
