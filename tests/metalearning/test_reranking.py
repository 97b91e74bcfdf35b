"""The next pipeline of the portfolio."""

from dataclasses import replace

import numpy as np

from sklearn_meta.metalearning._portfolio import PortfolioCriterion
from sklearn_meta.metalearning._posterior import DatasetPosterior
from sklearn_meta.metalearning._reranking import FirstThen, PortfolioReranker


def reranker_of(regrets, texts, evidence=0.0):
    regrets = np.asarray(regrets, dtype=float)
    n_datasets, n_pipelines = regrets.shape
    learners = np.zeros(n_pipelines, dtype=int)
    return PortfolioReranker(
        PortfolioCriterion(regrets, np.ones(n_pipelines), learners),
        DatasetPosterior(regrets, np.full(n_datasets, 1 / n_datasets), evidence),
        {text: i for i, text in enumerate(texts)},
    )


def test_unknown_pipelines_are_chosen_first_when_they_are_due():
    reranker = reranker_of([[0.5, 0.0], [0.5, 0.0]], "ab")
    assert reranker.best_next(["a", "b"], {}) == "b"
    assert reranker.best_next(["a", "mine", "other", "b"], {}) == "mine"
    assert reranker.best_next(["a"], {"b": 1.0}) == "a"
    reranker = replace(reranker, unknown_after=2)
    assert reranker.best_next(["a", "mine", "b"], {}) == "b"
    assert reranker.best_next(["a", "mine"], {"b": 1.0}) == "a"
    assert reranker.best_next(["a", "mine"], {"b": 1.0}, pending=["c"]) == "mine"
    assert reranker.best_next(["mine"], {}) == "mine"


def test_pending_pipelines_count_as_chosen():
    # Pipelines 0 and 1 are good on one dataset, pipeline 2 on the other one.
    reranker = reranker_of([[0.0, 0.1, 2.0], [2.0, 1.9, 0.4]], "abc")
    assert reranker.best_next(["a", "b", "c"], {}) == "a"
    assert reranker.best_next(["b", "c"], {}, pending=["a"]) == "c"
    assert reranker.best_next(["b", "c"], {"a": 1.0}) == "c"


def test_scores_of_unknown_pipelines_are_ignored():
    regrets = [[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]
    reranker = reranker_of(regrets, "abc", evidence=2.0)
    scores = {"a": 0.1, "mine": 9.0, "b": 0.5, "c": 0.9}
    posterior = reranker.posterior_after(scores)
    assert posterior.tried == (0, 1, 2)
    assert posterior.weights[1] > 0.9


def test_some_are_chosen_before_all_others():
    then = reranker_of([[0.5, 0.0], [0.5, 0.0]], "ab")
    reranker = FirstThen(frozenset("xy"), then)
    assert reranker.best_next(["a", "y", "b", "x"], {}) == "y"
    assert reranker.best_next(["a", "b"], {"y": 1.0}) == "b"
    assert reranker.posterior_after({"a": 1.0}).tried == (0,)
