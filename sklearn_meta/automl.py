"""The public estimators: `MetaAutoClassifier` and `MetaAutoRegressor`.

``fit`` is five verbs: describe the table, recall what worked before, search, evaluate,
combine. Each is one package; what is specific to classification or regression is in
`sklearn_meta.data._task`.
"""

from __future__ import annotations

import os
import warnings
from dataclasses import replace
from numbers import Integral, Real

import narwhals.stable.v2 as nw
import numpy as np
from joblib import effective_n_jobs
from scipy.sparse import issparse
from sklearn import config_context, get_config
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, _fit_context
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.metrics import check_scoring
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    _raise_for_params,
    process_routing,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_method_params,
    _check_sample_weight,
    _num_samples,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
)

from sklearn_meta.data._dataset import Dataset
from sklearn_meta.data._encoding import apply_encoder, check_table, encode_table
from sklearn_meta.data._target import check_labels, several_outputs
from sklearn_meta.data._task import (
    ClassificationTask,
    MultilabelTask,
    RegressionTask,
    label_classes,
)
from sklearn_meta.evaluation._budget import Budget
from sklearn_meta.evaluation._cross_validation import refers_to_rows
from sklearn_meta.evaluation._history_storage import compress_history, expand_history
from sklearn_meta.evaluation._run import STRATEGIES, Run, Settings
from sklearn_meta.evaluation._scoring import ScorerScoring, make_scoring
from sklearn_meta.exceptions import NoCandidateError, SklearnMetaWarning
from sklearn_meta.inspection._progress import ProgressLine
from sklearn_meta.inspection._recall import neighbors_table, recall_table
from sklearn_meta.inspection._tables import cv_results, leaderboard
from sklearn_meta.metalearning import KnowledgeBase
from sklearn_meta.metalearning._run_records import add_results, metafeatures_to_record
from sklearn_meta.pipelines import SearchSpace, to_source

__all__ = ["MetaAutoClassifier", "MetaAutoRegressor"]

# scikit-learn's settings for pipelines, whatever the user has chosen for the code
# around: those of worker processes, where nobody has chosen anything.
INSIDE = {"enable_metadata_routing": False, "transform_output": "default"}


