"""What neighbors suggested is shown beside what became of it."""

import numpy as np

from sklearn_meta.evaluation._records import Status
from sklearn_meta.inspection._recall import neighbors_table, recall_table
from sklearn_meta.metalearning._prior import Neighbor
from tests.evaluation.records import evaluation

NEIGHBORS = [
    Neighbor("iris", "flowers", 0.5, 0.75, ("n_classes", "skew"), ("c0", "c1", "c9")),
    Neighbor("wine", "wines", 1.5, 0.25, (), ("c1",)),
]
HISTORY = [
    evaluation(0, [0.1, 0.3]),
    evaluation(1, [0.9], Status.PRUNED),
    evaluation(2, [0.5, 0.7]),
    evaluation(3, status=Status.FAILED),
]


def test_each_neighbor_has_a_row():
    table = neighbors_table(NEIGHBORS)
    assert table.index.tolist() == ["iris", "wine"]
    assert table["distance"].tolist() == [0.5, 1.5]
    assert table["weight"].tolist() == [0.75, 0.25]
    assert table["alike_in"].tolist() == ["n_classes, skew", ""]


def test_each_suggestion_has_a_row_with_its_fate():
    table = recall_table(NEIGHBORS, HISTORY)
    assert table.index.tolist() == [("iris", 1), ("iris", 2), ("iris", 3), ("wine", 1)]
    assert table["pipeline"].tolist() == ["c0", "c1", "c9", "c1"]
    assert table["status"].tolist() == ["ok", "pruned", "not tried", "pruned"]
    np.testing.assert_allclose(
        table["score"].astype(float), [0.2, 0.9, np.nan, 0.9], rtol=1e-12
    )
    # Ranks are those among the finished ones.
    np.testing.assert_array_equal(
        table["rank"].astype(float), [2, np.nan, np.nan, np.nan]
    )
    np.testing.assert_array_equal(table["number"].astype(float), [0, 1, np.nan, 1])


def test_a_failure_has_no_score():
    neighbors = [Neighbor("iris", "flowers", 0.5, 1.0, (), ("c3",))]
    row = recall_table(neighbors, HISTORY).iloc[0]
    assert (row["status"], row["number"], row["score"]) == ("failed", 3, None)


def test_nobody_is_like_it():
    assert len(neighbors_table([])) == len(recall_table([], HISTORY)) == 0
