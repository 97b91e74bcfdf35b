"""Score matrices agree with the records that they are read from."""

import math

import numpy as np
import pytest

from sklearn_meta.metalearning.knowledge_base._metrics import STORED_METRICS
from tests.metalearning.knowledge import dataset, evaluation, failure, same

TASKS = sorted(STORED_METRICS)


@pytest.mark.parametrize("metric", ["accuracy", "neg_log_loss"])
def test_matrix_agrees_with_the_records(mine, rng, metric):
    records = []
    for i in range(7):
        described = dataset(
            f"d{i}",
            n_samples=int(rng.integers(10, 99)),
            n_features=i,
            n_classes=i + 2,
            family=f"f{i // 2}",
            metafeatures={
                f"m{j}": float(rng.normal()) for j in range(5) if rng.random() < 0.7
            },
        )
        evaluations = []
        for j in rng.permutation(9):
            chance = rng.random()
            scores = {
                name: (round(rng.normal(), 4), round(rng.random(), 4))
                for name in ("accuracy", "neg_log_loss")
                if rng.random() < 0.8
            }
            if chance < 0.5:
                evaluations.append(evaluation(f"p{j}(X)", scores=scores, n_rows=i))
            elif chance < 0.7:
                evaluations.append(failure(f"p{j}(X)", predict_seconds=math.nan))
        records.append((described, evaluations))
        mine.add(described, evaluations)
    # Another task has nothing to do with it.
    mine.add(dataset(task="regression"), [evaluation("other(X)")])

    matrix = mine.matrix("classification", metric)
    assert matrix.metric == metric
    assert matrix.datasets == tuple(d.name for d, _ in records)
    assert matrix.families == tuple(d.family for d, _ in records)
    assert set(matrix.pipelines) == {e.pipeline for _, es in records for e in es}
    assert matrix.shape == (len(matrix.datasets), len(matrix.pipelines))
    expected = {
        name: np.full(matrix.shape, math.nan)
        for name in ("mean", "standard_error", "fit_seconds")
    }
    tried = np.zeros(matrix.shape, dtype=bool)
    n_rows = np.zeros(matrix.shape, dtype=int)
    for i, (described, evaluations) in enumerate(records):
        for e in evaluations:
            cell = i, matrix.pipelines.index(e.pipeline)
            tried[cell] = True
            n_rows[cell] = e.n_rows
            expected["fit_seconds"][cell] = e.fit_seconds
            mean, error = e.scores.get(metric, (math.nan, math.nan))
            expected["mean"][cell], expected["standard_error"][cell] = mean, error
        for name, size in zip(
            matrix.metafeature_names, matrix.metafeatures[i], strict=True
        ):
            assert same(described.metafeatures.get(name, math.nan), float(size))
        for count in ("n_samples", "n_features", "n_classes"):
            assert getattr(matrix, count)[i] == getattr(described, count)
    for name, values in expected.items():
        np.testing.assert_array_equal(getattr(matrix, name), values, err_msg=name)
    np.testing.assert_array_equal(matrix.tried, tried)
    np.testing.assert_array_equal(matrix.n_rows, n_rows)
    np.testing.assert_array_equal(matrix.ok, ~np.isnan(expected["mean"]))
    assert len(matrix.metafeature_names) == 5


@pytest.mark.parametrize("task", TASKS)
def test_matrix_of_nothing_is_empty(mine, path, task):
    matrix = mine.matrix(task)
    assert matrix.shape == (0, 0) and matrix.metafeatures.shape == (0, 0)
    assert matrix.metric == STORED_METRICS[task][0]
    assert not path.exists()
    assert mine.metrics(task) == () and mine.records() == []


def test_matrix_of_datasets_without_evaluations(mine):
    mine.add(dataset(), [])
    matrix = mine.matrix("classification")
    assert matrix.shape == (1, 0) and matrix.metafeatures.shape == (1, 2)


def test_matrix_without_meta_features(mine):
    mine.add(dataset(metafeatures={}), [evaluation()])
    assert mine.matrix("classification").metafeatures.shape == (1, 0)


def test_matrix_keeps_the_pipelines_that_came_nearest_to_the_best(mine):
    def scored(text, accuracy):
        return evaluation(text, scores={"accuracy": (accuracy, 0.0)})

    mine.add(dataset("a"), [scored("bad(X)", 0.1), scored("good(X)", 0.9)])
    mine.add(
        dataset("b"),
        [scored("bad(X)", 0.2), scored("good(X)", 0.5), scored("best_of_b(X)", 0.7)],
    )
    mine.add(dataset("c"), [failure("failed(X)")])
    assert len(mine.matrix("classification", "accuracy").pipelines) == 4
    matrix = mine.matrix("classification", "accuracy", max_pipelines=2)
    assert matrix.pipelines == ("good(X)", "best_of_b(X)")
    np.testing.assert_array_equal(
        matrix.mean, [[0.9, math.nan], [0.5, 0.7], [math.nan, math.nan]]
    )
    # Of equals, the one that is known on more datasets.
    (one,) = mine.matrix("classification", "accuracy", max_pipelines=1).pipelines
    assert one == "good(X)"
    # The number counts the pipelines of the view.
    view = mine.with_pipelines(["bad(X)", "failed(X)"])
    assert (
        len(view.matrix("classification", "accuracy", max_pipelines=2).pipelines) == 2
    )