class _BaseMetaAuto(CallbackSupportMixin, BaseEstimator):
    """What the classifier and the regressor share: everything but the task."""

    _parameter_constraints: dict = {
        "time_budget": [Interval(Real, 0, None, closed="neither"), None],
        "max_evaluations": [Interval(Integral, 1, None, closed="left"), None],
        "scoring": [str, callable, None],
        "cv": ["cv_object"],
        "search_space": [HasMethods(["catalog"]), None],
        "search": [StrOptions(set(STRATEGIES)), HasMethods(["start"]), None],
        "meta_learner": [HasMethods(["fit", "recall"]), None],
        "knowledge_base": [KnowledgeBase, str, os.PathLike, None],
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
        search="evolution",
        meta_learner=None,
        knowledge_base=None,
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
        self.knowledge_base = knowledge_base
        self.ensemble_size = ensemble_size
        self.memory_limit = memory_limit
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose
        self.warm_start = warm_start

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, *, sample_weight=None, groups=None, **params):
        """Search, combine and fit pipelines on a table.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Numbers, categories, strings, booleans and dates, with missing values. Data
            frames of pandas, polars and other libraries are taken as they are.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Target. Several columns are several targets of a regressor, and several
            labels of a classifier: 1 where a row has the label, 0 where not.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, passed to the candidates and to the scorer, as far as
            they take weights.
        groups : array-like of shape (n_samples,), default=None
            Rows of one group are kept on one side of every split; passed to the
            splitter, if `cv` is one.
        **params : dict
            Further metadata for the splitter in `cv` and the scorer in `scoring`, as
            far as they request it. Only with metadata routing enabled.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        NoCandidateError
            If every candidate failed; the message counts the causes.
        """
        _raise_for_params(params, self, "fit")
        budget = Budget(np.inf if self.time_budget is None else self.time_budget)
        # Not fitted until the end: a model of other data must not outlive a failure.
        vars(self).pop("ensemble_", None)
        weight = {} if sample_weight is None else {"sample_weight": sample_weight}
        seen = {"estimator": self, "X": X, "y": y, "metadata": weight}
        context = self._init_callback_context(max_subtasks=self.max_evaluations)
        context.call_on_fit_task_begin(**seen)
        own = self._own_knowledge_base()
        split_params, score_params = self._routed(
            "fit", sample_weight=sample_weight, groups=groups, **params
        )
        # Weights that are those of the candidates are checked and follow the rows.
        weighs = (
            sample_weight is not None
            and score_params.get("sample_weight") is sample_weight
        )
        if weighs:
            del score_params["sample_weight"]
        dataset = self._read(X, y, sample_weight, groups, score_params)
        run = Run(
            dataset,
            self._settings(dataset.task, weighs, split_params),
            budget,
            previous=getattr(self, "_run", None) if self.warm_start else None,
        )
        # Without a search nothing is measured that others could learn from.
        learns = own is not None and self.search is not None
        metafeatures = None
        if learns:
            metafeatures = metafeatures_to_record(
                run.context.dataset, run.problem.prior
            )
        self._warn_of_unweighted_scores(run)
        progress = ProgressLine(budget) if self.verbose else None
        of_the_user = get_config()

        def observe(evaluation, history):
            if progress is not None:
                progress.update(history)
            with config_context(**of_the_user):
                evaluated = context.subcontext(task_name="evaluation")
                evaluated.call_on_fit_task_begin(**seen)
                return evaluated.call_on_fit_task_end(**seen)

        with config_context(**INSIDE):
            outcome = run.execute(observe)
        if progress is not None:
            progress.close(outcome.stop_reason, len(outcome.history))
        self._keep(outcome, run)
        if metafeatures is not None:
            add_results(
                own,
                run.context.dataset,
                run.context.scoring,
                run.context.stages,
                run.history,
                metafeatures,
            )
        # Nothing to add to what is fitted: callbacks may predict with this estimator.
        context.call_on_fit_task_end(**seen, reconstruction_attributes={})
        return self

    def _settings(self, task, weighs, split_params):
        scoring = make_scoring(self.scoring, task)
        if isinstance(scoring, ScorerScoring):
            scoring = replace(scoring, takes_sample_weight=weighs)
        return Settings(
            scoring=scoring,
            cv=self.cv,
            search_space=self.search_space,
            search=self.search,
            meta_learner=self.meta_learner,
            knowledge_base=self.knowledge_base,
            ensemble_size=self.ensemble_size,
            max_evaluations=self.max_evaluations,
            memory_limit=self.memory_limit,
            n_workers=effective_n_jobs(self.n_jobs),
            seed=check_random_state(self.random_state).randint(2**31 - 1),
            split_params=split_params,
        )

    def _own_knowledge_base(self):
        """Return the path that is added to after the fit; None for none."""
        if self.knowledge_base is None or isinstance(
            self.knowledge_base, KnowledgeBase
        ):
            return None
        # Not after the search has been paid for.
        KnowledgeBase(self.knowledge_base).check_writable()
        return self.knowledge_base

    def _scorer(self):
        """Return the scorer that `scoring` stands for; None for the default one."""
        if self.scoring is None:
            return None
        scorer = check_scoring(self, self.scoring)
        if isinstance(self.scoring, str) and _takes_weights(scorer):
            if get_config()["enable_metadata_routing"]:
                # Whoever gives a name cannot say that it is to be weighted.
                scorer.set_score_request(sample_weight=True)
        return scorer

    def _routed(self, method, *, sample_weight=None, **metadata):
        """Return what the splitter and the scorer get.

        With metadata routing that is what they request; without, the splitter gets the
        groups, which is what None stands for, and the scorer the weights if it can take
        them.
        """
        given = {"sample_weight": sample_weight, **metadata}
        given = {name: value for name, value in given.items() if value is not None}
        if get_config()["enable_metadata_routing"]:
            routed = process_routing(self, method, **given)
            wants = _says_what_it_wants(self.cv)
            split = routed["splitter"].get("split") if wants else None
            score = {} if self.scoring is None else routed["scorer"].score
            return split, dict(score)
        weighs = sample_weight is not None and self.scoring is not None
        if weighs and _takes_weights(self._scorer()):
            return None, {"sample_weight": sample_weight}
        return None, {}

    def _warn_of_unweighted_scores(self, run):
        scoring, dataset = run.settings.scoring, run.context.dataset
        if dataset.sample_weight is None or not isinstance(scoring, ScorerScoring):
            return
        if not _takes_weights(scoring.scorer):
            warnings.warn(
                f"scoring={self.scoring!r} takes no sample_weight: pipelines are "
                "fitted with the weights, but compared without them. Pass a scorer "
                "of make_scorer whose metric has a parameter sample_weight.",
                SklearnMetaWarning,
                stacklevel=5,
            )

    def get_metadata_routing(self):
        """Return what of the metadata goes where.

        ``fit`` takes `sample_weight` and `groups` itself. These and all other metadata
        are handed to the scorer in `scoring` and the splitter in `cv` if they request
        them; see the `scikit-learn guide
        <https://scikit-learn.org/stable/metadata_routing.html>`_.

        Returns
        -------
        routing : MetadataRouter
        """
        router = MetadataRouter(owner=self).add_self_request(self)
        scorer = self._scorer()
        if scorer is not None:
            mapping = MethodMapping().add(caller="fit", callee="score")
            mapping.add(caller="score", callee="score")
            router.add(scorer=scorer, method_mapping=mapping)
        if _says_what_it_wants(self.cv):
            mapping = MethodMapping().add(caller="fit", callee="split")
            router.add(splitter=self.cv, method_mapping=mapping)
        return router

    def _read(self, X, y, sample_weight, groups, metadata):
        """Check the input and turn it into a `Dataset`."""
        X = check_table(self, X, reset=True)
        outputs = several_outputs(y)
        if outputs is None:
            y = column_or_1d(_with_numpy_type(y), warn=True)
        else:
            y = outputs
        check_consistent_length(X, y)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(
                sample_weight, y, dtype=np.float64, ensure_non_negative=True
            )
            if not refers_to_rows(self.cv) and not sample_weight.all():
                # Rows that do not count must not decide on classes or levels either.
                rows = np.flatnonzero(sample_weight)
                metadata = _check_method_params(X, metadata, indices=rows)
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
        self._frames = _library(X)
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
            metadata=metadata,
        )

    def _keep(self, outcome, run):
        self.history_ = outcome.history
        self.best_score_ = outcome.best_score
        self.best_pipeline_ = outcome.best.candidate.text
        self._source = outcome.source_arguments(self._encoding)
        self.best_estimator_ = outcome.best_estimator(self._encoder)
        self.ensemble_ = outcome.ensemble
        self.ensemble_weights_ = outcome.ensemble_weights
        self.n_evaluations_ = self.n_iter_ = len(outcome.history)
        self.n_splits_ = outcome.n_splits
        self.stop_reason_ = outcome.stop_reason
        self.time_report_ = outcome.time_report
        self.recall_note_ = run.problem.prior.note
        self._neighbors = run.problem.prior.neighbors
        if self.warm_start:
            self._run = run

    def _predictions(self, method, X):
        check_is_fitted(self)
        X = check_table(self, X, reset=False)
        if self._frames is not None and _library(X) is None:
            X = _as_frame(X, self.feature_names_in_, self._frames)
        with config_context(**INSIDE):
            encoded = apply_encoder(self._encoder, X)
            return getattr(self.ensemble_, method)(encoded)

    @property
    def leaderboard_(self):
        """Every evaluation, the best first; a DataFrame where pandas is installed."""
        check_is_fitted(self)
        return leaderboard(self.history_, self.n_splits_, self.ensemble_weights_)

    @property
    def cv_results_(self):
        """Scores and times of every evaluation, as in ``GridSearchCV``."""
        check_is_fitted(self)
        return cv_results(self.history_, self.n_splits_)

    @property
    def neighbors_(self):
        """The datasets most like this one; a DataFrame where pandas is installed."""
        check_is_fitted(self)
        return neighbors_table(self._neighbors)

    def explain_recall(self):
        """Return what was recalled from similar datasets, and what became of it.

        Returns
        -------
        table : DataFrame or list of dict
            One row for each of the best pipelines of each neighbor, the nearest
            neighbor first: its distance, its weight in the choice of the first
            pipelines, the meta-features that make it near, and number, status, score
            and rank of the pipeline in this search. Without rows where nothing was
            recalled; `recall_note_` then says why.
        """
        check_is_fitted(self)
        return recall_table(self._neighbors, self.history_)

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
        catalog = space.catalog(self._source["task"])
        return to_source(catalog=catalog, **self._source)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "ensemble_")

    def __getstate__(self):
        # What a warm start needs is large and of no use elsewhere.
        state = super().__getstate__()
        state = {k: v for k, v in state.items() if k != "_run"}
        if "history_" in state:
            state["history_"] = compress_history(state["history_"])
        return state

    def __setstate__(self, state):
        if "history_" in state:
            state = {**state, "history_": expand_history(state["history_"])}
        super().__setstate__(state)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.non_deterministic = self.max_evaluations is None
        return tags


