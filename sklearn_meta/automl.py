"""The public estimators: `MetaAutoClassifier` and `MetaAutoRegressor`.

``fit`` is five calls: `describe_table` (`data`), `recall` (`metalearning`), `make_plan`
and `run_search` (`evaluation`), `combine_search` (`ensemble`). What differs between
classification and regression is in `sklearn_meta.data._task`.
"""

from __future__ import annotations

import copy
import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Integral, Real

import numpy as np
from scipy.special import logit
from sklearn import config_context, get_config
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import check_scoring
from sklearn.utils import check_random_state
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sklearn_meta._cleanup import ThreadSettings, call_then
from sklearn_meta._sklearn_compat import (
    CallbackSupportMixin,
    HasMethods,
    Interval,
    StrOptions,
    _fit_context,
    _raise_for_params,
    response_methods,
    takes_sample_weight,
    with_callbacks,
)
from sklearn_meta._threads import one_thread, restores_threads
from sklearn_meta._warnings import restores_filters, warn
from sklearn_meta.data._column_report import column_rows
from sklearn_meta.data._describe import describe_table, like_target
from sklearn_meta.data._target import (
    classification_task,
    regression_task,
    with_numpy_type,
)
from sklearn_meta.data._task import decision_values
from sklearn_meta.ensemble._conformal import (
    conformal,
    prediction_intervals,
    prediction_sets,
    usable,
)
from sklearn_meta.ensemble._cross_fitted import (
    in_rows_of_fit,
    pickled_state,
    predictions_of,
    unpickled_state,
)
from sklearn_meta.ensemble._export import (
    best_estimator,
    ensemble_of,
    source_arguments,
)
from sklearn_meta.ensemble._final_model import combine_search
from sklearn_meta.ensemble._source import source_of
from sklearn_meta.ensemble._usage_limits import usage_limits
from sklearn_meta.ensemble._zero_shot import fit_recommended, zero_shot_seconds
from sklearn_meta.evaluation._budget import Budget
from sklearn_meta.evaluation._checkpoint import (
    MAY_CHANGE,
    open_checkpoint,
    with_time_to_combine,
)
from sklearn_meta.evaluation._cross_validation import refers_to_rows
from sklearn_meta.evaluation._fingerprint import (
    Fingerprint,
    differences,
    fingerprint,
)
from sklearn_meta.evaluation._history import History, new_history
from sklearn_meta.evaluation._history_storage import (
    compress_history,
    expand_history,
    without_arrays,
)
from sklearn_meta.evaluation._objective import judges_labels, objective_of
from sklearn_meta.evaluation._replay import MemoryRecord, NoRecord, Record
from sklearn_meta.evaluation._routing import route, routes_metadata
from sklearn_meta.evaluation._run_search import run_search
from sklearn_meta.evaluation._scorer_trial import check_pickles, try_scorer
from sklearn_meta.evaluation._scoring import ScorerScoring, make_scoring
from sklearn_meta.evaluation._search_plan import (
    Plan,
    SearchSettings,
    make_plan,
    trial_context,
)
from sklearn_meta.inspection._fit_record import is_in_order, record_fit
from sklearn_meta.inspection._progress import make_progress, shown
from sklearn_meta.inspection._recall import neighbors_table, recall_table
from sklearn_meta.inspection._representation import representation
from sklearn_meta.inspection._tables import (
    as_table,
    cv_results,
    leaderboard,
    time_report,
)
from sklearn_meta.inspection.report._report import make_report
from sklearn_meta.metalearning import KnowledgeBase, Prior
from sklearn_meta.metalearning._recall import recall
from sklearn_meta.metalearning._run_records import (
    add_results,
    check_recordable,
    metafeatures_to_record,
)
from sklearn_meta.parallel._cluster import ClusterError
from sklearn_meta.parallel._start_pool import start_pool
from sklearn_meta.parallel._workers import Workers, runs_on_workers
from sklearn_meta.pipelines import SearchSpace
from sklearn_meta.search._protocol import make_problem
from sklearn_meta.search._strategies import STRATEGIES, as_strategy
from sklearn_meta.timing._forecast import make_forecast
from sklearn_meta.timing._stopwatch import Stopwatch

__all__ = ["MetaAutoClassifier", "MetaAutoRegressor"]

# scikit-learn's settings for pipelines, whatever the user has chosen for the code
# around: those of worker processes, where nobody has chosen anything.
INSIDE = {"enable_metadata_routing": False, "transform_output": "default"}


def _all_or_nothing(fit):
    """Decorate ``fit``: once it has begun, only its end makes the estimator fitted."""

    @functools.wraps(fit)
    def call(self, *args, **kwargs):
        before = vars(self).get("ensemble_")

        def undo():
            # With a wrong parameter it has not begun.
            if vars(self).get("ensemble_") is not before:
                vars(self).pop("ensemble_", None)

        return call_then(
            lambda: fit(self, *args, **kwargs),
            ThreadSettings.now().restore,
            undo=undo,
        )

    return call


