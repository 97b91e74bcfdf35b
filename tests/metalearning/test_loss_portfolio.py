"""Pipelines that are fitted to the loss come first."""

from types import SimpleNamespace

import numpy as np
import pytest

from sklearn_meta.data._dataset import Dataset
from sklearn_meta.data._encoding import schema_of
from sklearn_meta.data._loss import Loss
from sklearn_meta.data._task import RegressionTask
from sklearn_meta.metalearning._default_pipelines import default_portfolio
from sklearn_meta.metalearning._loss_portfolio import (
    N_LOG_TARGETS,
    N_OTHERS,
    N_OTHERS_OUTER,
    with_loss_portfolio,
)
from sklearn_meta.metalearning._prior import Prior, Proposal
from sklearn_meta.pipelines import SearchSpace, default_catalog, format_tree

LOSSES = [
    Loss("quantile", level=0.9),
    Loss("quantile", level=0.5),
    *(Loss("tweedie", power=p) for p in (1.0, 1.5, 2.0, 3.0)),
    Loss("squared_log"),
]


def prior_of(loss, *, seconds=0.1, searches=True, space=None, reranker=None):
    X = np.random.default_rng(0).normal(size=(50, 3))
    data = Dataset(X, X[:, 0], schema_of(X), RegressionTask(loss=loss))
    settings = SimpleNamespace(
        catalog=(space or SearchSpace()).catalog("regression", loss),
        forecast=SimpleNamespace(
            budget_seconds=10.0,
            fit_seconds=seconds if callable(seconds) else lambda tree: seconds,
        ),
        searches=searches,
    )
    recalled = default_portfolio(default_catalog("regression"))
    prior = Prior(recalled, reranker=reranker, note="Recalled.")
    return prior, with_loss_portfolio(prior, data, settings)


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_learners_of_the_loss_then_a_few_others(loss):
    recalled, prior = prior_of(loss)
    texts = [format_tree(p.tree) for p in prior.portfolio]
    assert len(set(texts)) == len(texts)
    outer = loss.level == 0.9
    n_others = N_OTHERS_OUTER if outer else N_OTHERS
    first = prior.portfolio[:-n_others]
    assert prior.portfolio[-n_others:] == recalled.portfolio[:n_others]
    assert len(first) >= 4
    start = {"quantile": "quantile_", "squared_log": "log_target("}.get(loss.name)
    for proposal in first:
        text = format_tree(proposal.tree)
        if start is not None:
            assert text.startswith(start)
        else:
            assert text.startswith(("poisson_", "gamma_", "tweedie_"))
        assert "fitted to the loss" in proposal.origin
    assert (
        prior.note == f"Pipelines that are fitted to {loss} are tried first. Recalled."
    )


def test_recalled_pipelines_are_fitted_to_logarithms():
    recalled, prior = prior_of(Loss("squared_log"))
    first = [p.tree for p in prior.portfolio if p.tree.operator == "log_target"]
    assert len(first) == N_LOG_TARGETS
    assert first[0].inputs[0] == recalled.portfolio[0].tree
    # There is no early stopping inside of a wrapper.
    (lightgbm,) = (t.inputs[0] for t in first if t.inputs[0].operator == "lightgbm")
    assert lightgbm.param("early_stopping", False) is False
    assert lightgbm.param("n_estimators", 100) == 200


def test_without_a_search_there_are_no_others():
    _, prior = prior_of(Loss("quantile", level=0.5), searches=False)
    assert all(p.tree.operator.startswith("quantile_") for p in prior.portfolio)


def test_slow_ones_come_last_or_not_at_all():
    def seconds(tree):
        return {"standard_scaler": 0.7, "splines": 5.0}.get(
            tree.inputs[0].operator, 0.1
        )

    _, prior = prior_of(Loss("quantile", level=0.9), seconds=seconds)
    below = [p.tree.inputs[0].operator for p in prior.portfolio[:-N_OTHERS_OUTER]]
    assert "splines" not in below
    n_slow = below.count("standard_scaler")
    assert n_slow and set(below[-n_slow:]) == {"standard_scaler"}


def test_if_all_are_slow_the_fastest_ones_are_tried():
    _, prior = prior_of(Loss("quantile", level=0.9), seconds=100.0)
    assert prior.portfolio[0].tree.operator.startswith("quantile_")


def test_a_space_without_learners_of_the_loss_changes_nothing():
    space = SearchSpace(include=["ridge", "standard_scaler"])
    for loss in LOSSES:
        recalled, prior = prior_of(loss, space=space)
        assert prior is recalled
    recalled, prior = prior_of(Loss("tweedie", power=-1.0))
    assert prior is recalled


def test_the_reranker_chooses_after_them():
    class Last:
        def best_next(self, texts, scores, pending=()):
            return texts[-1]

    _, prior = prior_of(Loss("quantile", level=0.9), reranker=Last())
    texts = [format_tree(p.tree) for p in prior.portfolio]
    n_first = len(texts) - N_OTHERS_OUTER
    assert prior.reranker.best_next(texts, {}) == texts[0]
    assert prior.reranker.best_next(texts[n_first - 1 :], {}) == texts[n_first - 1]
    assert prior.reranker.best_next(texts[n_first:], {}) == texts[-1]
    assert isinstance(prior.portfolio[0], Proposal)