def _says_what_it_wants(cv):
    """Whether `cv` is a splitter that takes part in metadata routing."""
    return hasattr(cv, "split") and hasattr(cv, "get_metadata_routing")


def _takes_weights(scorer):
    """Whether a scorer has a use for weights of rows; plain callables have none."""
    accepts = getattr(scorer, "_accept_sample_weight", None)
    return accepts is not None and accepts()


def _with_numpy_type(y):
    """Return a target as an array whose type says what it holds.

    scikit-learn turns the integers and booleans of a nullable column into floats, and
    refuses those in an array of objects.
    """
    if nw.dependencies.is_into_series(y):
        series = nw.from_native(y, series_only=True)
        y = y if series.is_null().any() else series.to_numpy()
    if isinstance(y, np.ndarray) and y.dtype.kind == "O" and y.ndim == 1:
        values = y.tolist()
        if all(isinstance(value, Integral | np.bool_) for value in values):
            y = np.array(values)
    return y


def _holds_missing(y):
    """Whether some of the labels are NaN or None."""
    if y.dtype.kind == "O":
        # Nothing but what is missing differs from itself.
        return any(value is None or bool(value != value) for value in y.tolist())
    return y.dtype.kind in "fmM" and bool((y != y).any())


def _library(X):
    """Return the name of the library that a data frame is of; None for other tables."""
    if not nw.dependencies.is_into_dataframe(X):
        return None
    return nw.from_native(X).implementation.value