class _BaseMetaAuto(CallbackSupportMixin, BaseEstimator):
    """Parameters, ``fit`` and fitted attributes common to both estimators."""

    _parameter_constraints: dict = {
        "time_budget": [Interval(Real, 0, None, closed="neither"), None],
        "max_evaluations": [Interval(Integral, 1, None, closed="left"), None],
        "scoring": [str, callable, None],
        "cv": ["cv_object"],
        "column_kinds": [Mapping, None],
        "search_space": [HasMethods(["catalog"]), None],
        "search": [StrOptions(set(STRATEGIES)), HasMethods(["start"]), None],
        "meta_learner": [HasMethods(["fit", "recall"]), None],
        "knowledge_base": [KnowledgeBase, str, os.PathLike, None],
        "ensemble_size": [Interval(Integral, 1, None, closed="left")],
        "max_predict_ms": [Interval(Real, 0, None, closed="neither"), None],
        "max_megabytes": [Interval(Real, 0, None, closed="neither"), None],
        "memory_limit": [Interval(Real, 0, None, closed="neither"), None],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "checkpoint": [str, os.PathLike, None],
    }

    def __init__(
        self,
        *,
        time_budget=60.0,
        max_evaluations=None,
        scoring=None,
        cv=None,
        column_kinds=None,
        search_space=None,
        search="evolution",
        meta_learner=None,
        knowledge_base=None,
        ensemble_size=25,
        max_predict_ms=None,
        max_megabytes=None,
        memory_limit=None,
        n_jobs=None,
        random_state=None,
        verbose=0,
        warm_start=False,
        checkpoint=None,
    ):
        self.time_budget = time_budget
        self.max_evaluations = max_evaluations
        self.scoring = scoring
        self.cv = cv
        self.column_kinds = column_kinds
        self.search_space = search_space
        self.search = search
        self.meta_learner = meta_learner
        self.knowledge_base = knowledge_base
        self.ensemble_size = ensemble_size
        self.max_predict_ms = max_predict_ms
        self.max_megabytes = max_megabytes
        self.memory_limit = memory_limit
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
        self.warm_start = warm_start
        self.checkpoint = checkpoint

    @_all_or_nothing
    @restores_filters
    @restores_threads
    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=False)
    @runs_on_workers
    def fit(self, X, y, *, sample_weight=None, groups=None, **params):
        """Search for pipelines, and fit the best single one or combination.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Numbers, categories, strings, booleans and dates, with missing values. Data
            frames of pandas, polars and other libraries need no conversion.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Target. Several columns are several targets of a regressor, and binary
            indicators of several labels of a classifier.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, passed to all candidates and scorers that support
            weights. Only their ratios count.
        groups : array-like of shape (n_samples,), default=None
            Group of each row, of any type and without missing values; rows of one
            group are never split between training and validation. Passed to the
            splitter if `cv` is one.
        **params : dict
            Further metadata, passed to the splitter in `cv` and the scorer in `scoring`
            if they request it. Only with metadata routing enabled.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        KeyboardInterrupt
            On Ctrl-C before a model can be made of what was found, or again while it is
            made; the estimator is not fitted then.
        NoCandidateError
            If every candidate failed; the message counts the causes.
        CheckpointError
            If the file of `checkpoint` cannot be used, or is of another table or of
            other settings; the message says what differs.
        """
        _raise_for_params(params, self, "fit")
        budget = Budget(np.inf if self.time_budget is None else self.time_budget)
        # A model of other data must not outlive a failure.
        vars(self).pop("ensemble_", None)
        # Without a search there is nothing to go on with.
        path = None if self.search is None else self.checkpoint
        with open_checkpoint(path) as checkpoint:
            return self._fit(X, y, sample_weight, groups, params, budget, checkpoint)

    def _fit(self, X, y, sample_weight, groups, params, budget, checkpoint):
        """Fit within a budget, and with an open checkpoint."""
        weight = {} if sample_weight is None else {"sample_weight": sample_weight}
        seen = {"estimator": self, "X": X, "y": y, "metadata": weight}
        callbacks = self._init_callback_context(max_subtasks=self.max_evaluations)
        callbacks.call_on_fit_task_begin(**seen)
        own = self._own_knowledge_base(budget)
        routed = route(
            self, "fit", self._scorer(), self.cv,
            sample_weight=sample_weight, groups=groups, **params,
        )  # fmt: skip
        watch = Stopwatch()
        table = describe_table(
            self,
            X,
            y,
            task_of=self._task_of,
            sample_weight=sample_weight,
            groups=groups,
            metadata=routed.score,
            keeps_rows=refers_to_rows(self.cv),
            column_kinds=self.column_kinds,
        )
        first_budget = checkpoint.first_budget(budget)
        settings = self._settings(table, routed, first_budget)
        seen_by_fit = record_fit(table, settings)
        begun_with = None
        if self.warm_start or checkpoint.file is not None:
            begun_with = self._fingerprint(table, settings)
        state = None
        if self.warm_start and checkpoint.file is None:
            state = self._previous_search(begun_with, settings, budget)
        if state is None:
            settings = checkpoint.as_begun(settings, begun_with)
            with watch("recall"):
                prior = recall(
                    table.canonical,
                    settings,
                    meta_learner=self.meta_learner,
                    knowledge_base=self.knowledge_base,
                )
            with watch("plan"):
                plan = make_plan(table, prior, settings, first_budget)
                plan = checkpoint.planned(plan, settings, budget, begun_with)
            record = checkpoint.file
            if record is None:
                record = MemoryRecord() if self.warm_start else NoRecord()
            state = self._begin_search(begun_with, prior, plan, record)
        # Without a search nothing is measured that others could learn from.
        learns = own is not None and settings.searches
        metafeatures = state.metafeatures() if learns else None
        progress = make_progress(budget, state.history) if self.verbose else None
        observe = _observer(callbacks, seen, progress)
        # What this process computes between candidates is small.
        with config_context(**INSIDE), one_thread(), shown(progress):
            final, usage = self._search_and_combine(table, state, observe, watch)
            with watch("intervals"):
                self._conformal = conformal(final, state.plan.context, budget)
        if progress is not None:
            progress.close(final.stop_reason)
        self._keep(table, state, final)
        self._fit_record = replace(
            seen_by_fit, is_in_order=is_in_order(state.plan.context)
        )
        self.time_report_ = time_report(watch.seconds, state.history, final, state.plan)
        self.predict_ms_, self.megabytes_ = usage.finish(
            self, final, state.plan.context
        )
        if metafeatures is not None:
            context = state.plan.context
            add_results(
                own,
                context.dataset,
                context.scoring,
                context.stages,
                state.history,
                metafeatures,
                remaining=budget.remaining,
            )
        # Nothing to add to what is fitted: callbacks may predict with this estimator.
        callbacks.call_on_fit_task_end(**seen, reconstruction_attributes={})
        return self

    def _search_and_combine(self, table, state, observe, watch):
        """Search, combine what was found, and fit the final model."""
        pools = []
        return call_then(
            lambda: self._search_in_pool(table, state, observe, watch, pools),
            lambda: [pool.close() for pool in pools],
        )

    def _search_in_pool(self, table, state, observe, watch, pools):
        """Search, combine and fit in a pool, which is added to a list at once."""
        plan, history = state.plan, state.history
        usage = self._usage_limits(table, state)
        with watch("start workers"):
            pool = self._start_pool(plan, state.prior, state.record)
            pools.append(pool)
        with pool:
            if state.search is None:
                with watch("combine"):
                    final = fit_recommended(
                        plan,
                        state.prior,
                        history,
                        pool,
                        ensemble_size=self.ensemble_size,
                        observe=observe,
                    )
                    return usage.without_search(final, plan.context), usage
            with watch("search"):
                found = run_search(
                    usage.plan_of_search(plan),
                    state.search,
                    history,
                    pool,
                    look_ahead=as_strategy(self.search).look_ahead,
                    observe=observe,
                    record=state.record,
                )
            plan = with_time_to_combine(plan, history, state.record)
            with watch("combine"):
                size = self.ensemble_size
                final = combine_search(
                    found, plan, pool, ensemble_size=size, usage=usage
                )
                return final, usage

    def _usage_limits(self, table, state):
        """Return the limits of use of the final model, and how it is measured."""

        def with_final(final):
            # What users get, with all that it encodes and holds.
            trial = copy.copy(self)
            trial._keep(table, state, final)
            if self.max_megabytes is not None:
                plan = state.plan
                trial._conformal = conformal(final, plan.context, plan.budget)
            return trial

        return usage_limits(self.max_predict_ms, self.max_megabytes, with_final, table)

    def _settings(self, table, routed, budget):
        """Resolve the parameters for a table."""
        dataset = table.dataset
        task = dataset.task
        scoring = make_scoring(self.scoring, task)
        if isinstance(scoring, ScorerScoring):
            scoring = replace(scoring, takes_sample_weight=routed.weighs)
            if dataset.sample_weight is not None and not takes_sample_weight(
                scoring.scorer
            ):
                warn(
                    f"scoring={self.scoring!r} takes no sample_weight: pipelines are "
                    "fitted with the weights, but compared without them. Pass a scorer "
                    "of make_scorer whose metric has a parameter sample_weight."
                )
        with config_context(**INSIDE), one_thread():
            trial = trial_context(table, scoring)
            score_seconds = try_scorer(trial)
            trial = replace(trial, judges_labels=judges_labels(trial))
        catalog = self._catalog(task.name, task.loss)
        workers = Workers.of_this_fit()
        return SearchSettings(
            scoring=scoring,
            cv=self.cv,
            catalog=catalog,
            forecast=make_forecast(
                table.canonical,
                catalog,
                budget.seconds,
                score_seconds,
                scoring.is_own_code,
            ),
            names_operators=self._space().include is not None,
            searches=self.search is not None,
            max_evaluations=self.max_evaluations,
            memory_limit=workers.memory_limit(self.memory_limit),
            n_workers=workers.n,
            seed=check_random_state(self.random_state).randint(2**31 - 1),
            split_params=routed.split,
            objective=objective_of(trial),
            judges_labels=trial.judges_labels,
        )

    def _space(self):
        return self.search_space or SearchSpace()

    def _catalog(self, task, loss):
        """Return the operators for a task, with learners of a loss if there is one."""
        space = self._space()
        return space.catalog(task) if loss is None else space.catalog(task, loss)

    def _begin_search(self, begun_with, prior, plan, record):
        """Start the search of a plan."""
        search = None
        if self.search is not None:
            problem = make_problem(plan, prior, self._space().max_size)
            search = as_strategy(self.search).start(problem)
        history = new_history(plan.budget, plan.context.dataset.task)
        return _SearchState(begun_with, prior, plan, search, history, record)

    def _fingerprint(self, table, settings):
        """Return the fingerprint of what defines the search and its evaluations."""
        dataset, seed = table.dataset, self.random_state
        split_params = dict(settings.split_params or {})
        # Among the parts already.
        split_params.pop("groups", None)
        return fingerprint(
            {
                "X": (dataset.X, table.encoding, table.row_encoder.names),
                "y": (dataset.y, dataset.task),
                "sample_weight": dataset.sample_weight,
                "groups": dataset.groups,
                "metadata": (dataset.metadata, split_params),
                "scoring": self.scoring
                if callable(self.scoring)
                else settings.scoring.name,
                "cv": self.cv,
                "search_space": self._space(),
                "search": as_strategy(self.search),
                "meta_learner": self.meta_learner,
                "knowledge_base": self.knowledge_base,
                # Other seeds differ from fit to fit.
                "random_state": seed if isinstance(seed, Integral) else None,
            }
        )

    def _previous_search(self, begun_with, settings, budget):
        """Return the search of the previous fit, to go on with; None for a new one."""
        previous = getattr(self, "_state", None)
        if previous is None:
            return None
        # A run without a search has no folds and no scores to go on with.
        if previous.search is None or not settings.searches:
            return None
        changed = differences(previous.begun_with, begun_with)
        if changed:
            warn(
                f"warm_start: not the same as in the previous fit: {', '.join(changed)}"
                ". The search begins anew, because the earlier scores cannot be "
                f"compared with new ones. {MAY_CHANGE}"
            )
            return None
        record = previous.record.after(previous.history)
        plan = previous.plan.continued(settings, budget, record)
        return self._begin_search(begun_with, previous.prior, plan, record)

    def _start_pool(self, plan, prior, record):
        """Start worker processes where the fit is long enough to be worth it."""
        seconds = (
            zero_shot_seconds(plan, prior, self.ensemble_size)
            if self.search is None
            else plan.search_seconds
        )
        if record.suspect:
            # A pipeline that is not to be fitted in this process again.
            seconds = np.inf
        try:
            return start_pool(
                plan.context,
                n_workers=plan.n_workers,
                seconds=seconds,
                packages=plan.forecast.packages(plan.first_trees),
                clock=plan.budget.clock,
                workers=Workers.of_this_fit(),
                end=plan.budget.deadline,
            )
        except ClusterError:
            raise
        except Exception:
            check_pickles(plan.context)
            raise

    def _own_knowledge_base(self, budget):
        """Return the path that is added to after the fit; None for none."""
        if self.knowledge_base is None or isinstance(
            self.knowledge_base, KnowledgeBase
        ):
            return None
        # Not after the search has been paid for.
        check_recordable(self.knowledge_base, budget.seconds)
        return self.knowledge_base

    def _scorer(self):
        """Return the scorer that `scoring` stands for; None for the default one."""
        if self.scoring is None:
            return None
        scorer = check_scoring(self, self.scoring)
        if isinstance(self.scoring, str) and takes_sample_weight(scorer):
            if get_config()["enable_metadata_routing"]:
                # Whoever gives a name cannot say that it is to be weighted.
                scorer.set_score_request(sample_weight=True)
        return scorer

    def get_metadata_routing(self):
        """Return the metadata routing of this estimator.

        ``fit`` consumes `sample_weight` and `groups` itself. These and all other
        metadata are passed to the scorer in `scoring` and the splitter in `cv` if they
        request them; see the `scikit-learn guide
        <https://scikit-learn.org/stable/metadata_routing.html>`_.

        Returns
        -------
        routing : MetadataRouter
            Requests of this estimator, of the scorer and of the splitter.
        """
        router = MetadataRouter(owner=self).add_self_request(self)
        scorer = self._scorer()
        if scorer is not None:
            mapping = MethodMapping().add(caller="fit", callee="score")
            mapping.add(caller="score", callee="score")
            router.add(scorer=scorer, method_mapping=mapping)
        if routes_metadata(self.cv):
            mapping = MethodMapping().add(caller="fit", callee="split")
            router.add(splitter=self.cv, method_mapping=mapping)
        return router

    def _keep(self, table, state, final):
        """Set the fitted attributes."""
        context, history = state.plan.context, state.history
        self._row_encoder = table.row_encoder
        task = table.dataset.task
        if hasattr(task, "classes"):
            self.classes_ = task.classes
        self.history_ = tuple(without_arrays(e) for e in history)
        self.best_score_ = final.best_score
        self.best_pipeline_ = final.best.evaluation.candidate.text
        self._source = source_arguments(final, context, table.encoding)
        ensemble = ensemble_of(final, context.dataset, context.extrapolation)
        self.best_estimator_ = best_estimator(
            final, ensemble, context.dataset, table.row_encoder.encoder
        )
        self.ensemble_ = ensemble
        self.ensemble_weights_ = final.weights
        self.honest_score_ = final.honest.score
        self.honest_interval_ = np.array([final.honest.low, final.honest.high])
        self.honest_note_ = final.honest.note
        record = final.out_of_fold
        self._out_of_fold = record and in_rows_of_fit(record, table)
        self._no_out_of_fold = final.no_out_of_fold
        self.n_evaluations_ = self.n_iter_ = len(history)
        self.n_splits_ = context.n_splits
        self.stop_reason_ = final.stop_reason
        self.recall_note_ = state.prior.note
        self._neighbors = state.prior.neighbors
        self._n_validation_rows = context.n_validation_rows
        metafeatures = state.prior.metafeatures
        self._metafeatures = {} if metafeatures is None else metafeatures.as_dict()
        if self.warm_start and isinstance(state.record, MemoryRecord):
            self._state = state

    @restores_filters
    @restores_threads
    def _predictions(self, method, X):
        check_is_fitted(self)
        with config_context(**INSIDE):
            encoded = self._row_encoder.encode(self, X)
            return getattr(self.ensemble_, method)(encoded)

    @restores_filters
    @restores_threads
    def _conformal_predictions(self, predict, X, coverage):
        check_is_fitted(self)
        known = usable(
            self._conformal, coverage, type(self).__name__, self._no_out_of_fold
        )
        with config_context(**INSIDE):
            encoded = self._row_encoder.encode(self, X)
            return predict(known, self.ensemble_, encoded, coverage)

    @property
    def oof_predictions_(self):
        """Out-of-fold predictions of the final model for the rows of ``fit``."""
        check_is_fitted(self)
        return predictions_of(self._out_of_fold, self._no_out_of_fold)

    @property
    def leaderboard_(self):
        """Every evaluation, best first; a DataFrame if pandas is installed."""
        check_is_fitted(self)
        return leaderboard(self.history_, self.n_splits_, self.ensemble_weights_)

    @property
    def cv_results_(self):
        """Scores and times of every evaluation, as in ``GridSearchCV``."""
        check_is_fitted(self)
        return cv_results(self.history_, self.n_splits_)

    @property
    def column_report_(self):
        """How each column was read; a DataFrame if pandas is installed."""
        check_is_fitted(self)
        names = self._row_encoder.names or range(self.n_features_in_)
        rows = column_rows(self._row_encoder.columns, names)
        return as_table(rows, index="column")

    @property
    def neighbors_(self):
        """Most similar known datasets; a DataFrame if pandas is installed."""
        check_is_fitted(self)
        return neighbors_table(self._neighbors)

    def explain_recall(self):
        """Return the best pipelines of similar datasets and their results here.

        Returns
        -------
        table : DataFrame or list of dict
            One row for each of the best pipelines of each neighbor, the nearest
            neighbor first: distance of the neighbor, its weight in the selection of the
            portfolio, the meta-features that contribute most to the similarity, and
            number, status, score and rank of the pipeline in this search. Empty if
            nothing was recalled; `recall_note_` gives the reason.
        """
        check_is_fitted(self)
        return recall_table(self._neighbors, self.history_)

    def to_source(self, ensemble=False):
        """Return the Python source of the best single pipeline, or of the whole model.

        Parameters
        ----------
        ensemble : bool, default=False
            Whether to write the final model, which ``predict`` uses, with the weights
            of its members and its decision between classes. By default, the best
            single pipeline is written, which is simpler.

        Returns
        -------
        source : str
            Module that defines ``pipeline``, a scikit-learn estimator that is not
            fitted. Without `ensemble`, it equals ``clone(best_estimator_)``. It needs
            scikit-learn and, if the pipelines use them, LightGBM, numpy, scipy, or this
            package for a ``bagged_mlp`` or ``maml`` step and to parse strings. Fitted
            on the rows of ``fit``, it predicts as this estimator does; the page of the
            user guide on deployment says what may differ.

        Raises
        ------
        NoCandidateError
            If no candidate was finished within the time budget and the model predicts a
            constant.
        """
        check_is_fitted(self)
        return source_of(self, self._catalog, ensemble=ensemble)

    def report(self, path=None, X_test=None, y_test=None):
        """Return a report of the fitted model as one page of HTML.

        What to expect on new rows, in words; what to watch out for; scores, confusion
        or errors of out-of-fold predictions; how the model was found, and what it
        consists of; speed and size, measured now; what is needed to repeat the fit; and
        the words that are used. The page opens without a network connection, has no
        scripts, and holds no cell of the table, no level of a column and no row; it
        names columns and classes. It is typically 300 kB, and without figures where
        matplotlib is not installed.

        Parameters
        ----------
        path : path-like, default=None
            File to write, such as ``"report.html"``. It is complete or not there.
        X_test : {array-like, sparse matrix, data frame} of shape \
                (n_samples, n_features), default=None
            Rows that were held back from ``fit``. With them, the time of a thousand
            predictions is measured, and with `y_test` the score, with an interval of
            the bootstrap over the rows, and the importance of the columns.
        y_test : array-like of shape (n_samples,) or (n_samples, n_outputs), \
                default=None
            Target of `X_test`.

        Returns
        -------
        report : Report
            Shows itself in a notebook; ``report.save(path)`` writes it, and
            ``print(report)`` is its first two sections as text.

        Raises
        ------
        ValueError
            If `y_test` is passed without `X_test`, or does not fit to it.
        """
        check_is_fitted(self)
        return make_report(self, path, X_test, y_test)

    def _html_repr(self):
        """Return what notebooks show; called by the mixin of scikit-learn."""
        return representation(self)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "ensemble_")

    def __getstate__(self):
        # What a warm start needs is large and of no use elsewhere.
        state = super().__getstate__()
        state = {k: v for k, v in state.items() if k != "_state"}
        if "history_" in state:
            state["history_"] = compress_history(state["history_"])
        return pickled_state(state)

    def __setstate__(self, state):
        if "history_" in state:
            state = {**state, "history_": expand_history(state["history_"])}
        super().__setstate__(unpickled_state(state))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        # What is measured decides which pipelines are combined.
        is_timed = self.max_evaluations is None or self.max_predict_ms is not None
        tags.non_deterministic = is_timed
        return tags


