"""Plan of a search: rows, folds, stopping criteria and workers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from sklearn_meta._warnings import warn
from sklearn_meta.data._canonical_order import MIN_COPIES_SHARE
from sklearn_meta.data._task import EXTRAPOLATION, EXTRAPOLATION_IN_TIME
from sklearn_meta.evaluation._budget import Budget
from sklearn_meta.evaluation._cross_validation import (
    follow_rows,
    make_folds,
    make_stages,
    predicts_later_rows,
    refers_to_rows,
)
from sklearn_meta.evaluation._fit_and_score import EvaluationContext
from sklearn_meta.evaluation._limits import SearchLimits, patience
from sklearn_meta.evaluation._scoring import FastScoring, Scoring, perfect_score
from sklearn_meta.parallel._start_pool import IN_PROCESS_SECONDS
from sklearn_meta.pipelines._operators import Catalog, Operator
from sklearn_meta.timing._effort import Effort
from sklearn_meta.timing._forecast import Forecast

# Folds are repeated if all pipelines of the portfolio on that many folds are predicted
# to take less than this share of the budget on one worker.
N_FOLDS_TWICE, REPEAT_SHARE = 10, 0.75

# A search that is predicted to take at most this share of the budget is told of
# evaluations in a fixed order, so that its result is repeatable. In a longer search,
# workers that wait for the order would cost evaluations.
REPEATABLE_SHARE = 0.5


@dataclass(frozen=True)
class SearchSettings:
    """Parameters of the estimator that a plan depends on, resolved for one table.

    Parameters
    ----------
    scoring : Scoring
    cv : None, int, splitter or iterable
    catalog : Catalog
        Operators of the search space.
    forecast : Forecast
        Predicts seconds on the canonical table.
    names_operators : bool
        Whether the search space includes only operators that the user has named.
    searches : bool
        Whether there is a search, and so cross-validation.
    max_evaluations : int or None
        Number of evaluations after which the search ends; None for no limit.
    memory_limit : int or None
        Maximum number of bytes for one candidate; None for no limit.
    n_workers : int
        Number of candidates that are evaluated at the same time.
    seed : int
        Seed of the splits and the candidates.
    split_params : dict of str to object, default=None
        Arguments of ``cv.split`` besides `X` and `y`; None for the groups.
    objective : FastScoring or None, default=None
        Scoring by which candidates are compared; None for `scoring`.
    judges_labels : bool, default=False
        Whether `scoring` judges labels of classes.
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
    objective: FastScoring | None = None
    judges_labels: bool = False

    @property
    def comparison(self) -> Scoring:
        """Scoring by which candidates are compared."""
        return self.scoring if self.objective is None else self.objective

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
        """Return the operators that need heavy packages and were not named by the user.

        Returns
        -------
        operators : list of Operator
        """
        return [] if self.names_operators else self.forecast.heavy_operators()


@dataclass(frozen=True)
class Plan:
    """Everything that a search depends on besides its strategy and the prior.

    Parameters
    ----------
    context : EvaluationContext
        Dataset, stages, scoring, catalog and seed.
    forecast : Forecast
        Predicts seconds.
    budget : Budget
        Budget of the whole `fit`.
    limits : SearchLimits
    first_trees : tuple of Node
        Pipelines of the portfolio, which are evaluated first.
    left_out : frozenset of str
        Names of operators that are evaluated only as part of the portfolio.
    search_seconds : float
        Predicted seconds of the search on one worker; infinity without a prediction.
    n_workers : int
        Number of candidates that are evaluated at the same time.
    """

    context: EvaluationContext
    forecast: Forecast = field(repr=False)
    budget: Budget
    limits: SearchLimits
    first_trees: tuple = field(repr=False)
    left_out: frozenset[str]
    search_seconds: float
    n_workers: int

    def packages(self, evaluation) -> list[str]:
        """Return the heavy packages that unpickling the models of a candidate imports.

        Parameters
        ----------
        evaluation : Evaluation

        Returns
        -------
        packages : list of str
        """
        return self.forecast.packages([evaluation.candidate.tree])

    def continued(self, settings, budget, record) -> Plan:
        """Return the plan of a continued search, on the same rows and folds.

        Parameters
        ----------
        settings : SearchSettings
            Its limits and number of workers apply from now on.
        budget : Budget
            Budget of the continuation.
        record : Record
            Evaluations of the search so far.

        Returns
        -------
        plan : Plan
        """
        limits = _limits(self.context.dataset, settings)
        if limits.max_evaluations is not None:
            n_max = limits.max_evaluations + record.n_extra
            limits = replace(limits, max_evaluations=n_max)
        # Once evaluations were told in order, they have to be.
        repeatable = (
            self.limits.repeatable
            or limits.is_counted
            or any(entry.n_asked is None for entry in record.entries)
        )
        return replace(
            self,
            budget=budget,
            forecast=replace(self.forecast, budget_seconds=budget.seconds),
            limits=replace(limits, repeatable=repeatable),
            n_workers=settings.n_workers,
        )


