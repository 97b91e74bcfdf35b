"""Recall without a memory: the same portfolio for every dataset."""

from __future__ import annotations

from dataclasses import replace

from sklearn.base import BaseEstimator

from sklearn_meta.metalearning._default_pipelines import default_portfolio
from sklearn_meta.metalearning._prior import Prior
from sklearn_meta.pipelines._tree import Node
from sklearn_meta.pipelines.catalog._preparation import FOR_CATEGORIES, FOR_MISSING
from sklearn_meta.timing._operators import predicted_seconds_on

# Pipelines are left to the end of the portfolio if one fit is predicted to need more
# than this share of the budget, or more than so many seconds for each row: on 50 rows
# no forest is worth ten times the fits of everything else, and the search ends sooner.
SLOW_SHARE = 0.05
SLOW_SECONDS_PER_ROW = 0.0015


class FixedPortfolio(BaseEstimator):
    """Begin every search with the same good pipelines.

    The pipelines are ordered for tables like most (diverse families first, cheap ones
    first); those that are predicted to be slow on this table come last.
    """

    def fit(self, knowledge_base=None, y=None):
        """Do nothing: this portfolio needs no memory.

        Parameters
        ----------
        knowledge_base, y : object
            Ignored; there for the sake of other meta-learners.

        Returns
        -------
        self : FixedPortfolio
        """
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # What it is fitted on is a knowledge base, not a table.
        tags.input_tags.two_d_array = False
        return tags

    def recall(self, dataset, *, catalog, time_budget, scoring=None) -> Prior:
        """Return the prior for a dataset.

        Parameters
        ----------
        dataset : Dataset
        catalog : Catalog
            Operators that pipelines may use; others are left out.
        time_budget : float
            Seconds of the whole search.
        scoring : str, default=None
            Ignored: one portfolio for all metrics.

        Returns
        -------
        prior : Prior
        """
        slow = min(SLOW_SHARE * time_budget, SLOW_SECONDS_PER_ROW * dataset.n_samples)

        def is_slow(proposal):
            tree = proposal.tree
            return predicted_seconds_on(dataset, tree, catalog=catalog) > slow

        portfolio = {}
        for proposal in default_portfolio(catalog, dataset.n_samples):
            tree = without_idle_preparation(proposal.tree, dataset.schema)
            portfolio.setdefault(tree, replace(proposal, tree=tree))
        return Prior(portfolio=tuple(sorted(portfolio.values(), key=is_slow)))


def without_idle_preparation(tree, schema) -> Node:
    """Return a tree without the preparations that do nothing on this table.

    Parameters
    ----------
    tree : Node
    schema : Schema

    Returns
    -------
    tree : Node
        Fitted on this table, it predicts the same.
    """
    inputs = tuple(without_idle_preparation(node, schema) for node in tree.inputs)
    idle = (tree.operator in FOR_CATEGORIES and schema.n_categorical == 0) or (
        tree.operator in FOR_MISSING and not schema.missing
    )
    return inputs[0] if idle else Node(tree.operator, inputs, tree.params)
