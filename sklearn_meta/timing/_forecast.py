"""Predicted seconds of candidates and of a whole search on one table."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sklearn_meta.data._dataset import Dataset
from sklearn_meta.pipelines._operators import Catalog, Operator
from sklearn_meta.pipelines._tree import Node, X
from sklearn_meta.pipelines.catalog._default import default_catalog
from sklearn_meta.timing._effort import (
    FEW_FOLDS,
    MIN_HOLDOUT_SAMPLES,
    MIN_HOLDOUT_TRAIN,
    Effort,
    seconds_for_folds,
    usual_seconds,
    worthwhile_seconds,
)
from sklearn_meta.timing._operators import predicted_seconds_on

# What candidates for large tables are like: the learner that wins most often there.
USUAL_PIPELINE = Node("lightgbm", (X,))


@dataclass(frozen=True)
class Forecast:
    """Predicted seconds, and what follows from them.

    Parameters
    ----------
    dataset : Dataset
    catalog : Catalog
    budget_seconds : float
        Of the whole `fit`.
    foreign : frozenset of str
        Names of operators that are not built in: nothing is known of their cost, and
        they may hang or crash.
    """

    dataset: Dataset
    catalog: Catalog
    budget_seconds: float
    foreign: frozenset[str]

    def fit_seconds(self, tree, n_rows=None) -> float:
        """Return the seconds of one fit, on all rows by default."""
        return predicted_seconds_on(
            self.dataset, tree, catalog=self.catalog, n_samples=n_rows
        )

    def effort(self) -> Effort:
        """Return what a cross-validation may cost, so that dozens of fits are made.

        The final model is fitted on all rows again, however few the candidates had.
        """
        n = self.dataset.n_samples
        n_train = n - n // FEW_FOLDS
        folds = FEW_FOLDS * self._usual_seconds(n_train)
        dear = folds > seconds_for_folds(self.budget_seconds)
        few = min(MIN_HOLDOUT_TRAIN, n)
        most = few + bisect_right(
            range(few, n), usual_seconds(self.budget_seconds), key=self._usual_seconds
        )
        return Effort(
            max_folds=1 if dear and n >= MIN_HOLDOUT_SAMPLES else Effort.max_folds,
            max_train=most,
        )

    def _usual_seconds(self, n_rows):
        """Return the seconds of a usual fit."""
        # The search space may lack it.
        return predicted_seconds_on(
            self.dataset,
            USUAL_PIPELINE,
            catalog=default_catalog(self.catalog.task),
            n_samples=n_rows,
        )

    def on_all_rows(self, proposal, n_rows):
        """Return a proposal whose seconds were those on `n_rows` rows."""
        if proposal.expected_seconds is None:
            return proposal
        tree = proposal.tree
        factor = self.fit_seconds(tree) / self.fit_seconds(tree, n_rows)
        return replace(proposal, expected_seconds=proposal.expected_seconds * factor)

    def is_safe(self, tree) -> bool:
        """Whether a tree holds built-in operators only, which never hang or crash."""
        return not any(node.operator in self.foreign for _, node in tree.walk())

    def is_worthwhile(self, candidate, seconds) -> bool:
        """Whether a candidate is worth its seconds; the user's own ones are."""
        return candidate.is_initial or seconds <= self._worthwhile_seconds()

    def search_seconds(self, trees: Sequence, stages: Sequence, limits):
        """Return the seconds of a search on one worker.

        Parameters
        ----------
        trees : sequence of Node
            Those that come first; what comes after them is like them.
        stages : sequence of Stage
        limits : SearchLimits

        Returns
        -------
        seconds : float
            At most the budget; infinity where there is nothing to tell by.
        """
        if self.foreign or not trees:
            return np.inf
        n = min(limits.max_evaluations or np.inf, 2 * limits.patience)
        n_rows = len(stages[0].train)
        seconds = [self.fit_seconds(tree, n_rows) for tree in trees]
        if limits.max_evaluations is None:
            most = self._worthwhile_seconds() / len(stages)
            seconds = [s for s in seconds if s <= most] or [min(seconds)]
        first = seconds[: int(min(n, len(seconds)))]
        total = sum(first) + (n - len(first)) * np.mean(seconds)
        return min(total * len(stages), self.budget_seconds)

    def packages(self, trees) -> list[str]:
        """Return the heavy packages that trees need."""
        operators = (
            self.catalog.find(node.operator)
            for tree in trees
            for _, node in tree.walk()
        )
        return sorted({p for o in operators if o is not None for p in o.requires})

    def heavy_operators(self) -> list[Operator]:
        """Return the built-in operators with heavy packages."""
        return [o for o in self.catalog if o.requires and o.name not in self.foreign]

    def _worthwhile_seconds(self):
        return worthwhile_seconds(self.dataset.n_samples, self.budget_seconds)


def make_forecast(dataset, catalog, budget_seconds) -> Forecast:
    """Return the forecast for a table.

    Parameters
    ----------
    dataset : Dataset
    catalog : Catalog
    budget_seconds : float

    Returns
    -------
    forecast : Forecast
    """
    builtin = {o.name: o for o in default_catalog(catalog.task)}
    foreign = frozenset(
        o.name
        for o in catalog
        if o.name not in builtin
        or (o.path, o.build) != (builtin[o.name].path, builtin[o.name].build)
    )
    return Forecast(dataset, catalog, budget_seconds, foreign)
