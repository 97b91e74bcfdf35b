"""Concatenation of score matrices, and weights of families."""

import numpy as np
import pytest

from sklearn_meta.metalearning.knowledge_base._knowledge_base import KnowledgeBase
from sklearn_meta.metalearning.knowledge_base._score_matrix import (
    concatenate,
    family_weights,
)
from tests.metalearning.knowledge import dataset, evaluation, failure


def test_matrices_of_several_files_are_one(filled, tmp_path):
    other = KnowledgeBase(tmp_path / "other.sqlite")
    other.add(
        dataset("new", metafeatures={"entropy": 0.3, "skew": 0.5}),
        [evaluation("mlp(X)"), failure("lda(X)")],
    )
    one, two = (k.matrix("classification", "accuracy") for k in (filled, other))
    joined = concatenate([one, two])
    both = KnowledgeBase(tmp_path / "both.sqlite")
    both.merge(filled)
    both.merge(other)
    merged = both.matrix("classification", "accuracy")
    assert joined.datasets == merged.datasets and joined.families == merged.families
    order = [joined.pipelines.index(text) for text in merged.pipelines]
    ordered = joined.take_pipelines(order)
    assert ordered.pipelines == merged.pipelines
    for name in ("mean", "standard_error", "tried", "fit_seconds", "n_rows"):
        np.testing.assert_array_equal(getattr(ordered, name), getattr(merged, name))
    order = [joined.metafeature_names.index(n) for n in merged.metafeature_names]
    np.testing.assert_array_equal(joined.metafeatures[:, order], merged.metafeatures)


def test_of_a_dataset_in_two_matrices_the_last_one_counts(filled, tmp_path):
    other = KnowledgeBase(tmp_path / "other.sqlite")
    other.add(dataset("iris"), [evaluation(scores={"accuracy": (0.5, 0.1)})])
    joined = concatenate(
        [k.matrix("classification", "accuracy") for k in (filled, other)]
    )
    assert joined.datasets == ("wine_red", "wine_white", "iris")
    assert joined.mean[2, joined.pipelines.index("lda(X)")] == 0.5


def test_matrices_of_different_metrics_are_not_joined(filled):
    matrices = [
        filled.matrix("classification", m) for m in ("accuracy", "neg_log_loss")
    ]
    with pytest.raises(ValueError, match="one task and metric"):
        concatenate(matrices)


def test_families_count_alike():
    weights = family_weights(["a", "b", "a", "c", "a"])
    np.testing.assert_allclose(weights, [1 / 3, 1, 1 / 3, 1, 1 / 3])
