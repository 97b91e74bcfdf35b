"""One run of the five verbs: describe, recall, search, evaluate, combine."""

from __future__ import annotations

import time
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from sklearn.base import clone

from sklearn_meta._packages import IMPORT_SECONDS, load, not_loaded
from sklearn_meta._threads import one_thread
from sklearn_meta.data._dataset import Dataset, canonical_rows, take_rows
from sklearn_meta.ensemble._final_model import build_final_model, reserve_seconds
from sklearn_meta.ensemble._outcome import (
    Outcome,
    check_candidates,
    constant_model,
    ensemble_of,
    seconds_in_candidates,
)
from sklearn_meta.ensemble._zero_shot import MAX_TOGETHER, fit_recommended, recommended
from sklearn_meta.evaluation._cross_validation import (
    follow_rows,
    has_holdout,
    make_folds,
    make_stages,
    refers_to_rows,
    subsample,
)
from sklearn_meta.evaluation._effort import patience
from sklearn_meta.evaluation._engine import Engine, Limits
from sklearn_meta.evaluation._fit_and_score import EvaluationContext
from sklearn_meta.evaluation._history import History
from sklearn_meta.evaluation._history_storage import without_arrays
from sklearn_meta.evaluation._records import Status
from sklearn_meta.evaluation._scoring import (
    Scoring,
    check_scores_outputs,
    perfect_score,
)
from sklearn_meta.exceptions import SearchInterruptedWarning, SklearnMetaWarning
from sklearn_meta.metalearning._knn import KNNMetaLearner
from sklearn_meta.parallel._memory_limit import default_memory_limit
from sklearn_meta.parallel._process_pool import PRELOAD, WorkerPool, can_start_processes
from sklearn_meta.pipelines._operators import Catalog
from sklearn_meta.pipelines._space import SearchSpace
from sklearn_meta.search._evolution import EvolutionarySearch
from sklearn_meta.search._protocol import SearchProblem
from sklearn_meta.search._random import RandomSearch
from sklearn_meta.timing._forecast import Forecast, foreign_operators

# What the names of the parameter `search` stand for.
STRATEGIES = {"evolution": EvolutionarySearch, "random": RandomSearch}

# Folds are repeated if all of the portfolio on all of them is predicted to take at most
# this share of the budget on one worker.
N_FOLDS_TWICE, REPEAT_SHARE = 10, 0.75

# Starting workers costs some seconds of imports; a search predicted to be shorter than
# this runs in this process. A single worker is no faster than this process.
IN_PROCESS_SECONDS, IN_PROCESS_SECONDS_OF_ONE = 4.0, 10.0

# A search that is predicted to take at most this share of the budget is told in a fixed
# order: it gives the same result every time. A longer one has better use for workers
# that would have to wait.
REPEATABLE_SHARE = 0.5

# After Ctrl-C, fitting the final model may take this long.
SECONDS_AFTER_INTERRUPT = 3.0


@dataclass(frozen=True)
class Settings:
    """The estimator's parameters, resolved for one dataset."""

    scoring: Scoring
    cv: object
    search_space: SearchSpace | None
    search: object
    meta_learner: object
    knowledge_base: object
    ensemble_size: int
    max_evaluations: int | None
    memory_limit: float | None
    n_workers: int
    seed: int
    split_params: dict | None = None


