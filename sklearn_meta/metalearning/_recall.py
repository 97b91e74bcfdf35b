"""Recall: ask the meta-learner what worked on similar datasets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sklearn.base import clone
from sklearn.metrics import get_scorer_names

from sklearn_meta.data._dataset import take_rows
from sklearn_meta.evaluation._cross_validation import has_holdout, subsample
from sklearn_meta.metalearning._knn import KNNMetaLearner
from sklearn_meta.metalearning._loss_portfolio import with_loss_portfolio
from sklearn_meta.metalearning._prior import Prior
from sklearn_meta.metalearning._text_pipelines import text_first


def recall(dataset, settings, *, meta_learner, knowledge_base) -> Prior:
    """Recall what is known of tables like the rows that candidates are fitted on.

    Parameters
    ----------
    dataset : Dataset
        In canonical order, so that what is recalled depends neither on the order of
        rows nor on whether they are weighted or repeated.
    settings : SearchSettings
    meta_learner : meta-learner or None
        None for `KNNMetaLearner`. A copy of it is fitted.
    knowledge_base : KnowledgeBase, path-like or None
        None for the one that ships.

    Returns
    -------
    prior : Prior
        Its expected seconds are those of fits on all rows.
    """
    forecast, searched = settings.forecast, dataset
    effort = forecast.effort()
    if settings.searches and has_holdout(dataset, settings.cv, effort):
        searched = _some_rows(dataset, effort.max_train, settings.seed)
    # A copy, also of what is no estimator: it is fitted.
    meta_learner = clone(meta_learner or KNNMetaLearner(), safe=False)
    prior = meta_learner.fit(knowledge_base).recall(
        searched,
        catalog=settings.recallable(),
        time_budget=forecast.budget_seconds,
        scoring=_known_name(settings.comparison.name, dataset.task.loss),
    )
    prior = text_first(prior, dataset, settings.recallable())
    if searched is not dataset:
        portfolio = (
            forecast.on_all_rows(proposal, searched.n_samples)
            for proposal in prior.portfolio
        )
        prior = replace(prior, portfolio=tuple(portfolio))
    if dataset.task.loss is None:
        return prior
    return with_loss_portfolio(prior, dataset, settings)


def _known_name(scoring, loss):
    """Return the name of a scorer, or of the one that is nearest to its loss."""
    if loss is None or scoring in get_scorer_names():
        return scoring
    return loss.metric


def _some_rows(dataset, n_rows, seed):
    """Return the dataset of some random rows, all of the columns as they were."""
    rows = subsample(
        dataset, np.arange(dataset.n_samples), n_rows, np.random.default_rng(seed)
    )
    if len(rows) == dataset.n_samples:
        return dataset
    some = take_rows(dataset, rows)
    return replace(some, schema=dataset.schema, groups=None)
