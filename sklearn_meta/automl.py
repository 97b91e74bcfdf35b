"""The public estimators: `MetaAutoClassifier` and `MetaAutoRegressor`.

``fit`` is five verbs: describe the table, recall what worked before, search, evaluate,
combine. Each is one package; what is specific to classification or regression is in
`sklearn_meta._task`.
"""

from __future__ import annotations

import warnings
from numbers import Integral, Real

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, _fit_context
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.metrics import check_scoring
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    _num_samples,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
)

from sklearn_meta._dataset import Dataset
from sklearn_meta._run import Run, Settings
from sklearn_meta._scoring import make_scoring
from sklearn_meta._table import apply_encoder, check_table, encode_table
from sklearn_meta._task import ClassificationTask, RegressionTask
from sklearn_meta.evaluation._budget import Budget
from sklearn_meta.evaluation._stages import refers_to_rows
from sklearn_meta.exceptions import NoCandidateError
from sklearn_meta.inspection._progress import ProgressLine
from sklearn_meta.inspection._tables import cv_results, leaderboard
from sklearn_meta.pipelines import SearchSpace, to_source

__all__ = ["MetaAutoClassifier", "MetaAutoRegressor"]


class _BaseMetaAuto(CallbackSupportMixin, BaseEstimator):
    """What the classifier and the regressor share: everything but the task."""

    _parameter_constraints: dict = {
        "time_budget": [Interval(Real, 0, None, closed="neither"), None],
        "max_evaluations": [Interval(Integral, 1, None, closed="left"), None],
        "scoring": [str, callable, None],
        "cv": ["cv_object"],
        "search_space": [HasMethods(["catalogue"]), None],
        "search": [HasMethods(["start"]), None],
        "meta_learner": [HasMethods(["recall"]), None],
        "ensemble_size": [Interval(Integral, 1, None, closed="left")],
        "memory_limit": [Interval(Real, 0, None, closed="neither"), None],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
    }

    def __init__(
        self,
        *,
        time_budget=60.0,
        max_evaluations=None,
        scoring=None,
        cv=None,
        search_space=None,
        search=None,
        meta_learner=None,
        ensemble_size=25,
        memory_limit=None,
        n_jobs=None,
        random_state=None,
        verbose=0,
        warm_start=False,
    ):
        self.time_budget = time_budget
        self.max_evaluations = max_evaluations
        self.scoring = scoring
        self.cv = cv
        self.search_space = search_space
        self.search = search
        self.meta_learner = meta_learner
        self.ensemble_size = ensemble_size
        self.memory_limit = memory_limit
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
        self.warm_start = warm_start

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, *, sample_weight=None, groups=None):
        """Search, combine and fit pipelines on a table.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Numbers, categories, strings, booleans and dates, with missing values. Data
            frames of pandas, polars and other libraries are taken as they are.
        y : array-like of shape (n_samples,)
            Target.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, passed to the candidates that can use them and to the
            score.
        groups : array-like of shape (n_samples,), default=None
            Rows of one group are kept on one side of every split.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        NoCandidateError
            If every candidate failed; the message counts the causes.
        """
        budget = Budget(np.inf if self.time_budget is None else self.time_budget)
        weight = {} if sample_weight is None else {"sample_weight": sample_weight}
        seen = {"estimator": self, "X": X, "y": y, "metadata": weight}
        context = self._init_callback_context(max_subtasks=self.max_evaluations)
        context.call_on_fit_task_begin(**seen)
        dataset = self._read(X, y, sample_weight, groups)
        run = Run(
            dataset,
            self._settings(dataset.task),
            budget,
            previous=getattr(self, "_run", None) if self.warm_start else None,
        )
        progress = ProgressLine(budget) if self.verbose else None

        def observe(evaluation, history):
            if progress is not None:
                progress.update(history)
            evaluated = context.subcontext(task_name="evaluation")
            evaluated.call_on_fit_task_begin(**seen)
            return evaluated.call_on_fit_task_end(**seen)

        outcome = run.execute(observe)
        if progress is not None:
            progress.close(outcome.stop_reason, len(outcome.history))
        self._keep(outcome, run)
        # Nothing to add to what is fitted: callbacks may predict with this estimator.
        context.call_on_fit_task_end(**seen, reconstruction_attributes={})
        return self

    def _settings(self, task):
        return Settings(
            scoring=make_scoring(self.scoring, task),
            cv=self.cv,
            search_space=self.search_space,
            search=self.search,
            meta_learner=self.meta_learner,
            ensemble_size=self.ensemble_size,
            max_evaluations=self.max_evaluations,
            memory_limit=self.memory_limit,
            n_workers=effective_n_jobs(self.n_jobs),
            seed=check_random_state(self.random_state).randint(2**31 - 1),
        )

    def _read(self, X, y, sample_weight, groups):
        """Check the input and turn it into a `Dataset`."""
        X = check_table(self, X, reset=True)
        y = column_or_1d(y, warn=True)
        check_consistent_length(X, y)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(
                sample_weight, y, dtype=np.float64, ensure_non_negative=True
            )
            if not refers_to_rows(self.cv) and not sample_weight.all():
                # Rows that do not count must not decide on classes or levels either.
                rows = np.flatnonzero(sample_weight)
                X, y, sample_weight, groups = (
                    None if values is None else _safe_indexing(values, rows)
                    for values in (X, y, sample_weight, groups)
                )
        y, task = self._check_target(y)
        if _num_samples(X) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least 2 samples to choose between "
                f"pipelines. Got n_samples = {_num_samples(X)}."
            )
        self._encoder, encoded, self._encoding = encode_table(X)
        if groups is not None:
            groups = column_or_1d(groups)
            check_consistent_length(encoded, groups)
        return Dataset(
            X=encoded,
            y=task.encode(y),
            schema=self._encoding.schema,
            task=task,
            sample_weight=sample_weight,
            groups=groups,
        )

    def _keep(self, outcome, run):
        self.history_ = outcome.history
        self.best_score_ = outcome.best.score
        self.best_pipeline_ = outcome.best.candidate.text
        self._source = outcome.source_arguments(self._encoding)
        self.best_estimator_ = outcome.best_estimator(self._encoder)
        self.ensemble_ = outcome.ensemble
        self.n_evaluations_ = self.n_iter_ = len(outcome.history)
        self.n_splits_ = outcome.n_splits
        self.stop_reason_ = outcome.stop_reason
        self.time_report_ = outcome.time_report
        if self.warm_start:
            self._run = run

    def _predictions(self, method, X):
        check_is_fitted(self)
        X = check_table(self, X, reset=False)
        encoded = apply_encoder(self._encoder, X)
        return getattr(self.ensemble_, method)(encoded)

    @property
    def leaderboard_(self):
        """Every evaluation, the best first; a DataFrame where pandas is installed."""
        check_is_fitted(self)
        return leaderboard(self.history_, self.n_splits_, self.ensemble_)

    @property
    def cv_results_(self):
        """Scores and times of every evaluation, as in ``GridSearchCV``."""
        check_is_fitted(self)
        return cv_results(self.history_, self.n_splits_)

    def to_source(self):
        """Return Python source that makes the best single pipeline.

        Returns
        -------
        source : str
            A module that needs scikit-learn, and LightGBM, numpy or pandas where the
            pipeline uses them. Executed, it defines ``pipeline``, which is what
            ``clone(best_estimator_)`` is.

        Raises
        ------
        NoCandidateError
            If `fit` found no pipeline within the time budget and the model predicts a
            constant.
        """
        check_is_fitted(self)
        if self._source is None:
            raise NoCandidateError(
                "to_source() writes the best pipeline that fit found, but no candidate "
                "was finished within the time budget and the model predicts a "
                "constant. Raise time_budget and fit again."
            )
        space = self.search_space or SearchSpace()
        catalogue = space.catalogue(self._source["task"])
        return to_source(catalogue=catalogue, **self._source)

    def __getstate__(self):
        # What a warm start needs is large and of no use elsewhere.
        state = super().__getstate__()
        return {k: v for k, v in state.items() if k != "_run"}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.non_deterministic = self.max_evaluations is None
        return tags


