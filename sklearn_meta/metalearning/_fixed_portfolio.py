"""Meta-learner without a knowledge base: the same portfolio for every dataset."""

from __future__ import annotations

from dataclasses import replace

from sklearn.base import BaseEstimator

from sklearn_meta.metalearning._default_pipelines import default_portfolio
from sklearn_meta.metalearning._prior import Prior, Proposal
from sklearn_meta.pipelines._tree import Node
from sklearn_meta.pipelines.catalog._preparation import (
    FOR_CATEGORIES,
    FOR_MISSING,
    FOR_TEXT,
)
from sklearn_meta.timing._operators import predicted_seconds_on

# Pipelines are moved to the end of the portfolio if one fit is predicted to take more
# than this share of the budget, or more than these seconds per row: on 50 rows, no
# forest is worth ten times the seconds of all other fits.
SLOW_SHARE = 0.05
SLOW_SECONDS_PER_ROW = 0.0015


class FixedPortfolio(BaseEstimator):
    """Recommend the same portfolio for every dataset.

    The pipelines and their order are fixed: cheap ones and different families of
    learners first. Those that are predicted to be slow on the dataset come last.

    See Also
    --------
    KNNMetaLearner : A portfolio for the datasets that are most similar.

    Examples
    --------
    >>> from sklearn_meta import MetaAutoClassifier
    >>> from sklearn_meta.metalearning import FixedPortfolio
    >>> clf = MetaAutoClassifier(meta_learner=FixedPortfolio())
    """

    def fit(self, knowledge_base=None, y=None):
        """Do nothing.

        Parameters
        ----------
        knowledge_base : object, default=None
            Ignored; for consistency with other meta-learners.
        y : None
            Ignored; for consistency with scikit-learn.

        Returns
        -------
        self : FixedPortfolio
            The meta-learner, unchanged.
        """
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # It is fitted on a knowledge base, not on the rows of a table.
        tags.input_tags.two_d_array = False
        return tags

    def recall(self, dataset, *, catalog, time_budget, scoring=None) -> Prior:
        """Return the prior for a dataset.

        Parameters
        ----------
        dataset : Dataset
            Encoded table and its task.
        catalog : Catalog
            Operators that pipelines may use; pipelines with others are left out.
        time_budget : float
            Seconds of the whole search.
        scoring : str, default=None
            Ignored; the portfolio is the same for all metrics.

        Returns
        -------
        prior : Prior
            Portfolio without neighbors and re-ranking; slow pipelines come last.
        """
        slow = min(SLOW_SHARE * time_budget, SLOW_SECONDS_PER_ROW * dataset.n_samples)

        def is_slow(proposal):
            tree = proposal.tree
            return predicted_seconds_on(dataset, tree, catalog=catalog) > slow

        portfolio: dict[Node, Proposal] = {}
        for proposal in default_portfolio(catalog, dataset.n_samples):
            tree = without_idle_preparation(proposal.tree, dataset.schema)
            portfolio.setdefault(tree, replace(proposal, tree=tree))
        return Prior(portfolio=tuple(sorted(portfolio.values(), key=is_slow)))


def without_idle_preparation(tree, schema) -> Node:
    """Return a tree without the preparations that change nothing on a table.

    Encoders of categories are idle without categorical columns, imputers without
    missing values, and weights of tokens without text.

    Parameters
    ----------
    tree : Node
    schema : Schema
        Columns of the table.

    Returns
    -------
    tree : Node
        Its predictions on the table are the same.
    """
    inputs = tuple(without_idle_preparation(node, schema) for node in tree.inputs)
    idle = (
        (tree.operator in FOR_CATEGORIES and schema.n_categorical == 0)
        or (tree.operator in FOR_MISSING and not schema.missing)
        or (tree.operator in FOR_TEXT and not schema.has_text)
    )
    return inputs[0] if idle else Node(tree.operator, inputs, tree.params)
