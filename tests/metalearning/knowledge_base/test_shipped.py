"""The knowledge base that ships with the package."""

import time
from importlib.resources import files

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

from sklearn_meta.metalearning import KNNMetaLearner, KnowledgeBase
from sklearn_meta.metalearning.metafeatures import METAFEATURE_NAMES
from sklearn_meta.pipelines import default_catalog, format_tree, parse

TASKS = ("classification", "regression")
KNOWLEDGE_BASE = files("sklearn_meta.metalearning.knowledge_base")
SHIPPED = KNOWLEDGE_BASE / "data" / "knowledge.sqlite"


def test_it_is_small():
    assert SHIPPED.stat().st_size <= 6e6


def test_it_loads_fast():
    def seconds():
        began = time.process_time()
        KnowledgeBase().matrix("classification", "neg_log_loss")
        return time.process_time() - began

    # 40 to 50 ms, and twice as long on a slower machine. Of many, as whatever else runs
    # there can only make it longer.
    assert min(seconds() for _ in range(20)) < 0.1


@pytest.mark.parametrize("task", TASKS)
def test_every_pipeline_is_legal(task):
    matrix = KnowledgeBase().matrix(task)
    catalog = default_catalog(task)
    used = matrix.tried.any(axis=0)
    for text in np.array(matrix.pipelines, dtype=object)[used]:
        assert format_tree(parse(text, catalog=catalog)) == text


@pytest.mark.parametrize("task", TASKS)
def test_it_knows_enough(task):
    knowledge_base = KnowledgeBase()
    matrix = knowledge_base.matrix(task)
    assert len(set(matrix.families)) >= 100
    assert matrix.tried.any(axis=0).sum() >= 50
    # Tables that a preparation does not fit are skipped; most cells have a score.
    assert matrix.ok[:, matrix.tried.any(axis=0)].mean() > 0.9
    assert set(METAFEATURE_NAMES[task]) == set(matrix.metafeature_names)
    assert np.isfinite(matrix.metafeatures).mean() > 0.9
    assert knowledge_base.provenance()["protocol"]["n_folds"] == 3


@pytest.mark.parametrize(
    "task, load",
    [("classification", load_breast_cancer), ("regression", load_diabetes)],
)
def test_it_is_recalled_from_by_default(task, load):
    X, y = load(return_X_y=True)
    # The target of the second one is whole numbers.
    recommendations = KNNMetaLearner().fit().recommend(X, y, n=5, task=task)
    assert len({r.pipeline for r in recommendations}) == 5
    assert all(r.expected_regret < 1.5 for r in recommendations)
    assert recommendations[0].estimator.fit(X, y).score(X, y) > 0.3