@dataclass(frozen=True)
class _SearchState:
    """A search and what it was begun with, for a warm start."""

    begun_with: Fingerprint | None
    prior: Prior
    plan: Plan
    search: object
    history: History
    record: Record

    def metafeatures(self):
        """Return the meta-features of the table, or None."""
        return metafeatures_to_record(self.plan.context.dataset, self.prior)


def _observer(callbacks, seen, progress):
    """Return what is called after each evaluation; it returns True to stop."""
    of_the_user = get_config()

    def observe(evaluation, history):
        if progress is not None:
            progress.update()
        with config_context(**of_the_user):
            evaluated = callbacks.subcontext(task_name="evaluation")
            evaluated.call_on_fit_task_begin(**seen)
            return evaluated.call_on_fit_task_end(**seen)

    return observe


def _has_one_column_of_labels(estimator):
    """Whether a fitted classifier predicts one class of each row."""
    return hasattr(estimator, "ensemble_") and not isinstance(estimator.classes_, list)


class _ScoreByScoring:
    """Mixin whose `score` uses `scoring`; stands left of scikit-learn's mixins."""

    def score(self, X, y, sample_weight=None, **params):
        """Return the score by `scoring`; accuracy or R² if that is None.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Table with the columns seen in ``fit``.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True target.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows; ignored if the scorer does not support weights, as in
            ``fit``.
        **params : dict
            Further metadata, passed to the scorer in `scoring` if it requests it. Only
            with metadata routing enabled.

        Returns
        -------
        score : float
            Greater is better.
        """
        _raise_for_params(params, self, "score")
        given, y = y, with_numpy_type(y)
        if self.scoring is None and not params:
            return super().score(X, y, sample_weight=sample_weight)
        scorer = self._scorer()
        routed = route(
            self, "score", scorer, self.cv, sample_weight=sample_weight, **params
        )
        weight = {"sample_weight": sample_weight} if routed.weighs else {}
        if response_methods(scorer) is None:
            # As in the search, see `GivenTable.take_target`.
            y = like_target(np.asarray(y), given)
        return scorer(self, X, y, **weight, **routed.score)