class _ScoreByScoring:
    """Gives `score` the meaning of `scoring`; stands left of scikit-learn's mixins."""

    def score(self, X, y, sample_weight=None):
        """Return the score by `scoring`; accuracy or R² if that is None.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Table.
        y : array-like of shape (n_samples,)
            True target.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            Greater is better.
        """
        if self.scoring is None:
            return super().score(X, y, sample_weight=sample_weight)
        scorer = check_scoring(self, self.scoring)
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        return scorer(self, X, y, **weights)


class MetaAutoClassifier(_ScoreByScoring, ClassifierMixin, _BaseMetaAuto):
    """Find, combine and fit a good classification pipeline within a time budget.

    A portfolio of good pipelines is scored first, genetic programming improves the best
    of them, and what was evaluated is combined by greedy ensemble selection or a
    non-negative stack. ``fit`` returns when `time_budget` is used or when nothing is
    left to gain.

    Parameters
    ----------
    time_budget : float or None, default=60.0
        Wall-clock seconds of the whole ``fit``; None for no limit, then
        `max_evaluations` or the lack of progress ends the search. A minute is enough
        for most tables below 20 000 rows.
    max_evaluations : int or None, default=None
        Largest number of pipelines to evaluate. With it, a fixed `random_state` and
        time left, the result is the same on every run and for every `n_jobs`.
    scoring : str, callable or None, default=None
        What to optimise: the name of a scikit-learn scorer or a callable
        ``scorer(estimator, X, y)``. None is ``"neg_log_loss"``, which rewards
        trustworthy probabilities.
    cv : int, splitter, iterable or None, default=None
        How pipelines are compared, as in ``GridSearchCV``. None chooses by size: five
        stratified folds, twice below 1 000 rows, three folds above 15 000, one holdout
        above 60 000.
    search_space : SearchSpace or None, default=None
        Which operators pipelines are made of; None for all.
    search : strategy or None, default=None
        How candidates are proposed; None is ``EvolutionarySearch()``.
    meta_learner : object with ``recall`` or None, default=None
        What is tried first; None is a fixed portfolio.
    ensemble_size : int, default=25
        Rounds of greedy ensemble selection, hence the largest number of members. With
        1, the best single pipeline is the model.
    memory_limit : float or None, default=None
        Megabytes that one candidate may use; None shares 80 % of the free memory among
        the workers.
    n_jobs : int or None, default=None
        Number of worker processes, as in joblib; None is 1.
    random_state : int, RandomState instance or None, default=None
        Seed of splits, search and learners.
    verbose : int, default=0
        1 shows one line of progress.
    warm_start : bool, default=False
        Whether ``fit`` on the same data continues the previous search.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    best_estimator_ : sklearn.pipeline.Pipeline
        The best single pipeline, fitted on all rows; works without this package.
    best_score_ : float
        Its mean cross-validated score; greater is better.
    best_pipeline_ : str
        Its text.
    ensemble_ : WeightedEnsembleClassifier
        The final model, on the encoded table.
    leaderboard_ : DataFrame or list of dict
        One row for each evaluation: score, standard error, folds, seconds, origin,
        text, status and the reason of a failure.
    cv_results_ : dict of arrays
        As in ``GridSearchCV``.
    history_ : tuple of Evaluation
        Every evaluation in order.
    time_report_ : dict of str to float
        Where the seconds of ``fit`` went.
    stop_reason_ : str
        Why the search ended.
    n_evaluations_ : int
        Number of evaluations.
    n_iter_ : int
        The same, under scikit-learn's name.
    n_splits_ : int
        Number of folds of the cross-validation.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if they are strings.

    See Also
    --------
    MetaAutoRegressor : The same for numeric targets.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_meta import MetaAutoClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MetaAutoClassifier(max_evaluations=4, random_state=0).fit(X, y)
    >>> clf.predict(X[:2])
    array([0, 0])
    """

    def _check_target(self, y):
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least 2 classes in y. "
                f"Got 1 class: {self.classes_[0]!r}."
            )
        return y, ClassificationTask(self.classes_)

    def predict_proba(self, X):
        """Return class probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Table with the columns seen in ``fit``.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`; rows sum to one.
        """
        return self._predictions("predict_proba", X)

    def predict_log_proba(self, X):
        """Return the logarithm of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict(self, X):
        """Return the most probable class of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Table with the columns seen in ``fit``.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Class labels.
        """
        probabilities = self.predict_proba(X)
        return self.classes_[np.argmax(probabilities, axis=1)]


class MetaAutoRegressor(_ScoreByScoring, RegressorMixin, _BaseMetaAuto):
    """Find, combine and fit a good regression pipeline within a time budget.

    As `MetaAutoClassifier`, for numeric targets; see there for the parameters.
    ``scoring=None`` is ``"neg_root_mean_squared_error"``.

    See Also
    --------
    MetaAutoClassifier : The same for class labels.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_meta import MetaAutoRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> reg = MetaAutoRegressor(max_evaluations=4, random_state=0).fit(X, y)
    >>> reg.predict(X).shape
    (442,)
    """

    def _check_target(self, y):
        y = column_or_1d(y, dtype=np.float64)
        if not np.isfinite(y).all():
            raise ValueError(
                "Input y contains NaN or infinity. Drop these rows: "
                "y must be finite to be learned from."
            )
        if np.ptp(y) == 0:
            warnings.warn(
                f"y is constant ({y[0]:g}): every pipeline will predict that.",
                UserWarning,
                stacklevel=2,
            )
        return y, RegressionTask()

    def predict(self, X):
        """Return predicted targets.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Table with the columns seen in ``fit``.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Predictions.
        """
        return self._predictions("predict", X)