class Run:
    """One search on one dataset.

    Parameters
    ----------
    dataset : Dataset
    settings : Settings
    budget : Budget
    previous : Run or None
        A finished run on the same data to continue.
    """

    def __init__(self, dataset: Dataset, settings: Settings, budget, previous=None):
        self.given = dataset
        self.settings = settings
        self.budget = budget
        self.seconds = Counter()
        self.n_workers = max(1, settings.n_workers)
        if dataset.task.n_outputs > 1:
            check_scores_outputs(settings.scoring, dataset.X, dataset.y)
        continues = previous is not None and previous.matches(dataset)
        if previous is not None and not continues:
            warnings.warn(
                "warm_start: the data are not those of the previous fit; the search "
                "begins anew.",
                SklearnMetaWarning,
                stacklevel=5,
            )
        space = settings.search_space or SearchSpace()
        catalog = space.catalog(dataset.task.name)
        strategy = settings.search
        if isinstance(strategy, str):
            strategy = STRATEGIES[strategy]()
        self.look_ahead = 1 if strategy is None else strategy.look_ahead
        # A run without a search has no folds and no scores to go on with.
        searched = previous is not None and previous.search is not None
        if continues and searched and strategy is not None:
            self.context, self.problem = previous.context, previous.problem
            self.forecast = replace(previous.forecast, budget_seconds=budget.seconds)
            self.history, self.search = previous.history, previous.search
            self.first_trees = previous.first_trees
            self.repeatable = previous.repeatable or self._is_counted
            return
        rows = canonical_rows(dataset)
        # What is recalled depends neither on the order of rows nor on whether they are
        # weighted or repeated.
        spelled_out = dataset if rows is None else take_rows(dataset, rows)
        self.forecast = Forecast(
            spelled_out,
            catalog,
            budget.seconds,
            foreign_operators(catalog),
        )
        self.context = EvaluationContext(
            dataset=dataset,
            stages=(),
            scoring=settings.scoring,
            catalog=catalog,
            seed=settings.seed,
        )
        with self._timed("recall"):
            prior = self._recall(spelled_out)
        with self._timed("split"):
            dataset, stages = self._split(prior, spelled_out, rows)
            self.context = replace(self.context, dataset=dataset, stages=stages)
        self.first_trees = tuple(proposal.tree for proposal in prior.portfolio)
        # A search that ends well before the budget does.
        is_short = strategy is not None and (
            self._search_seconds <= REPEATABLE_SHARE * budget.seconds
        )
        self.repeatable = self._is_counted or is_short
        # Refits that take a noticeable part of the budget may not all fit into it.
        self.history = History(keep_models_from=min(0.02 * budget.seconds, 1e6))
        schema = dataset.schema
        self.problem = SearchProblem(
            catalog=catalog,
            max_size=space.max_size,
            prior=prior,
            n_samples=dataset.n_samples,
            n_features=dataset.n_features,
            n_classes=dataset.task.n_classes,
            n_outputs=dataset.task.n_outputs,
            has_categories=schema.n_categorical > 0,
            has_missing=bool(schema.missing),
            is_sparse=schema.sparse,
            seed=settings.seed,
            left_out=self._not_worth_loading(),
            follows_clock=not self.repeatable,
        )
        self.search = None if strategy is None else strategy.start(self.problem)

    @property
    def _is_counted(self):
        return self.settings.max_evaluations is not None

    @cached_property
    def _effort(self):
        return self.forecast.effort()

    @cached_property
    def _search_seconds(self):
        return self.forecast.search_seconds(
            self.first_trees, self.context.stages, self._limits()
        )

    def _recall(self, dataset):
        """Recall what is known of tables like the rows that candidates are fitted on.

        The seconds that pipelines are expected to take are those on all rows.
        """
        settings, forecast = self.settings, self.forecast
        searched = dataset
        if settings.search is not None and has_holdout(
            dataset, settings.cv, self._effort
        ):
            searched = _some_rows(dataset, self._effort.max_train, settings.seed)
        meta_learner = settings.meta_learner or KNNMetaLearner()
        # A copy, also of what is no estimator: it is fitted.
        meta_learner = clone(meta_learner, safe=False)
        prior = meta_learner.fit(settings.knowledge_base).recall(
            searched,
            catalog=self._operators_in_time(),
            time_budget=self.budget.seconds,
            scoring=settings.scoring.name,
        )
        if searched is dataset:
            return prior
        portfolio = (
            forecast.on_all_rows(proposal, searched.n_samples)
            for proposal in prior.portfolio
        )
        return replace(prior, portfolio=tuple(portfolio))

    def _operators_in_time(self):
        """Return the operators that may be recalled.

        A search of few seconds is made in this process, where nothing ends an import.
        """
        catalog = self.forecast.catalog
        if self.budget.seconds >= IN_PROCESS_SECONDS:
            return catalog
        heavy = {o.name for o in self._heavy_unasked()}
        return Catalog((o for o in catalog if o.name not in heavy), catalog.task)

    def _not_worth_loading(self):
        """Return the names of the operators whose packages nothing recalled needs.

        Torch takes 300 MB in each worker, and seconds to load: for a network that
        mutation happens upon where none is recalled, that is too much.
        """
        needed = set(self.forecast.packages(self.first_trees))
        return frozenset(
            o.name for o in self._heavy_unasked() if not needed.issuperset(o.requires)
        )

    def _heavy_unasked(self):
        """Return the operators with heavy packages that the user has not named.

        What the user has named is worth its packages.
        """
        space = self.settings.search_space
        if space is not None and space.include is not None:
            return []
        return [
            operator
            for operator in self.forecast.catalog
            if operator.requires and operator.name not in self.forecast.foreign
        ]

    def _split(self, prior, spelled_out, rows):
        """Return the dataset, its rows in canonical order, and the stages."""
        settings, dataset = self.settings, self.context.dataset
        if rows is not None and not refers_to_rows(settings.cv):
            dataset, rows = spelled_out, None
        if settings.search is None:
            return dataset, ()
        # Twice where the portfolio leaves the time for it.
        seconds = N_FOLDS_TWICE * sum(
            self.forecast.fit_seconds(p.tree) for p in prior.portfolio
        )
        effort = self._effort
        if seconds >= REPEAT_SHARE * self.budget.seconds:
            effort = replace(effort, max_repeats=1)
        folds = make_folds(
            dataset, settings.cv, settings.seed, effort, settings.split_params
        )
        if rows is not None:
            dataset, folds = spelled_out, follow_rows(folds, rows)
        return dataset, make_stages(dataset, folds, settings.seed)

    def matches(self, dataset) -> bool:
        """Whether `dataset` is the one of this run."""
        mine = self.given
        return (
            mine.X.shape == dataset.X.shape
            and np.array_equal(mine.y, dataset.y)
            and mine.schema == dataset.schema
        )

    def execute(self, observe: Callable) -> Outcome:
        """Search and build the final model.

        Parameters
        ----------
        observe : callable
            ``observe(evaluation, history)`` is called after each; returns True to stop.

        Returns
        -------
        outcome : Outcome
        """
        # What this process computes between candidates is small.
        with one_thread():
            if self.search is None:
                return self._execute_zero_shot(observe)
            return self._execute_search(observe)

    def _execute_search(self, observe):
        """Search, and combine what was found."""
        pool = None
        try:
            with self._timed("start workers"):
                pool = self._start_pool()
            with self._timed("search"):
                engine = self._engine(pool, observe)
                reason, interrupted = self._search(engine)
            with self._timed("combine"):
                try:
                    final = self._combine(engine.pool, interrupted)
                except KeyboardInterrupt:
                    # Again, with what little time is left and without the workers,
                    # which may still be busy with the first try.
                    reason, interrupted = "interrupted", True
                    final = self._combine(None, interrupted)
        finally:
            if pool is not None:
                pool.close()
        if final is None:
            final = self._without_candidate(interrupted)
        if interrupted:
            warnings.warn(
                f"Interrupted after {len(self.history)} evaluations: the model is made "
                "of what had been found by then.",
                SearchInterruptedWarning,
                stacklevel=6,
            )
        return self._outcome(final, reason)

    def _execute_zero_shot(self, observe):
        """Fit what is recommended, without a search."""
        pool = None
        try:
            with self._timed("start workers"):
                pool = self._start_pool()
            with self._timed("combine"):
                final, reason = fit_recommended(
                    self._recommended(),
                    self.context,
                    self.history,
                    n_members=self._n_together(),
                    pool=pool,
                    budget=self.budget,
                    observe=observe,
                )
        finally:
            if pool is not None:
                pool.close()
        if final is None:
            final = self._without_candidate(interrupted=False)
        return self._outcome(final, reason)

    def _recommended(self):
        dataset = self.context.dataset
        return recommended(
            self.problem.prior,
            catalog=self.context.catalog,
            n_outputs=dataset.task.n_outputs,
            predict_seconds=self.forecast.fit_seconds,
        )

    def _n_together(self):
        return min(
            self.settings.ensemble_size,
            self.settings.max_evaluations or MAX_TOGETHER,
            MAX_TOGETHER,
        )

    def _combine(self, pool, interrupted):
        budget = self.budget
        if interrupted:
            seconds = budget.elapsed() + SECONDS_AFTER_INTERRUPT
            budget = replace(budget, seconds=min(budget.seconds, seconds))
        return build_final_model(
            self.history,
            self.context,
            ensemble_size=self.settings.ensemble_size,
            pool=pool,
            budget=budget,
            is_usable=lambda evaluation: self._is_loaded_in_time(evaluation, budget),
        )

    def _is_loaded_in_time(self, evaluation, budget):
        return budget.remaining() > IMPORT_SECONDS or not self._not_loaded(evaluation)

    def _not_loaded(self, evaluation):
        return not_loaded(self.forecast.packages([evaluation.candidate.tree]))

    def _loading(self, observe):
        """Import what the models of a finished candidate need, as soon as it finishes.

        Models come from the workers as pickles. Those of torch take seconds to load
        for the first time: the workers are busy meanwhile, but at the end of the fit
        these seconds would be beyond the budget.
        """

        def observed(evaluation, history):
            if evaluation.status is Status.OK and self._is_loaded_in_time(
                evaluation, self.budget
            ):
                load(self._not_loaded(evaluation))
            return observe(evaluation, history)

        return observed

    def _engine(self, pool, observe):
        return Engine(
            self.search,
            look_ahead=self.look_ahead,
            context=self.context,
            predict_seconds=self.forecast.fit_seconds,
            is_safe=self.forecast.is_safe,
            is_worthwhile=self.forecast.is_worthwhile,
            pool=pool,
            budget=self.budget,
            reserve=lambda history: reserve_seconds(
                history, self.context, self.budget, self.n_workers
            ),
            limits=replace(self._limits(), repeatable=self.repeatable),
            history=self.history,
            observe=self._loading(observe),
        )

    def _search(self, engine):
        """Run the engine; Ctrl-C ends the search, not the fit."""
        try:
            return engine.run(), False
        except KeyboardInterrupt:
            engine.abandon_running()
            return "interrupted", True

    def _limits(self):
        dataset = self.context.dataset
        n = self.settings.max_evaluations
        return Limits(
            max_evaluations=n,
            patience=patience(dataset.n_samples, dataset.n_features),
            perfect_score=perfect_score(self.settings.scoring, dataset.y),
        )

    # Workers

    def _start_pool(self):
        """Start worker processes where the search is long enough to be worth it."""
        most = IN_PROCESS_SECONDS_OF_ONE if self.n_workers == 1 else IN_PROCESS_SECONDS
        if self._predicted_seconds() < most or not can_start_processes():
            return None
        limit = self.settings.memory_limit
        pool = WorkerPool(
            self.n_workers,
            setup=(
                "sklearn_meta.parallel._worker_process:unchanged",
                (self.context,),
            ),
            # What the first candidates need is imported once, before workers are
            # forked; what only a later one needs, by its worker.
            preload=(*PRELOAD, *self.forecast.packages(self.first_trees)),
            memory_limit=default_memory_limit(self.n_workers)
            if limit is None
            else int(limit * 2**20),
            clock=self.budget.clock,
        )
        pool.start()
        return pool

    def _predicted_seconds(self):
        if self.search is not None:
            return self._search_seconds
        if self.forecast.foreign:
            return np.inf
        first = self._recommended()
        chosen = first.chosen(self._n_together(), self.budget.remaining())
        return sum(first.seconds[i] for i in chosen)

    # Results

    def _without_candidate(self, interrupted):
        """Raise, or fall back on the constant predictor where time was the reason."""
        if interrupted:
            raise KeyboardInterrupt
        check_candidates(self.history)
        warnings.warn(
            f"No candidate was finished within the time budget of "
            f"{self.budget.seconds:g} s: the model predicts a constant. Raise "
            "time_budget.",
            SklearnMetaWarning,
            stacklevel=7,
        )
        return constant_model(self.context.dataset, len(self.history))

    def _outcome(self, final, reason):
        return Outcome(
            history=tuple(without_arrays(e) for e in self.history),
            best=final.best.evaluation,
            final=final,
            ensemble=ensemble_of(final, self.context.dataset),
            n_splits=self.context.n_splits,
            stop_reason=reason,
            time_report=self._time_report(final),
            context=self.context,
        )

    def _time_report(self, final):
        """Seconds by stage, and the workers' inside candidates and final fits."""
        finished, cut_short = seconds_in_candidates(self.history)
        return {
            **self.seconds,
            "fit": self.budget.elapsed(),
            "candidates": finished,
            "candidates cut short": cut_short,
            "refit": final.refit_seconds,
            "n_workers": self.n_workers,
        }

    @contextmanager
    def _timed(self, name):
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - began


def _some_rows(dataset, n_rows, seed):
    """Return the dataset of some random rows, all of the columns as they were."""
    rows = subsample(
        dataset, np.arange(dataset.n_samples), n_rows, np.random.default_rng(seed)
    )
    if len(rows) == dataset.n_samples:
        return dataset
    some = take_rows(dataset, rows)
    return replace(some, schema=dataset.schema, groups=None)