class MetaAutoClassifier(_ScoreByScoring, ClassifierMixin, _BaseMetaAuto):
    """Find, combine and fit classification pipelines within a time budget.

    A portfolio of pipelines recalled from similar datasets is evaluated first. A search
    by genetic programming then varies the best pipelines, and the evaluated ones are
    combined by greedy ensemble selection or by non-negative stacking. ``fit`` returns
    when `time_budget` is used up or further search is not expected to improve the
    score.

    Parameters
    ----------
    time_budget : float or None, default=60.0
        Wall-clock seconds of the whole ``fit``, the final model included. None for no
        limit: the search then ends by `max_evaluations` or when scores stop improving.
        A minute is enough for most tables below 20 000 rows.
    max_evaluations : int or None, default=None
        Maximum number of pipelines to evaluate. With a fixed `random_state` and enough
        time for all of them, the result is the same on every run and for every
        `n_jobs`.
    scoring : str, callable or None, default=None
        Metric to optimize: the name of a scikit-learn scorer or a callable
        ``scorer(estimator, X, y)``. None is ``"neg_log_loss"``, a proper scoring rule;
        for several labels, the mean over the labels of the log loss of each. A scorer
        must support the type of the target: for several labels ``"f1_micro"``,
        ``"f1_samples"``, ``"accuracy"`` (of all labels of a row) or ``"roc_auc"``. For
        a metric of labels, such as ``"f1"``, pipelines are compared by the log loss,
        and the decision is tuned, see `decision_threshold_`. With fewer than 100 rows,
        and less than 5 %, outside of the largest class they are compared by the log
        loss as well.
    cv : int, splitter, iterable or None, default=None
        Cross-validation of the pipelines, as in ``GridSearchCV``. None chooses by the
        number of rows: five stratified folds, repeated below 1 000 rows, three folds
        above 15 000, and one holdout part above 60 000, or from 2 500 rows on if
        `time_budget` is too short for folds; folds as well where fewer than 100 rows,
        and less than 5 %, are outside of the largest class. With a holdout part,
        pipelines are fitted on as many rows as allow for some dozens of fits within the
        budget; the final model is fitted on all rows, or on as many as there is time
        for.
    column_kinds : mapping or None, default=None
        Kinds of columns that are not to be inferred: maps names of columns, positions,
        or selectors such as those of ``make_column_selector`` to ``"number"``,
        ``"category"``, ``"text"``, ``"date"``, ``"duration"``, ``"set"`` (several
        options in a cell, as in "a; c") or ``"drop"``. `column_report_` shows how each
        column was read.
    search_space : SearchSpace or None, default=None
        Operators that pipelines are made of; None for all built-in ones.
    search : {"evolution", "bayesian", "portfolio", "grid", "random"}, strategy or \
            None, default="evolution"
        Search strategy; the names stand for those of `sklearn_meta.search` with their
        defaults: ``EvolutionarySearch()``, ``BayesianSearch()`` and so on. None is
        zero-shot: the best recommendation of the meta-learner is fitted without search
        and cross-validation. With an `ensemble_size` above 1, predictions of up to four
        recommended pipelines with different learners are averaged.
    meta_learner : meta-learner or None, default=None
        Selects the pipelines that are evaluated first; None is ``KNNMetaLearner()``.
        It is cloned, and fitted on `knowledge_base`.
    knowledge_base : path, KnowledgeBase or None, default=None
        Records of earlier datasets. None is the knowledge base that ships with the
        package. With the path of a file, pipelines are recalled from both, and every
        ``fit`` adds its results to the file: meta-features, pipelines, scores and
        seconds, never a row of data. A `KnowledgeBase` replaces the shipped one and is
        not changed.
    ensemble_size : int, default=25
        Rounds of greedy ensemble selection, hence the maximum number of members. With
        1, the model is the best single pipeline, its probabilities calibrated where
        that helps.
    max_predict_ms : float or None, default=None
        Maximum milliseconds of ``predict`` for one row, encoding included, on one
        thread of this machine while nothing else runs: the lower quartile of several
        calls after a first one. Of the combinations that keep it, the best one by the
        out-of-fold predictions becomes the final model; a warning says if none does.
        None for no limit.
    max_megabytes : float or None, default=None
        Maximum megabytes (10⁶ bytes) of the pickled estimator, kept likewise. None for
        no limit.
    memory_limit : float or None, default=None
        Maximum memory of one candidate in MiB; None shares 80 % of the free memory
        among the workers.
    n_jobs : int or None, default=None
        Number of worker processes, as in joblib; None is 1. Within
        ``joblib.parallel_config(backend="dask")`` or ``"ray"``, number of candidates
        that the cluster runs at one time; None is all that it can.
    random_state : int, RandomState instance or None, default=None
        Seed of splits, search and learners.
    verbose : int, default=0
        Whether to show the progress on standard error: a bar of the seconds with the
        best score and what is being tried. 0 is silent.
    warm_start : bool, default=False
        Whether ``fit`` continues the previous search, if the data and everything that
        defines the search are the same. Only `time_budget`, `max_evaluations`,
        `ensemble_size`, `max_predict_ms`, `max_megabytes`, `memory_limit`, `n_jobs` and
        `verbose` may change; else the search begins anew, with a warning that says what
        differs.
    checkpoint : path-like or None, default=None
        File that keeps every evaluation as soon as it is finished; for a folder, the
        file ``checkpoint.sqlite`` in it. If it holds evaluations of an earlier ``fit``
        of the same data with the same settings, interrupted or finished, the search
        goes on from them, and `time_budget` and `max_evaluations` are totals. Other
        data or settings are an error that names what differs; what may change is
        listed at `warm_start`. The file holds predictions and fitted models, no row of
        the table. The models are pickles: pass only files that you trust. Without
        effect if `search` is None.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,) or list of ndarray of shape (2,)
        Class labels; for several labels, 0 and 1 for each, as in
        ``MultiOutputClassifier``.
    decision_threshold_ : float or ndarray of shape (n_classes,) or (n_labels,)
        How ``predict`` decides, tuned on out-of-fold probabilities where `scoring`
        judges labels. With two classes, ``classes_[1]`` is predicted where its
        probability exceeds this threshold. With more classes, these offsets are added
        to the logarithms of the probabilities, and the class with the largest sum is
        predicted. For several labels, the threshold of each. 0.5 or zeros where the
        most probable class is as good.
    best_estimator_ : sklearn.pipeline.Pipeline
        Best single pipeline, fitted on all rows; works without this package unless it
        has a ``bagged_mlp`` or ``maml`` step, or parses strings of numbers or dates. It
        predicts the most probable class, and its probabilities are not calibrated.
    best_score_ : float
        Mean cross-validated score of the best single pipeline by `scoring`, of its most
        probable class for a metric of labels; greater is better. NaN without a search.
    honest_score_ : float
        Score by `scoring` that is expected of the final model on new rows, corrected
        for the choice among many pipelines and weights, from which `best_score_` looks
        too good: bootstrap bias-corrected cross-validation (Tsamardinos et al., 2018).
        Still of models of training folds, so that the final model is slightly better.
        NaN where there is no estimate, see `honest_note_`.
    honest_interval_ : ndarray of shape (2,)
        Interval that holds the score on very many new rows of the same kind with a
        confidence of about 95 %.
    honest_note_ : str
        Reason why `honest_score_` is NaN: splits in temporal order, no search, too few
        rows or too little time; usually empty.
    best_pipeline_ : str
        Text of the best single pipeline.
    ensemble_ : fitted ensemble
        Final model, which predicts from the encoded table.
    ensemble_weights_ : dict of int to float
        Share of each member in the final model, by the number of its evaluation.
    predict_ms_, megabytes_ : float
        What `max_predict_ms` and `max_megabytes` limit, as measured at the end of
        ``fit``; NaN without a limit.
    oof_predictions_ : ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
        Out-of-fold probabilities of the final model for the rows of ``fit``, for plots
        and metrics of all kinds. Each fold is predicted by members that were not fitted
        on it, with weights that were chosen on the other folds. NaN in rows that are in
        no validation part. The members were fitted on the training folds only, so that
        the final model is slightly better. Not defined without a search. Pickled if the
        record takes at most 4 MiB (100 000 rows of two classes); else, accessing it
        after unpickling is an error that says so.
    leaderboard_ : DataFrame or list of dict
        One row for each evaluation, best first: score, standard error, share in the
        final model, folds, seconds, origin, text, status and reason of a failure.
    cv_results_ : dict of arrays
        Scores and times of every evaluation, as in ``GridSearchCV``.
    history_ : tuple of Evaluation
        Every evaluation in the order of proposal.
    column_report_ : DataFrame or list of dict
        One row for each column of the table: kind, the reason for it, number of
        different values and of missing cells, and what the column is encoded as.
    neighbors_ : DataFrame or list of dict
        Datasets of the knowledge base that are most similar to this one.
    recall_note_ : str
        Reason why nothing was recalled, or related metric that was used; usually empty.
    time_report_ : dict of str to float
        Seconds of ``fit`` by stage.
    stop_reason_ : str
        Reason for which the search ended.
    n_evaluations_ : int
        Number of evaluations.
    n_iter_ : int
        Same as `n_evaluations_`, under the name that scikit-learn uses.
    n_splits_ : int
        Number of folds of the cross-validation; 0 without a search.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns seen in ``fit``, if all of them are strings.

    See Also
    --------
    MetaAutoRegressor : Counterpart for numeric targets.
    sklearn_meta.search.EvolutionarySearch : Default search strategy.
    sklearn_meta.metalearning.KNNMetaLearner : Default meta-learner.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_meta import MetaAutoClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MetaAutoClassifier(max_evaluations=4, random_state=0).fit(X, y)
    >>> clf.predict(X[:2])
    array([0, 0])
    """

    _task_of = staticmethod(classification_task)

    def predict_proba(self, X):
        """Return class probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Table with the columns seen in ``fit``.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            Columns in the order of `classes_`; rows sum to one. For several labels, the
            probability that the row has each label.
        """
        return self._predictions("predict_proba", X)

    @property
    def decision_threshold_(self):
        """How ``predict`` decides: a threshold, offsets or thresholds of labels."""
        check_is_fitted(self)
        return self.ensemble_.decision_threshold_

    def predict_set(self, X, coverage=0.9):
        """Return sets of classes that hold the true one with a probability.

        Conformal sets from out-of-fold probabilities [1]_: a class is in the set if its
        probability is not smaller than that of the true class is in most rows. A set
        always has the class that ``predict`` returns. Where that is right more often
        than `coverage`, the sets have one class.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Table with the columns seen in ``fit``.
        coverage : float, default=0.9
            Share of new rows whose set is to hold the true class, above 0 and below 1.
            It is the share among all rows, not among rows that are alike, and not among
            those of each class.

        Returns
        -------
        sets : ndarray of bool of shape (n_samples, n_classes) or \
                (n_samples, n_labels, 2)
            Whether each class is in the set, in the order of `classes_`. For several
            labels, whether the absence and the presence of each label is in its set;
            the coverage is that of each label.

        Raises
        ------
        InvalidParameterError
            If `coverage` is not between 0 and 1.
        OutOfFoldError
            If there are no out-of-fold predictions, as without a search, or fewer than
            ``1 / (1 - coverage)``.

        Warns
        -----
        SklearnMetaWarning
            If the rows of ``fit`` were in groups or in temporal order, for which the
            coverage is approximate.

        References
        ----------
        .. [1] M. Sadinle, J. Lei and L. Wasserman, "Least ambiguous set-valued
           classifiers with bounded error levels", JASA 114, 2019.
        """
        return self._conformal_predictions(prediction_sets, X, coverage)

    def predict_log_proba(self, X):
        """Return the logarithm of class probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Table with the columns seen in ``fit``.

        Returns
        -------
        log_probabilities : ndarray of the shape of `predict_proba`
            Natural logarithm; minus infinity for a probability of zero.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    @available_if(_has_one_column_of_labels)
    def decision_function(self, X):
        """Return log-odds (binary) or log-probabilities (multiclass).

        Available for one column of labels, once fitted. Members of the final model
        have decision functions of different scales, or none: the values are computed
        from the combined probabilities. They agree with ``predict``: the log-odds of
        `decision_threshold_` are subtracted, or its offsets are added.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Table with the columns seen in ``fit``.

        Returns
        -------
        decision : ndarray of shape (n_samples,) or (n_samples, n_classes)
            Log-odds of ``classes_[1]`` for two classes, log-probability of each class
            for more, both shifted by `decision_threshold_`. Finite: a probability of
            zero counts as the smallest float64.
        """
        values = decision_values(self.predict_proba(X))
        decision = self.decision_threshold_
        return values - logit(decision) if values.ndim == 1 else values + decision

    def predict(self, X):
        """Return the class of each row by `decision_threshold_`.

        That is the most probable class, unless another decision is better by `scoring`.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Table with the columns seen in ``fit``.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            Class labels; for several labels, 1 where the probability exceeds the
            threshold of the label.
        """
        return self._predictions("predict", X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class MetaAutoRegressor(_ScoreByScoring, RegressorMixin, _BaseMetaAuto):
    """Find, combine and fit regression pipelines within a time budget.

    A portfolio of pipelines recalled from similar datasets is evaluated first. A search
    by genetic programming then varies the best pipelines, and the evaluated ones are
    combined by greedy ensemble selection or by non-negative stacking. ``fit`` returns
    when `time_budget` is used up or further search is not expected to improve the
    score.

    Parameters
    ----------
    time_budget : float or None, default=60.0
        Wall-clock seconds of the whole ``fit``, the final model included. None for no
        limit: the search then ends by `max_evaluations` or when scores stop improving.
        A minute is enough for most tables below 20 000 rows.
    max_evaluations : int or None, default=None
        Maximum number of pipelines to evaluate. With a fixed `random_state` and enough
        time for all of them, the result is the same on every run and for every
        `n_jobs`.
    scoring : str, callable or None, default=None
        Metric to optimize: the name of a scikit-learn scorer or a callable
        ``scorer(estimator, X, y)``. None is ``"neg_root_mean_squared_error"``; for
        several targets, the mean over the targets, in which targets in larger units
        count for more. Scale them, or pass ``scoring="r2"``, to weigh all equally.
        Learners of quantiles, deviances and logarithmic errors are tried where the
        scorer judges those, such as ``"neg_mean_poisson_deviance"`` or
        ``make_scorer(mean_pinball_loss, alpha=0.9, greater_is_better=False)``.
    cv : int, splitter, iterable or None, default=None
        Cross-validation of the pipelines, as in ``GridSearchCV``. None chooses by the
        number of rows: five folds, repeated below 1 000 rows, three folds above
        15 000, and one holdout part above 60 000, or from 2 500 rows on if
        `time_budget` is too short for folds. With a holdout part, pipelines are fitted
        on as many rows as allow for some dozens of fits within the budget; the final
        model is fitted on all rows, or on as many as there is time for. With splits in
        temporal order, as of ``TimeSeriesSplit``, the final model continues trends
        beyond the targets in ``fit``.
    column_kinds : mapping or None, default=None
        Kinds of columns that are not to be inferred: maps names of columns, positions,
        or selectors such as those of ``make_column_selector`` to ``"number"``,
        ``"category"``, ``"text"``, ``"date"``, ``"duration"``, ``"set"`` (several
        options in a cell, as in "a; c") or ``"drop"``. `column_report_` shows how each
        column was read.
    search_space : SearchSpace or None, default=None
        Operators that pipelines are made of; None for all built-in ones.
    search : {"evolution", "bayesian", "portfolio", "grid", "random"}, strategy or \
            None, default="evolution"
        Search strategy; the names stand for those of `sklearn_meta.search` with their
        defaults: ``EvolutionarySearch()``, ``BayesianSearch()`` and so on. None is
        zero-shot: the best recommendation of the meta-learner is fitted without search
        and cross-validation. With an `ensemble_size` above 1, predictions of up to four
        recommended pipelines with different learners are averaged.
    meta_learner : meta-learner or None, default=None
        Selects the pipelines that are evaluated first; None is ``KNNMetaLearner()``.
        It is cloned, and fitted on `knowledge_base`.
    knowledge_base : path, KnowledgeBase or None, default=None
        Records of earlier datasets. None is the knowledge base that ships with the
        package. With the path of a file, pipelines are recalled from both, and every
        ``fit`` adds its results to the file: meta-features, pipelines, scores and
        seconds, never a row of data. A `KnowledgeBase` replaces the shipped one and is
        not changed.
    ensemble_size : int, default=25
        Rounds of greedy ensemble selection, hence the maximum number of members. With
        1, the model is the best single pipeline.
    max_predict_ms : float or None, default=None
        Maximum milliseconds of ``predict`` for one row, encoding included, on one
        thread of this machine while nothing else runs: the lower quartile of several
        calls after a first one. Of the combinations that keep it, the best one by the
        out-of-fold predictions becomes the final model; a warning says if none does.
        None for no limit.
    max_megabytes : float or None, default=None
        Maximum megabytes (10⁶ bytes) of the pickled estimator, kept likewise. None for
        no limit.
    memory_limit : float or None, default=None
        Maximum memory of one candidate in MiB; None shares 80 % of the free memory
        among the workers.
    n_jobs : int or None, default=None
        Number of worker processes, as in joblib; None is 1. Within
        ``joblib.parallel_config(backend="dask")`` or ``"ray"``, number of candidates
        that the cluster runs at one time; None is all that it can.
    random_state : int, RandomState instance or None, default=None
        Seed of splits, search and learners.
    verbose : int, default=0
        Whether to show the progress on standard error: a bar of the seconds with the
        best score and what is being tried. 0 is silent.
    warm_start : bool, default=False
        Whether ``fit`` continues the previous search, if the data and everything that
        defines the search are the same. Only `time_budget`, `max_evaluations`,
        `ensemble_size`, `max_predict_ms`, `max_megabytes`, `memory_limit`, `n_jobs` and
        `verbose` may change; else the search begins anew, with a warning that says what
        differs.
    checkpoint : path-like or None, default=None
        File that keeps every evaluation as soon as it is finished; for a folder, the
        file ``checkpoint.sqlite`` in it. If it holds evaluations of an earlier ``fit``
        of the same data with the same settings, interrupted or finished, the search
        goes on from them, and `time_budget` and `max_evaluations` are totals. Other
        data or settings are an error that names what differs; what may change is
        listed at `warm_start`. The file holds predictions and fitted models, no row of
        the table. The models are pickles: pass only files that you trust. Without
        effect if `search` is None.

    Attributes
    ----------
    best_estimator_ : sklearn.pipeline.Pipeline
        Best single pipeline, fitted on all rows; works without this package unless it
        has a ``bagged_mlp`` or ``maml`` step, or parses strings of numbers or dates.
    best_score_ : float
        Mean cross-validated score of the best single pipeline; greater is better. NaN
        without a search.
    honest_score_ : float
        Score by `scoring` that is expected of the final model on new rows, corrected
        for the choice among many pipelines and weights, from which `best_score_` looks
        too good: bootstrap bias-corrected cross-validation (Tsamardinos et al., 2018).
        Still of models of training folds, so that the final model is slightly better.
        NaN where there is no estimate, see `honest_note_`.
    honest_interval_ : ndarray of shape (2,)
        Interval that holds the score on very many new rows of the same kind with a
        confidence of about 95 %.
    honest_note_ : str
        Reason why `honest_score_` is NaN: splits in temporal order, no search, too few
        rows or too little time; usually empty.
    best_pipeline_ : str
        Text of the best single pipeline.
    ensemble_ : fitted ensemble
        Final model, which predicts from the encoded table.
    ensemble_weights_ : dict of int to float
        Share of each member in the final model, by the number of its evaluation.
    predict_ms_, megabytes_ : float
        What `max_predict_ms` and `max_megabytes` limit, as measured at the end of
        ``fit``; NaN without a limit.
    oof_predictions_ : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Out-of-fold predictions of the final model for the rows of ``fit``, for plots
        and metrics of all kinds. Each fold is predicted by members that were not fitted
        on it, with weights that were chosen on the other folds. NaN in rows that are in
        no validation part. The members were fitted on the training folds only, so that
        the final model is slightly better. Not defined without a search. Pickled if the
        record takes at most 4 MiB (170 000 rows); else, accessing it after unpickling
        is an error that says so.
    leaderboard_ : DataFrame or list of dict
        One row for each evaluation, best first: score, standard error, share in the
        final model, folds, seconds, origin, text, status and reason of a failure.
    cv_results_ : dict of arrays
        Scores and times of every evaluation, as in ``GridSearchCV``.
    history_ : tuple of Evaluation
        Every evaluation in the order of proposal.
    column_report_ : DataFrame or list of dict
        One row for each column of the table: kind, the reason for it, number of
        different values and of missing cells, and what the column is encoded as.
    neighbors_ : DataFrame or list of dict
        Datasets of the knowledge base that are most similar to this one.
    recall_note_ : str
        Reason why nothing was recalled, or related metric that was used; usually empty.
    time_report_ : dict of str to float
        Seconds of ``fit`` by stage.
    stop_reason_ : str
        Reason for which the search ended.
    n_evaluations_ : int
        Number of evaluations.
    n_iter_ : int
        Same as `n_evaluations_`, under the name that scikit-learn uses.
    n_splits_ : int
        Number of folds of the cross-validation; 0 without a search.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns seen in ``fit``, if all of them are strings.

    See Also
    --------
    MetaAutoClassifier : Counterpart for class labels.
    sklearn_meta.search.EvolutionarySearch : Default search strategy.
    sklearn_meta.metalearning.KNNMetaLearner : Default meta-learner.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_meta import MetaAutoRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> reg = MetaAutoRegressor(max_evaluations=4, random_state=0).fit(X, y)
    >>> reg.predict(X).shape
    (442,)
    """

    def _task_of(self, y, name):
        return regression_task(y, name, self.scoring)

    def predict(self, X):
        """Return the predicted targets.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Table with the columns seen in ``fit``.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predicted targets.
        """
        return self._predictions("predict", X)

    def predict_interval(self, X, coverage=0.9):
        """Return intervals that hold the target with a probability.

        Conformal intervals from the errors of out-of-fold predictions [1]_. Their width
        follows a small model of the size of the errors [2]_, and their ends have
        unequal distances from the prediction, where that is better by the interval
        score.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Table with the columns seen in ``fit``.
        coverage : float, default=0.9
            Share of new rows whose interval is to hold the target, above 0 and below 1.
            It is the share among all rows, not among rows that are alike.

        Returns
        -------
        intervals : ndarray of shape (n_samples, 2) or (n_samples, 2, n_outputs)
            Lower and upper ends. Not below the smallest possible value where `scoring`
            is defined for targets of zero or more. For several targets, the coverage is
            that of each one.

        Raises
        ------
        InvalidParameterError
            If `coverage` is not between 0 and 1.
        OutOfFoldError
            If there are no out-of-fold predictions, as without a search, or fewer than
            ``1 / (1 - coverage)``.

        Warns
        -----
        SklearnMetaWarning
            If the rows of ``fit`` were in groups or in temporal order, for which the
            coverage is approximate.

        References
        ----------
        .. [1] J. Lei, M. G'Sell, A. Rinaldo, R. J. Tibshirani and L. Wasserman,
           "Distribution-free predictive inference for regression", JASA 113, 2018.
        .. [2] H. Papadopoulos, V. Vovk and A. Gammerman, "Regression conformal
           prediction with nearest neighbours", JAIR 40, 2011.
        """
        return self._conformal_predictions(prediction_intervals, X, coverage)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
