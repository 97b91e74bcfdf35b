"""Predicted seconds of candidates and of a search on one table."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sklearn_meta.data._dataset import Dataset
from sklearn_meta.pipelines._operators import Catalog, Operator
from sklearn_meta.pipelines._tree import Node, X
from sklearn_meta.pipelines.catalog._default import default_catalog
from sklearn_meta.pipelines.catalog._losses import all_loss_operators
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

# Represents the candidates of large tables: the learner that is most often the best
# one.
USUAL_PIPELINE = Node("lightgbm", (X,))

# Scorers that take less than this number of seconds are taken for free.
SLOW_SCORE_SECONDS = 0.02
# A holdout replaces the folds if the scorer leaves no time for this number of
# candidates in all folds.
FEW_CANDIDATES = 4


@dataclass(frozen=True)
class Forecast:
    """Predicted seconds on one table, and decisions that depend on them.

    Parameters
    ----------
    dataset : Dataset
    catalog : Catalog
        Operators of the search space.
    budget_seconds : float
        Budget of the whole `fit`.
    foreign : frozenset of str
        Names of operators that are not built in. Their costs are not known, and they
        may hang or crash.
    score_seconds : float, default=0.0
        Seconds of one call of the scorer, measured; zero if they do not matter.
    foreign_scorer : bool, default=False
        Whether the scorer is code of the user, which may hang.
    """

    dataset: Dataset
    catalog: Catalog
    budget_seconds: float
    foreign: frozenset[str]
    score_seconds: float = 0.0
    foreign_scorer: bool = False

    def fit_seconds(self, tree, n_rows=None) -> float:
        """Predict the seconds of one fit.

        Parameters
        ----------
        tree : Node
        n_rows : int, default=None
            Number of rows of the fit; None for all.

        Returns
        -------
        seconds : float
        """
        return predicted_seconds_on(
            self.dataset, tree, catalog=self.catalog, n_samples=n_rows
        )

    def effort(self) -> Effort:
        """Return the effort that leaves time for dozens of candidates.

        It limits the rows of candidates only: the final model is fitted on all rows.

        Returns
        -------
        effort : Effort
        """
        n = self.dataset.n_samples
        n_train = n - n // FEW_FOLDS
        seconds = FEW_FOLDS * self._usual_seconds(n_train)
        is_expensive = seconds > seconds_for_folds(self.budget_seconds)
        slow_scorer = FEW_CANDIDATES * Effort.max_folds * self.score_seconds
        min_train = min(MIN_HOLDOUT_TRAIN, n)
        max_train = min_train + bisect_right(
            range(min_train, n),
            usual_seconds(self.budget_seconds),
            key=self._usual_seconds,
        )
        return Effort(
            max_folds=1
            if (is_expensive and n >= MIN_HOLDOUT_SAMPLES)
            or slow_scorer > self.budget_seconds
            else Effort.max_folds,
            max_train=max_train,
        )

    def _usual_seconds(self, n_rows):
        """Predict the seconds of a fit of the usual pipeline."""
        # The search space may not contain it, but the default catalog does.
        return predicted_seconds_on(
            self.dataset,
            USUAL_PIPELINE,
            catalog=default_catalog(self.catalog.task),
            n_samples=n_rows,
        )

    def on_all_rows(self, proposal, n_rows):
        """Return a proposal with its expected seconds scaled to all rows.

        Parameters
        ----------
        proposal : Proposal
            Its `expected_seconds`, if any, are those of a fit on `n_rows` rows.
        n_rows : int

        Returns
        -------
        proposal : Proposal
        """
        if proposal.expected_seconds is None:
            return proposal
        tree = proposal.tree
        factor = self.fit_seconds(tree) / self.fit_seconds(tree, n_rows)
        return replace(proposal, expected_seconds=proposal.expected_seconds * factor)

    def is_safe(self, tree) -> bool:
        """Whether all that a candidate runs is built in, and does not hang or crash."""
        return not self.foreign_scorer and not any(
            node.operator in self.foreign for _, node in tree.walk()
        )

    def is_worthwhile(self, candidate, seconds) -> bool:
        """Whether a candidate is worth its seconds.

        Parameters
        ----------
        candidate : Candidate
        seconds : float
            Predicted seconds of all its folds.

        Returns
        -------
        is_worthwhile : bool
            True for pipelines that the user has passed.
        """
        return candidate.is_initial or seconds <= self._worthwhile_seconds()

    def search_seconds(self, trees: Sequence, stages: Sequence, limits):
        """Predict the seconds of a search on one worker.

        Parameters
        ----------
        trees : sequence of Node
            The first pipelines; later ones are assumed to take the mean of their
            seconds.
        stages : sequence of Stage
        limits : SearchLimits

        Returns
        -------
        seconds : float
            At most the budget; infinity without trees or with operators of unknown
            cost.
        """
        if self.foreign or not trees:
            return np.inf
        n = min(limits.max_evaluations or np.inf, 2 * limits.patience)
        n_rows = len(stages[0].train)
        seconds = [
            self.fit_seconds(tree, n_rows) + self.score_seconds for tree in trees
        ]
        if limits.max_evaluations is None:
            longest = self._worthwhile_seconds() / len(stages)
            seconds = [s for s in seconds if s <= longest] or [min(seconds)]
        first = seconds[: int(min(n, len(seconds)))]
        total = sum(first) + (n - len(first)) * np.mean(seconds)
        return min(total * len(stages), self.budget_seconds)

    def packages(self, trees) -> list[str]:
        """Return the heavy packages that trees need.

        Parameters
        ----------
        trees : iterable of Node

        Returns
        -------
        packages : list of str
            Sorted names of packages that take long to import, such as torch.
        """
        operators = (
            self.catalog.find(node.operator)
            for tree in trees
            for _, node in tree.walk()
        )
        return sorted({p for o in operators if o is not None for p in o.requires})

    def heavy_operators(self) -> list[Operator]:
        """Return the built-in operators that need heavy packages.

        Returns
        -------
        operators : list of Operator
        """
        return [o for o in self.catalog if o.requires and o.name not in self.foreign]

    def _worthwhile_seconds(self):
        return worthwhile_seconds(self.dataset.n_samples, self.budget_seconds)


def make_forecast(
    dataset, catalog, budget_seconds, score_seconds=0.0, foreign_scorer=False
) -> Forecast:
    """Return the forecast for one table.

    Parameters
    ----------
    dataset : Dataset
    catalog : Catalog
        Operators of the search space.
    budget_seconds : float
        Budget of the whole `fit`.
    score_seconds : float, default=0.0
        Measured seconds of one call of the scorer.
    foreign_scorer : bool, default=False
        Whether the scorer is code of the user.

    Returns
    -------
    forecast : Forecast
    """
    known = (*default_catalog(catalog.task), *all_loss_operators())
    builtin = {o.name: o for o in known}
    foreign = frozenset(
        o.name
        for o in catalog
        if o.name not in builtin
        or (o.path, o.build) != (builtin[o.name].path, builtin[o.name].build)
    )
    # The seconds of a usual metric vary more than they matter, and the choice of folds
    # must not depend on them.
    slow = score_seconds if score_seconds >= SLOW_SCORE_SECONDS else 0.0
    return Forecast(dataset, catalog, budget_seconds, foreign, slow, foreign_scorer)
