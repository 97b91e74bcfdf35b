"""One run of the five verbs: describe, recall, search, evaluate, combine."""

from __future__ import annotations

import time
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from sklearn.base import clone
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.pipeline import Pipeline

from sklearn_meta._dataset import Dataset, canonical_rows, take_rows
from sklearn_meta._effort import patience, worthwhile_seconds
from sklearn_meta._final import (
    FinalModel,
    Member,
    build_final_model,
    reserve_seconds,
)
from sklearn_meta._scoring import Scoring, check_scores_outputs, perfect_score
from sklearn_meta._task import MultilabelTask
from sklearn_meta._threads import one_thread
from sklearn_meta._zero_shot import MAX_TOGETHER, fit_recommended, recommended
from sklearn_meta.ensemble import (
    Combination,
    WeightedEnsembleClassifier,
    WeightedEnsembleRegressor,
)
from sklearn_meta.ensemble._estimators import _WeightedEnsembleMultilabel
from sklearn_meta.evaluation._compact import without_arrays
from sklearn_meta.evaluation._engine import Engine, Limits
from sklearn_meta.evaluation._evaluate import (
    EvaluationContext,
    candidate_seed,
    schema_of_rows_to_come,
)
from sklearn_meta.evaluation._history import History
from sklearn_meta.evaluation._memory import default_memory_limit
from sklearn_meta.evaluation._records import Candidate, Evaluation, Status
from sklearn_meta.evaluation._stages import (
    follow_rows,
    make_folds,
    make_stages,
    refers_to_rows,
)
from sklearn_meta.evaluation._workers import (
    PRELOAD,
    WorkerPool,
    can_start_processes,
)
from sklearn_meta.exceptions import (
    NoCandidateError,
    SearchInterruptedWarning,
    SklearnMetaWarning,
)
from sklearn_meta.metalearning._knn import KNNMetaLearner
from sklearn_meta.pipelines._catalogue import default_catalogue
from sklearn_meta.pipelines._cost import predicted_seconds_on
from sklearn_meta.pipelines._space import SearchSpace
from sklearn_meta.pipelines._tree import X
from sklearn_meta.search._evolution import EvolutionarySearch
from sklearn_meta.search._initial import INITIAL
from sklearn_meta.search._protocol import SearchProblem
from sklearn_meta.search._random import RandomSearch

# What the names of the parameter `search` stand for.
STRATEGIES = {"evolution": EvolutionarySearch, "random": RandomSearch}

# Folds are repeated if all of the portfolio on all of them is predicted to take at most
# this share of the budget on one worker.
N_FOLDS_TWICE, REPEAT_SHARE = 10, 0.75

# Starting workers costs some seconds of imports; a search predicted to be shorter than
# this runs in this process.
IN_PROCESS_SECONDS = 4.0

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


