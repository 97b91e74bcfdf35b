"""Pipelines that are fitted to the loss of the scorer, tried before all others."""

from __future__ import annotations

from dataclasses import replace

from sklearn_meta.data._loss import QUANTILE, SQUARED_LOG
from sklearn_meta.exceptions import PipelineSyntaxError
from sklearn_meta.metalearning._fixed_portfolio import (
    SLOW_SHARE,
    without_idle_preparation,
)
from sklearn_meta.metalearning._prior import Prior, Proposal
from sklearn_meta.metalearning._reranking import FirstThen
from sklearn_meta.pipelines._compile import EXPECTED_ROUNDS
from sklearn_meta.pipelines._text import canonical, format_tree, parse
from sklearn_meta.pipelines._tree import STACK, Node
from sklearn_meta.pipelines.catalog._losses import LOG_TARGET, loss_operators

ORIGIN = "portfolio: fitted to the loss"

# Number of pipelines of the portfolio that are fitted to logarithms of the target.
N_LOG_TARGETS = 12

# Number of other pipelines that are tried after those of the loss. Means and medians
# are of some use for every loss but that of an outer quantile.
N_OTHERS, N_OTHERS_OUTER = 15, 4
INNER_LEVELS = (0.4, 0.6)

# Pipelines of which one fit is predicted to take more than this share of the budget are
# left out.
TOO_SLOW_SHARE = 0.1

# Each learner of the loss by the end of its name. Constants and straight lines first:
# where there is little to learn they are hard to beat. Depths and rates are smaller
# than for squared errors, as a quantile or a rate of rare events has less to go by.
_TEXTS = (
    "{linear}(standard_scaler(X), alpha={penalty})",
    "{lightgbm}(X, colsample_bytree=0.7, early_stopping=True, learning_rate=0.05,"
    " n_estimators=1000, num_leaves=8, subsample=0.8)",
    "{hist_gradient_boosting}(X, l2_regularization=1.0, learning_rate=0.05,"
    " max_features=0.5, max_iter=100, max_leaf_nodes=8)",
    "{gradient_boosting}(X, learning_rate=0.05, max_depth=3, max_features=0.5,"
    " min_samples_leaf=10, n_estimators=100, subsample=0.7)",
    "{linear}(splines(standard_scaler(X), n_knots=5), alpha={penalty})",
    "{lightgbm}(X, colsample_bytree=0.6, early_stopping=True, learning_rate=0.04,"
    " min_child_samples=10, n_estimators=1500, num_leaves=31, subsample=0.8)",
    "{linear}(standard_scaler(X), alpha={strong_penalty})",
    "{lightgbm}(X, early_stopping=True, extra_trees=True, learning_rate=0.05,"
    " n_estimators=1500, num_leaves=16)",
    "{linear}(polynomial(standard_scaler(X)), alpha={strong_penalty})",
    "{hist_gradient_boosting}(X, learning_rate=0.03, max_iter=60, max_leaf_nodes=4,"
    " min_samples_leaf=30)",
    "{linear}(nystroem(standard_scaler(X), n_components=100), alpha={penalty})",
)

# Penalties of the absolute weights and of the squared ones.
_PENALTIES = {
    True: {"penalty": 1e-3, "strong_penalty": 0.03},
    False: {"penalty": 3e-3, "strong_penalty": 0.1},
}


def with_loss_portfolio(prior, dataset, settings) -> Prior:
    """Return a prior whose first pipelines are fitted to the loss of the scorer.

    Parameters
    ----------
    prior : Prior
        What was recalled.
    dataset : Dataset
        Its task has a loss.
    settings : SearchSettings

    Returns
    -------
    prior : Prior
        Without a search it has no other pipelines: they are not compared, and some
        would be averaged. The same prior if the search space has no learner of the
        loss.
    """
    loss = dataset.task.loss
    first = _fitted_to(loss, prior, settings.catalog)
    first = [
        replace(p, tree=without_idle_preparation(p.tree, dataset.schema)) for p in first
    ]
    # Trees may be equal without idle preparations.
    first = list({proposal.tree: proposal for proposal in reversed(first)}.values())
    first.reverse()
    if not first:
        return prior
    forecast = settings.forecast
    seconds = {p.tree: forecast.fit_seconds(p.tree) for p in first}
    slow = SLOW_SHARE * forecast.budget_seconds
    # Linear programs of many rows take longer than all other fits together.
    too_slow = max(TOO_SLOW_SHARE * forecast.budget_seconds, min(seconds.values()))
    first = [p for p in first if seconds[p.tree] <= too_slow]
    first.sort(key=lambda proposal: seconds[proposal.tree] > slow)
    others: tuple[Proposal, ...] = ()
    if settings.searches:
        others = prior.portfolio[: _n_others(loss)]
    reranker = prior.reranker
    if reranker is not None:
        texts = frozenset(format_tree(proposal.tree) for proposal in first)
        reranker = FirstThen(texts, reranker)
    note = f"Pipelines that are fitted to {loss} are tried first."
    return replace(
        prior,
        portfolio=(*first, *others),
        reranker=reranker,
        note=f"{note} {prior.note}".strip(),
    )


def _n_others(loss):
    low, high = INNER_LEVELS
    if loss.name == QUANTILE and not low <= loss.level <= high:
        return N_OTHERS_OUTER
    return N_OTHERS


def _fitted_to(loss, prior, catalog):
    """Return the pipelines of a loss that the catalog allows."""
    if loss.name == SQUARED_LOG:
        if catalog.find(LOG_TARGET) is None:
            return []
        return [
            replace(p, tree=tree, origin=ORIGIN, expected_seconds=None)
            for p in prior.portfolio[:N_LOG_TARGETS]
            if (tree := _of_log_target(p.tree, catalog)) is not None
        ]
    names = {
        operator.name.partition("_")[2]: operator.name
        for operator in loss_operators(loss)
    }
    proposals = []
    for text in _TEXTS:
        try:
            text = text.format(**names, **_PENALTIES[loss.name == QUANTILE])
            proposals.append(Proposal(parse(text, catalog=catalog), origin=ORIGIN))
        except (KeyError, PipelineSyntaxError):
            # No such learner for this loss, or not in this search space.
            continue
    return proposals


def _of_log_target(tree, catalog):
    """Return a pipeline that is fitted to logarithms; None if it has other wrappers."""
    if catalog[tree.operator].kind == "wrapper":
        return None
    return canonical(Node(LOG_TARGET, (_unstopped(tree, catalog),)), catalog=catalog)


def _unstopped(tree, catalog):
    """Return a tree whose root needs no early stopping: inside of a wrapper is none."""
    params = dict(tree.params)
    if tree.inputs[0].operator == STACK or not params.pop("early_stopping", False):
        return tree
    rounds = round(EXPECTED_ROUNDS / params.get("learning_rate", 0.1))
    params["n_estimators"] = min(params.get("n_estimators", rounds), rounds)
    return Node(tree.operator, tree.inputs, tuple(params.items()))
