"""The plan of a search: rows, folds, limits and workers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from sklearn_meta.evaluation._budget import Budget
from sklearn_meta.evaluation._cross_validation import (
    follow_rows,
    make_folds,
    make_stages,
    refers_to_rows,
)
from sklearn_meta.evaluation._fit_and_score import EvaluationContext
from sklearn_meta.evaluation._limits import Limits, patience
from sklearn_meta.evaluation._scoring import Scoring, perfect_score
from sklearn_meta.parallel._start import IN_PROCESS_SECONDS
from sklearn_meta.pipelines._operators import Catalog, Operator
from sklearn_meta.timing._effort import Effort
from sklearn_meta.timing._forecast import Forecast

# Folds are repeated if all of the portfolio on all of them is predicted to take at most
# this share of the budget on one worker.
N_FOLDS_TWICE, REPEAT_SHARE = 10, 0.75

# A search that is predicted to take at most this share of the budget is told in a fixed
# order: it gives the same result every time. A longer one has better use for workers
# that would have to wait.
REPEATABLE_SHARE = 0.5


@dataclass(frozen=True)
class SearchSettings:
    """The estimator's parameters that a plan depends on, resolved for one table.

    Parameters
    ----------
    scoring : Scoring
    cv : None, int, splitter or iterable
    catalog : Catalog
        Operators of the search space.
    forecast : Forecast
        Predicted seconds on the canonical rows of the table.
    names_operators : bool
        Whether the user has named the operators of the search space.
    searches : bool
        Whether there is a search, with folds and scores.
    max_evaluations : int or None
    memory_limit : int or None
        Bytes that one candidate may use.
    n_workers : int
    seed : int
    split_params : dict of str to object, or None
        Arguments of the splitter besides `y`; None for the groups.
    """

    scoring: Scoring
    cv: object
    catalog: Catalog = field(repr=False)
    forecast: Forecast = field(repr=False)
    names_operators: bool
    searches: bool
    max_evaluations: int | None
    memory_limit: int | None
    n_workers: int
    seed: int
    split_params: dict | None = None

    def recallable(self) -> Catalog:
        """Return the operators that may be recalled.

        A search of few seconds is made in this process, where nothing ends an import:
        operators with heavy packages are left out there.
        """
        if self.forecast.budget_seconds >= IN_PROCESS_SECONDS:
            return self.catalog
        heavy = {o.name for o in self.heavy_unnamed()}
        kept = (o for o in self.catalog if o.name not in heavy)
        return Catalog(kept, self.catalog.task)

    def heavy_unnamed(self) -> list[Operator]:
        """Return the operators with heavy packages that the user has not named."""
        return [] if self.names_operators else self.forecast.heavy_operators()


@dataclass(frozen=True)
class Plan:
    """What candidates are evaluated on, and how long.

    Parameters
    ----------
    context : EvaluationContext
        What all candidates share: dataset, stages, scoring, catalog, seed.
    forecast : Forecast
    budget : Budget
    limits : Limits
    first_trees : tuple of Node
        Pipelines that are tried first.
    left_out : frozenset of str
        Names of operators that are proposed only where the prior does so.
    search_seconds : float
        Predicted seconds of the search on one worker; infinity where nothing is known.
    n_workers : int
    """

    context: EvaluationContext
    forecast: Forecast = field(repr=False)
    budget: Budget
    limits: Limits
    first_trees: tuple = field(repr=False)
    left_out: frozenset[str]
    search_seconds: float
    n_workers: int

    def packages(self, evaluation) -> list[str]:
        """Return the packages that loading a candidate's models takes."""
        return self.forecast.packages([evaluation.candidate.tree])

    def continued(self, settings, budget) -> Plan:
        """Return the plan for more of the same search, with other limits.

        Parameters
        ----------
        settings : SearchSettings
        budget : Budget

        Returns
        -------
        plan : Plan
        """
        limits = _limits(self.context.dataset, settings)
        repeatable = self.limits.repeatable or limits.is_counted
        return replace(
            self,
            budget=budget,
            forecast=replace(self.forecast, budget_seconds=budget.seconds),
            limits=replace(limits, repeatable=repeatable),
            n_workers=settings.n_workers,
        )


def make_plan(table, prior, settings, budget) -> Plan:
    """Choose rows, folds and limits of a search.

    Parameters
    ----------
    table : Table
    prior : Prior
    settings : SearchSettings
    budget : Budget

    Returns
    -------
    plan : Plan
    """
    forecast = settings.forecast
    dataset, stages = _split(table, prior, settings, budget)
    limits = _limits(dataset, settings)
    first_trees = tuple(proposal.tree for proposal in prior.portfolio)
    seconds = np.inf
    if settings.searches:
        seconds = forecast.search_seconds(first_trees, stages, limits)
    # A search that ends well before the budget does.
    is_short = settings.searches and seconds <= REPEATABLE_SHARE * budget.seconds
    return Plan(
        context=EvaluationContext(
            dataset=dataset,
            stages=stages,
            scoring=settings.scoring,
            catalog=settings.catalog,
            seed=settings.seed,
        ),
        forecast=forecast,
        budget=budget,
        limits=replace(limits, repeatable=limits.is_counted or is_short),
        first_trees=first_trees,
        left_out=_left_out(settings, first_trees),
        search_seconds=seconds,
        n_workers=settings.n_workers,
    )


def _left_out(settings, first_trees):
    """Exclude operators with heavy packages unless the portfolio contains one.

    Importing torch takes 300 MB in each worker, and seconds.
    """
    needed = set(settings.forecast.packages(first_trees))
    return frozenset(
        o.name for o in settings.heavy_unnamed() if not needed.issuperset(o.requires)
    )


def _limits(dataset, settings):
    return Limits(
        max_evaluations=settings.max_evaluations,
        patience=patience(dataset.n_samples, dataset.n_features),
        perfect_score=perfect_score(settings.scoring, dataset.y),
        memory_limit=settings.memory_limit,
    )


def _split(table, prior, settings, budget):
    """Return the dataset, its rows in canonical order, and the stages."""
    dataset, rows = table.dataset, table.rows
    if rows is not None and not refers_to_rows(settings.cv):
        dataset, rows = table.canonical, None
    if not settings.searches:
        return dataset, ()
    effort = _effort(prior, settings.forecast, budget)
    folds = make_folds(
        dataset, settings.cv, settings.seed, effort, settings.split_params
    )
    if rows is not None:
        dataset, folds = table.canonical, follow_rows(folds, rows)
    return dataset, make_stages(dataset, folds, settings.seed)


def _effort(prior, forecast, budget) -> Effort:
    """Repeat the folds where the portfolio leaves the time for it."""
    seconds = N_FOLDS_TWICE * sum(
        forecast.fit_seconds(proposal.tree) for proposal in prior.portfolio
    )
    if seconds >= REPEAT_SHARE * budget.seconds:
        return replace(forecast.effort(), max_repeats=1)
    return forecast.effort()