@dataclass(frozen=True)
class Outcome:
    """What a run gives.

    Parameters
    ----------
    history : tuple of Evaluation
        Without predictions, models and trees.
    best : Evaluation
        The best single candidate.
    final : FinalModel
    ensemble : WeightedEnsembleClassifier or -Regressor, or the one of several labels
    n_splits : int
    stop_reason : str
    time_report : dict of str to float
    context : EvaluationContext
    """

    history: tuple[Evaluation, ...]
    best: Evaluation
    final: FinalModel
    ensemble: object
    n_splits: int
    stop_reason: str
    time_report: dict
    context: EvaluationContext

    @property
    def best_score(self):
        """Mean cross-validated score of the best single candidate; NaN without any."""
        is_zero_shot = self.best.status is Status.OK and not self.best.folds
        return float("nan") if is_zero_shot else self.best.score

    def source_arguments(self, encoding):
        """Return what `to_source` needs for the best single pipeline.

        All but the catalogue, which is large and in no fitted model. None if no
        candidate was finished: the constant predictor is no pipeline of the search.
        """
        if self.best.status is not Status.OK and not self.best.folds:
            return None
        candidate, task = self.best.candidate, self.context.dataset.task
        return {
            "tree": candidate.tree,
            "schema": schema_of_rows_to_come(encoding.schema),
            "task": task.name,
            "n_classes": task.n_classes,
            "n_outputs": task.n_outputs,
            "random_state": candidate_seed(self.context.seed, candidate.text),
            "iterations": self.final.best.iterations,
            "encoder": encoding.encoder,
        }

    def best_estimator(self, encoder):
        """Return the best single pipeline, from raw table to prediction."""
        steps = [] if encoder is None else [("encode", encoder)]
        models = self.final.best.models
        # scikit-learn has no vote of models of several outputs: then it is the first.
        if len(models) == 1 or self.context.dataset.task.n_outputs > 1:
            return Pipeline([*steps, *models[0].steps])
        return Pipeline([*steps, ("vote", self.ensemble.vote_of(models))])


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
        catalogue = space.catalogue(dataset.task.name)
        strategy = settings.search
        if isinstance(strategy, str):
            strategy = STRATEGIES[strategy]()
        self.look_ahead = 1 if strategy is None else strategy.look_ahead
        # A run without a search has no folds and no scores to go on with.
        searched = previous is not None and previous.search is not None
        if continues and searched and strategy is not None:
            self.context, self.problem = previous.context, previous.problem
            self.unsafe = previous.unsafe
            self.history, self.search = previous.history, previous.search
            return
        with self._timed("recall"):
            meta_learner = settings.meta_learner or KNNMetaLearner()
            # A copy, also of what is no estimator: it is fitted.
            meta_learner = clone(meta_learner, safe=False)
            prior = meta_learner.fit(settings.knowledge_base).recall(
                dataset,
                catalogue=catalogue,
                time_budget=budget.seconds,
                scoring=settings.scoring.name,
            )
        self.unsafe = foreign_operators(catalogue, dataset.task.name)
        self.context = EvaluationContext(
            dataset=dataset,
            stages=(),
            scoring=settings.scoring,
            catalogue=catalogue,
            seed=settings.seed,
        )
        with self._timed("split"):
            dataset, stages = self._split(prior)
            self.context = replace(self.context, dataset=dataset, stages=stages)
        # Refits that take a noticeable part of the budget may not all fit into it.
        self.history = History(keep_models_from=min(0.02 * budget.seconds, 1e6))
        schema = dataset.schema
        self.problem = SearchProblem(
            task=dataset.task.name,
            space=space,
            prior=prior,
            n_samples=dataset.n_samples,
            n_features=dataset.n_features,
            n_classes=dataset.task.n_classes,
            n_outputs=dataset.task.n_outputs,
            has_categories=schema.n_categorical > 0,
            has_missing=bool(schema.missing),
            is_sparse=schema.sparse,
            seed=settings.seed,
            follows_clock=settings.max_evaluations is None,
        )
        self.search = None if strategy is None else strategy.start(self.problem)

    def _split(self, prior):
        """Return the dataset, its rows in canonical order, and the stages."""
        settings, dataset = self.settings, self.context.dataset
        rows = canonical_rows(dataset)
        if rows is not None and not refers_to_rows(settings.cv):
            dataset, rows = take_rows(dataset, rows), None
        if settings.search is None:
            return dataset, ()
        # Twice where the portfolio leaves the time for it.
        seconds = N_FOLDS_TWICE * sum(
            self._predict_seconds(p.tree, dataset.n_samples) for p in prior.portfolio
        )
        n_repeats = 2 if seconds < REPEAT_SHARE * self.budget.seconds else 1
        folds = make_folds(
            dataset, settings.cv, settings.seed, n_repeats, settings.split_params
        )
        if rows is not None:
            dataset, folds = take_rows(dataset, rows), follow_rows(folds, rows)
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
            catalogue=self.context.catalogue,
            task=dataset.task.name,
            n_outputs=dataset.task.n_outputs,
            predict_seconds=lambda tree: self._predict_seconds(tree, dataset.n_samples),
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
        )

    def _engine(self, pool, observe):
        return Engine(
            self.search,
            look_ahead=self.look_ahead,
            context=self.context,
            predict_seconds=self._predict_seconds,
            is_safe=self._is_safe,
            is_worthwhile=self._is_worthwhile,
            pool=pool,
            budget=self.budget,
            reserve=lambda history: reserve_seconds(
                history, self.context, self.budget, self.n_workers
            ),
            limits=self._limits(),
            history=self.history,
            observe=observe,
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
        if (
            self._predicted_search_seconds() < IN_PROCESS_SECONDS
            or not can_start_processes()
        ):
            return None
        limit = self.settings.memory_limit
        pool = WorkerPool(
            self.n_workers,
            setup=(
                "sklearn_meta.evaluation._worker_process:unchanged",
                (self.context,),
            ),
            preload=(*PRELOAD, *self._packages_of_portfolio()),
            memory_limit=default_memory_limit(self.n_workers)
            if limit is None
            else int(limit * 2**20),
            clock=self.budget.clock,
        )
        pool.start()
        return pool

    def _packages_of_portfolio(self):
        """Return the heavy packages that the first candidates need.

        Imported once, before workers are forked. What only a later candidate needs is
        imported by its worker: most searches do without.
        """
        find, task = self.context.catalogue.find, self.context.dataset.task.name
        operators = (
            find(node.operator, task)
            for proposal in self.problem.prior.portfolio
            for _, node in proposal.tree.walk()
        )
        return sorted({p for o in operators if o is not None for p in o.requires})

    def _predicted_search_seconds(self):
        portfolio = self.problem.prior.portfolio
        if self.unsafe or (self.search is not None and not portfolio):
            return np.inf
        if self.search is None:
            first = self._recommended()
            chosen = first.chosen(self._n_together(), self.budget.remaining())
            return sum(first.seconds[i] for i in chosen)
        limits = self._limits()
        n = min(limits.max_evaluations or np.inf, 2 * limits.patience)
        n_rows = len(self.context.stages[0].train)
        # The portfolio comes first; what comes after it is like what is in it.
        seconds = [self._predict_seconds(p.tree, n_rows) for p in portfolio]
        if limits.max_evaluations is None:
            most = self._worthwhile_seconds() / len(self.context.stages)
            seconds = [s for s in seconds if s <= most] or [min(seconds)]
        first = seconds[: int(min(n, len(seconds)))]
        total = sum(first) + (n - len(first)) * np.mean(seconds)
        return min(total * len(self.context.stages), self.budget.seconds)

    def _predict_seconds(self, tree, n_rows):
        return predicted_seconds_on(
            self.context.dataset,
            tree,
            catalogue=self.context.catalogue,
            n_samples=n_rows,
        )

    def _is_safe(self, tree):
        """Whether a tree holds built-in operators only, which never hang or crash."""
        return not any(node.operator in self.unsafe for _, node in tree.walk())

    def _is_worthwhile(self, candidate, seconds):
        """Whether a candidate is worth its seconds; the user's own ones are."""
        return candidate.origin == INITIAL or seconds <= self._worthwhile_seconds()

    def _worthwhile_seconds(self):
        return worthwhile_seconds(self.context.dataset.n_samples, self.budget.seconds)

    # Results

    def _without_candidate(self, interrupted):
        """Raise, or fall back on the constant predictor where time was the reason."""
        if interrupted:
            raise KeyboardInterrupt
        failures = (Status.FAILED, Status.MEMORY, Status.CRASHED)
        causes = Counter(
            (e.status, e.reason) for e in self.history if e.status in failures
        )
        if causes.total() >= max(1, len(self.history) / 2):
            text = ", ".join(
                f"{count} × {reason or status}"
                for (status, reason), count in causes.most_common(5)
            )
            raise NoCandidateError(
                f"None of the {len(self.history)} candidates could be fitted: {text}."
            )
        warnings.warn(
            f"No candidate was finished within the time budget of "
            f"{self.budget.seconds:g} s: the model predicts a constant. Raise "
            "time_budget.",
            SklearnMetaWarning,
            stacklevel=7,
        )
        dataset = self.context.dataset
        classifies = dataset.task.name == "classification"
        dummy = DummyClassifier() if classifies else DummyRegressor()
        model = Pipeline([("dummy", dummy)]).fit(
            np.zeros((dataset.n_samples, 1)), dataset.task.decode(dataset.y)
        )
        candidate = Candidate(X, "dummy", "fallback")
        evaluation = Evaluation(len(self.history), candidate, Status.TIMEOUT)
        member = Member(evaluation, (model,))
        return FinalModel((member,), Combination.single(0), member)

    def _outcome(self, final, reason):
        dataset = self.context.dataset
        members = [
            m.models[0] if len(m.models) == 1 else m.models for m in final.members
        ]
        task = dataset.task
        if isinstance(task, MultilabelTask):
            ensemble = _WeightedEnsembleMultilabel(
                members, final.combination, task.n_outputs, task.dtype
            )
        elif task.name == "classification":
            ensemble = WeightedEnsembleClassifier(
                members, final.combination, task.classes
            )
        else:
            ensemble = WeightedEnsembleRegressor(
                members, final.combination, task.limits(dataset.y)
            )
        n_screening = sum(stage.screening for stage in self.context.stages)
        return Outcome(
            history=tuple(without_arrays(e) for e in self.history),
            best=final.best.evaluation,
            final=final,
            ensemble=ensemble,
            n_splits=len(self.context.stages) - n_screening,
            stop_reason=reason,
            time_report=self._time_report(final),
            context=self.context,
        )

    def _time_report(self, final):
        """Seconds by stage, and the workers' seconds inside candidates.

        The latter are of all workers together: of finished fits and predictions, of
        what was cut short (killed at a deadline, crashed, or raised), and of the fits
        of the final model.
        """
        finished = cut_short = 0.0
        for evaluation in self.history:
            results = (*evaluation.folds, *evaluation.screening)
            inside = sum(r.fit_seconds + r.predict_seconds for r in results)
            finished += inside
            if evaluation.status not in (Status.OK, Status.PRUNED, Status.SKIPPED):
                cut_short += max(0.0, evaluation.seconds - inside)
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


def foreign_operators(catalogue, task) -> frozenset[str]:
    """Return the names of the operators that are not built in."""
    builtin = {o.name: o for o in default_catalogue().select(task)}
    return frozenset(
        o.name
        for o in catalogue
        if o.name not in builtin
        or (o.path, o.build) != (builtin[o.name].path, builtin[o.name].build)
    )