def make_plan(table, prior, settings, budget) -> Plan:
    """Choose rows, folds and stopping criteria of a search.

    Parameters
    ----------
    table : Table
        The user's table.
    prior : Prior
        Its portfolio is evaluated first.
    settings : SearchSettings
    budget : Budget
        Budget of the whole `fit`.

    Returns
    -------
    plan : Plan
    """
    forecast = settings.forecast
    dataset, stages, extrapolation = _split(table, prior, settings, budget)
    limits = _limits(dataset, settings)
    first_trees = tuple(proposal.tree for proposal in prior.portfolio)
    seconds = np.inf
    if settings.searches:
        seconds = forecast.search_seconds(first_trees, stages, limits)
    # Whether the search is predicted to end long before the deadline.
    is_short = settings.searches and seconds <= REPEATABLE_SHARE * budget.seconds
    return Plan(
        context=EvaluationContext(
            dataset=dataset,
            stages=stages,
            scoring=settings.scoring,
            catalog=settings.catalog,
            seed=settings.seed,
            extrapolation=extrapolation,
            given=_given(table, dataset, settings.scoring),
            objective=settings.objective,
            judges_labels=settings.judges_labels,
        ),
        forecast=forecast,
        budget=budget,
        limits=replace(limits, repeatable=limits.is_counted or is_short),
        first_trees=first_trees,
        left_out=_left_out(settings, first_trees),
        search_seconds=seconds,
        n_workers=settings.n_workers,
    )


def trial_context(table, scoring) -> EvaluationContext:
    """Return a context without folds, on which a scorer can be tried.

    Parameters
    ----------
    table : Table
    scoring : Scoring

    Returns
    -------
    context : EvaluationContext
    """
    dataset = table.canonical
    return EvaluationContext(
        dataset, (), scoring, given=_given(table, dataset, scoring)
    )


def _given(table, dataset, scoring):
    """Return the user's table for a scorer that reads it; workers get a copy."""
    return table.given_as(dataset) if scoring.reads_table else None


def _left_out(settings, first_trees):
    """Return the operators with heavy packages that the portfolio does not import."""
    # Importing torch takes seconds, and 300 MB in each worker.
    needed = set(settings.forecast.packages(first_trees))
    return frozenset(
        o.name for o in settings.heavy_unnamed() if not needed.issuperset(o.requires)
    )


def _limits(dataset, settings):
    """Return the stopping criteria."""
    return SearchLimits(
        max_evaluations=settings.max_evaluations,
        patience=patience(dataset.n_samples, dataset.n_features),
        perfect_score=perfect_score(settings.comparison, dataset.y),
        memory_limit=settings.memory_limit,
    )


def _split(table, prior, settings, budget):
    """Return the dataset, in canonical order if possible, stages and extrapolation."""
    dataset, rows = table.dataset, table.rows
    if rows is not None and not refers_to_rows(settings.cv):
        dataset, rows = table.canonical, None
    if not settings.searches and not refers_to_rows(settings.cv):
        return dataset, (), EXTRAPOLATION
    if not refers_to_rows(settings.cv):
        _warn_of_copies(table)
    effort = _effort(prior, settings.forecast, budget)
    folds = make_folds(
        dataset, settings.cv, settings.seed, effort, settings.split_params
    )
    later = refers_to_rows(settings.cv) and predicts_later_rows(folds)
    extrapolation = EXTRAPOLATION_IN_TIME if later else EXTRAPOLATION
    if not settings.searches:
        return dataset, (), extrapolation
    if rows is not None:
        dataset, folds = table.canonical, follow_rows(folds, rows)
    return dataset, make_stages(dataset, folds, settings.seed), extrapolation


def _warn_of_copies(table):
    """Warn if a notable share of the rows of the table are copies."""
    n = table.dataset.n_samples
    if table.n_copies > MIN_COPIES_SHARE * n:
        warn(
            f"{table.n_copies} of the {n} rows are copies of other rows: equal in X "
            "and y, in values that hardly repeat otherwise. A row and its copies are "
            "kept on one side of every split, because scores on copies of training "
            "rows would be too good. Pass sample_weight in place of copies to avoid "
            "this warning, or a splitter as cv to split the rows as they are."
        )


def _effort(prior, forecast, budget) -> Effort:
    """Return the effort, with repeated folds only if the portfolio leaves time."""
    seconds = N_FOLDS_TWICE * sum(
        forecast.fit_seconds(proposal.tree) + forecast.score_seconds
        for proposal in prior.portfolio
    )
    if seconds >= REPEAT_SHARE * budget.seconds:
        return replace(forecast.effort(), max_repeats=1)
    return forecast.effort()
