"""What is tried first on tables with text."""

import numpy as np
import pytest

from sklearn_meta.data._dataset import Dataset
from sklearn_meta.data._task import ClassificationTask, RegressionTask
from sklearn_meta.data._task_names import CLASSIFICATION, TASKS
from sklearn_meta.ensemble._zero_shot import MAX_TOGETHER
from sklearn_meta.metalearning import FixedPortfolio, KNNMetaLearner
from sklearn_meta.metalearning._text_pipelines import (
    _TEXTS,
    text_first,
    text_portfolio,
)
from sklearn_meta.pipelines import default_catalog, format_tree
from sklearn_meta.pipelines._space import SearchSpace
from sklearn_meta.testing import make_table, make_target


def dataset_of(kind, task, n_rows=200):
    table, schema = make_table(kind, n_rows=n_rows)
    is_classifier = task == CLASSIFICATION
    described = ClassificationTask(np.arange(3)) if is_classifier else RegressionTask()
    return Dataset(table, make_target(table, task), schema, described)


@pytest.mark.parametrize("task", TASKS)
def test_all_texts_are_canonical_pipelines(task):
    portfolio = text_portfolio(default_catalog(task))
    assert [format_tree(p.tree) for p in portfolio] == list(_TEXTS[task])
    # Without a search, different learners are averaged.
    learners = [p.tree.operator for p in portfolio[:MAX_TOGETHER]]
    assert len(set(learners)) == MAX_TOGETHER


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("meta_learner", [FixedPortfolio(), KNNMetaLearner()])
def test_text_comes_before_what_is_recalled(task, meta_learner):
    catalog, dataset = default_catalog(task), dataset_of("text", task)
    prior = meta_learner.fit().recall(
        dataset, catalog=catalog, time_budget=10.0,
        scoring="neg_log_loss" if task == CLASSIFICATION
        else "neg_root_mean_squared_error",
    )  # fmt: skip
    first = text_first(prior, dataset, catalog)
    n = len(_TEXTS[task])
    texts = [format_tree(p.tree) for p in first.portfolio]
    assert texts[:n] == list(_TEXTS[task])
    assert texts[n:] == [format_tree(p.tree) for p in prior.portfolio]
    if prior.reranker is None:
        return
    assert first.reranker.best_next(texts, {}) == texts[0]
    assert first.reranker.best_next(texts[1:], {texts[0]: 1.0}) == texts[1]
    rest = texts[n:]
    assert first.reranker.best_next(rest, {}) == prior.reranker.best_next(rest, {})


def test_other_tables_are_left_alone():
    catalog = default_catalog(CLASSIFICATION)
    dataset = dataset_of("mixed", CLASSIFICATION)
    prior = FixedPortfolio().recall(dataset, catalog=catalog, time_budget=10.0)
    assert text_first(prior, dataset, catalog) is prior
    assert not any("tfidf" in format_tree(p.tree) for p in prior.portfolio)


def test_a_smaller_search_space_has_fewer():
    catalog = SearchSpace(exclude=["text_svd"]).catalog(CLASSIFICATION)
    texts = [format_tree(p.tree) for p in text_portfolio(catalog)]
    assert 0 < len(texts) < len(_TEXTS[CLASSIFICATION])
    assert not any("text_svd" in text for text in texts)