def _as_frame(X, names, library):
    """Return an array as a data frame, for an encoder that knows columns by name."""
    X = X.toarray() if issparse(X) else X
    columns = {name: X[:, i] for i, name in enumerate(names)}
    return nw.from_dict(columns, backend=library).to_native()


def _every_member_decides(estimator):
    """Whether all models of the fitted estimator have a decision function."""
    if not hasattr(estimator, "ensemble_") or isinstance(estimator.classes_, list):
        # Of several labels, probabilities are all that members have in common.
        return False
    models = [
        model
        for member in estimator.ensemble_.members
        for model in (member if isinstance(member, list | tuple) else [member])
    ]
    return all(hasattr(model, "decision_function") for model in models)


class _ScoreByScoring:
    """Gives `score` the meaning of `scoring`; stands left of scikit-learn's mixins."""

    def score(self, X, y, sample_weight=None, **params):
        """Return the score by `scoring`; accuracy or R² if that is None.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Table.
        y : array-like of shape (n_samples,)
            True target.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows; without effect where a scorer takes none, as in
            ``fit``.
        **params : dict
            Further metadata for the scorer in `scoring`, as far as it requests them.
            Only with metadata routing enabled.

        Returns
        -------
        score : float
            Greater is better.
        """
        _raise_for_params(params, self, "score")
        y = _with_numpy_type(y)
        if self.scoring is None and not params:
            return super().score(X, y, sample_weight=sample_weight)
        _, metadata = self._routed("score", sample_weight=sample_weight, **params)
        return self._scorer()(self, X, y, **metadata)


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
        What to optimize: the name of a scikit-learn scorer or a callable
        ``scorer(estimator, X, y)``. None is ``"neg_log_loss"``, which rewards
        trustworthy probabilities; of several labels, it is the mean over the labels of
        the log loss of each. A scorer must take the target as it is: of several labels
        ``"f1_micro"``, ``"f1_samples"``, ``"accuracy"`` (of all labels of a row) or
        ``"roc_auc"`` do.
    cv : int, splitter, iterable or None, default=None
        How pipelines are compared, as in ``GridSearchCV``. None chooses by size: five
        stratified folds, twice below 1 000 rows, three folds above 15 000, one holdout
        above 60 000, or from 2 500 rows on where `time_budget` is too short for folds.
        Beside a holdout, pipelines have so many rows that the budget is enough for some
        dozens of fits. The final model is fitted on all rows, or on as many as there is
        time for.
    search_space : SearchSpace or None, default=None
        Which operators pipelines are made of; None for all.
    search : {"evolution", "random"}, strategy or None, default="evolution"
        How candidates are proposed; the names are those of ``EvolutionarySearch()`` and
        ``RandomSearch()``. None is zero-shot: the best of what the meta-learner
        recommends is fitted, without a search and without cross-validation. An
        `ensemble_size` above 1 then averages the first few recommendations of different
        learners, at most four.
    meta_learner : meta-learner or None, default=None
        Chooses what is tried first; None is ``KNNMetaLearner()``. It is cloned, and
        fitted on `knowledge_base`.
    knowledge_base : path, KnowledgeBase or None, default=None
        What is known of earlier datasets. None is what ships with the package. The
        path of a file of your own is recalled from as well, and after every ``fit``
        what was learned is added to it: numbers that describe the table, pipelines,
        scores and seconds, never a row of data. A `KnowledgeBase` is recalled from
        alone, and not changed.
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
    classes_ : ndarray of shape (n_classes,) or list of ndarray of shape (2,)
        Class labels; of several labels, 0 and 1 for each, as in
        ``MultiOutputClassifier``.
    best_estimator_ : sklearn.pipeline.Pipeline
        The best single pipeline, fitted on all rows; works without this package unless
        it has a ``bagged_mlp`` or ``maml`` step.
    best_score_ : float
        Its mean cross-validated score; greater is better. NaN without a search.
    best_pipeline_ : str
        Its text.
    ensemble_ : WeightedEnsembleClassifier
        The final model, on the encoded table.
    ensemble_weights_ : dict of int to float
        Share of each member in it, by the number of its evaluation.
    leaderboard_ : DataFrame or list of dict
        One row for each evaluation: score, standard error, share in the final model,
        folds, seconds, origin, text, status and the reason of a failure.
    cv_results_ : dict of arrays
        As in ``GridSearchCV``.
    history_ : tuple of Evaluation
        Every evaluation in order.
    neighbors_ : DataFrame or list of dict
        The datasets of the knowledge base that are most like this one.
    recall_note_ : str
        Why nothing was recalled, or by which related metric; usually empty.
    time_report_ : dict of str to float
        Where the seconds of ``fit`` went.
    stop_reason_ : str
        Why the search ended.
    n_evaluations_ : int
        Number of evaluations.
    n_iter_ : int
        The same, under scikit-learn's name.
    n_splits_ : int
        Number of folds of the cross-validation; 0 without a search.
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
        if y.ndim == 2:
            check_labels(y, type(self).__name__)
            self.classes_ = label_classes(y.shape[1], y.dtype)
            return y, MultilabelTask(y.shape[1], y.dtype)
        if _holds_missing(y):
            raise ValueError(
                "Input y contains NaN or None. Drop these rows: rows without a label "
                "cannot be learned from."
            )
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
        probabilities : ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            Columns in the order of `classes_`; rows sum to one. Of several labels, the
            probability of each.
        """
        return self._predictions("predict_proba", X)

    def predict_log_proba(self, X):
        """Return the logarithm of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    @available_if(_every_member_decides)
    def decision_function(self, X):
        """Return how much speaks for each class, without bounds.

        There only for one column of labels, and if all members of the final model have
        a decision function. Theirs have different scales, so that it is the logarithm
        of what they agree on, the probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Table with the columns seen in ``fit``.

        Returns
        -------
        decision : ndarray of shape (n_samples,) or (n_samples, n_classes)
            Log-odds of the second of two classes; of more than two, the
            log-probability of each.
        """
        smallest = np.finfo(np.float64).tiny
        logarithms = np.log(np.maximum(self.predict_proba(X), smallest))
        if len(self.classes_) == 2:
            return logarithms[:, 1] - logarithms[:, 0]
        return logarithms

    def predict(self, X):
        """Return the most probable class of each row, or its probable labels.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Table with the columns seen in ``fit``.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            Class labels; of several labels, 1 where the probability is above a half.
        """
        return self._predictions("predict", X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class MetaAutoRegressor(_ScoreByScoring, RegressorMixin, _BaseMetaAuto):
    """Find, combine and fit a good regression pipeline within a time budget.

    As `MetaAutoClassifier`, for numeric targets; see there for the parameters.
    ``scoring=None`` is ``"neg_root_mean_squared_error"``. Of several targets that is
    the plain mean over the targets, as in scikit-learn: one in larger units counts for
    more. Scale them, or pass ``scoring="r2"``, where all are to count the same.

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
        y = y.astype(np.float64) if y.ndim == 2 else column_or_1d(y, dtype=np.float64)
        if not np.isfinite(y).all():
            raise ValueError(
                "Input y contains NaN or infinity. Drop these rows: "
                "y must be finite to be learned from."
            )
        constant = np.flatnonzero(np.ptp(y, axis=0) == 0)
        if len(constant):
            what = (
                f"y is constant ({y[0]:g})"
                if y.ndim == 1
                else (f"The columns {constant.tolist()} of y are constant")
            )
            warnings.warn(
                f"{what}: every pipeline will predict that.", UserWarning, stacklevel=6
            )
        return y, RegressionTask(n_outputs=1 if y.ndim == 1 else y.shape[1])

    def predict(self, X):
        """Return predicted targets.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Table with the columns seen in ``fit``.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions.
        """
        return self._predictions("predict", X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
