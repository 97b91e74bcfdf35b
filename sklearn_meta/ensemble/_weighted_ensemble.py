"""Weighted ensembles: combinations of predictions as scikit-learn estimators."""

from __future__ import annotations

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    RegressorMixin,
    clone,
)
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import get_tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from sklearn_meta.data._task import has_label, label_classes, label_probabilities
from sklearn_meta.ensemble._combination import (
    AVERAGE,
    SINGLE,
    Combination,
    as_pairs,
    of_pairs,
)
from sklearn_meta.ensemble._decisions import decide, untuned_decision

# Minimum number of rows per leaf of the tree in the default members.
LEAF_SIZE = 5


class _WeightedEnsemble(BaseEstimator):
    """Base class of weighted ensembles."""

    def __sklearn_is_fitted__(self):
        if not hasattr(self, "members_") and not self.members:
            return False
        try:
            for member in self._members_in_use():
                if member is not None:
                    check_is_fitted(_models(member)[0])
        except NotFittedError:
            return False
        return True

    def _member_list(self):
        """Return the parameter `members`, or the default members if it is None."""
        return self._default_members() if self.members is None else self.members

    def _weighting(self):
        """Return the parameter `combination`, or equal weights if it is None."""
        if self.combination is not None:
            return self.combination
        n = len(self._member_list())
        return Combination(AVERAGE, tuple(range(n)), np.full(n, 1 / n))

    def _members_in_use(self):
        """Return the members with a positive weight, None in place of the others."""
        members = getattr(self, "members_", None) or self._member_list()
        pairs = zip(members, self._weighting().weights, strict=True)
        return [member if weight > 0 else None for member, weight in pairs]

    def _predictions(self, X, predict):
        """Return the mean of ``predict(model, X)`` over the models of each member."""
        check_is_fitted(self)
        return [
            member
            if member is None
            else np.mean([predict(model, X) for model in _models(member)], axis=0)
            for member in self._members_in_use()
        ]

    def member_predictions(self, X):
        """Return what each member predicts, before it is combined.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Input samples.

        Returns
        -------
        predictions : list of (ndarray or None)
            Probabilities or targets in the order of the members; None for those with a
            weight of zero.
        """
        return self._predictions(X, self._predict_with)

    def _fit_members(self, X, y):
        self.members_ = [clone(_models(m)[0]).fit(X, y) for m in self._member_list()]
        first = self.members_[0]
        if hasattr(first, "feature_names_in_"):
            self.feature_names_in_ = first.feature_names_in_
        else:
            vars(self).pop("feature_names_in_", None)

    @property
    def n_features_in_(self):
        """Number of columns that the members were fitted on."""
        used = [member for member in self._members_in_use() if member is not None]
        return _models(used[0])[0].n_features_in_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        members = [get_tags(_models(member)[0]) for member in self._member_list()]
        # Every member gets the input, so all of them must support it.
        tags.input_tags.sparse = all(m.input_tags.sparse for m in members)
        tags.input_tags.allow_nan = all(m.input_tags.allow_nan for m in members)
        tags.non_deterministic = any(m.non_deterministic for m in members)
        return tags


class WeightedEnsembleClassifier(ClassifierMixin, _WeightedEnsemble):
    """Classifier that combines the probabilities of its members with fixed weights.

    Parameters
    ----------
    members : sequence of (classifier or sequence of classifiers), default=None
        Members in the order of `combination`. The prediction of a member that is a
        sequence, for instance of the models of cross-validation folds, is the mean of
        its models' probabilities. An ensemble of fitted members can predict without
        ``fit``. None for a logistic regression on standardized features and a decision
        tree.
    combination : Combination, default=None
        Weights of the members, see `combine`. None for equal weights.
    classes : ndarray of shape (n_classes,), default=None
        Sorted class labels, if the members were fitted on class indices. Classes that
        a member has not seen get the probability zero. Members with all classes may
        predict labels as well. None if all members were fitted on labels.
    decision_threshold : float or ndarray of shape (n_classes,), default=None
        How ``predict`` decides. With two classes, the second one is predicted where its
        probability exceeds this threshold. With more, these offsets are added to the
        logarithms of the probabilities, and the class with the largest sum is
        predicted. None for the most probable class.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted class labels.
    decision_threshold_ : float or ndarray of shape (n_classes,)
        `decision_threshold`; 0.5 or zeros if that is None.
    members_ : list of classifiers
        Members that were fitted by ``fit``. Not defined for an ensemble of fitted
        members.
    n_features_in_ : int
        Number of features seen by the members during ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during ``fit``. Defined only if the feature names of `X`
        are all strings.

    See Also
    --------
    WeightedEnsembleRegressor : Weighted ensemble for regression.
    combine : Selects members and fits their weights.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn_meta.ensemble import Combination, WeightedEnsembleClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> members = [LogisticRegression(max_iter=1000).fit(X, y), GaussianNB().fit(X, y)]
    >>> weights = Combination("average", (0, 1), [0.7, 0.3])
    >>> WeightedEnsembleClassifier(members, weights).predict(X[:2])
    array([0, 0])
    """

    def __init__(
        self, members=None, combination=None, classes=None, decision_threshold=None
    ):
        self.members = members
        self.combination: Combination | None = combination
        self.classes = classes
        self.decision_threshold = decision_threshold

    @property
    def classes_(self):
        """Sorted class labels."""
        if hasattr(self, "_labels"):
            return self._labels
        if self.classes is not None:
            return np.asarray(self.classes)
        if not self.members:
            raise AttributeError(
                "An ensemble without members has no classes_. Call fit first, or pass "
                "fitted members."
            )
        seen = [m.classes_ for models in self.members for m in _models(models)]
        return np.unique(np.concatenate(seen))

    @property
    def decision_threshold_(self):
        """How ``predict`` decides; see `decision_threshold`."""
        if self.decision_threshold is not None:
            return self.decision_threshold
        return untuned_decision(self.classes_)

    def fit(self, X, y):
        """Fit clones of the members; the weights do not change.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training samples.
        y : array-like of shape (n_samples,)
            Class labels.

        Returns
        -------
        self : object
            Fitted ensemble.
        """
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        labels, indices = np.unique(y, return_inverse=True)
        intercept = self._weighting().intercept
        if intercept is not None and len(intercept) != len(labels):
            raise ValueError(
                f"y must have the {len(intercept)} classes for which the weights of "
                f"the stack were fitted. Got {len(labels)} classes. Pass "
                "combination=None for equal weights."
            )
        shape = np.shape(self.decision_threshold)
        if self.decision_threshold is not None and shape != (
            () if len(labels) == 2 else (len(labels),)
        ):
            kind = f"offsets of {shape[0]}" if shape else "a threshold of two"
            raise ValueError(
                f"decision_threshold must fit the {len(labels)} classes of y. Got "
                f"{kind} classes. Pass None for the most probable class."
            )
        self._fit_members(X, y if self.classes is None else indices)
        self._labels = labels
        return self

    @staticmethod
    def _default_members():
        return (
            make_pipeline(StandardScaler(), LogisticRegression()),
            DecisionTreeClassifier(min_samples_leaf=LEAF_SIZE, random_state=0),
        )

    def predict_proba(self, X):
        """Predict class probabilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Input samples.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Probabilities in the order of `classes_`; rows sum to one.
        """
        return self._weighting().apply(self.member_predictions(X))

    def _predict_with(self, model, X):
        n_classes = len(self.classes_)
        known = self.classes_ if self.classes is None else np.arange(n_classes)
        return _aligned(model, X, known)

    def predict(self, X):
        """Predict the class of each sample by `decision_threshold`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Input samples.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Predicted class labels.
        """
        decided = decide(self.predict_proba(X), self.decision_threshold)
        return self.classes_[decided]

    def vote_of(self, models):
        """Return a scikit-learn soft voting classifier of fitted models.

        Parameters
        ----------
        models : sequence of classifiers
            Fitted models, for instance of cross-validation folds.

        Returns
        -------
        vote : VotingClassifier
            A fitted voting classifier that predicts labels. It contains only the models
            with the largest number of classes, since a vote needs the same classes in
            all models.
        """
        # Imported here because the import is slow and rarely needed.
        from sklearn.ensemble import VotingClassifier

        most = max(models, key=lambda m: len(m.classes_)).classes_
        models = [m for m in models if np.array_equal(m.classes_, most)]
        vote = VotingClassifier(_named(models), voting="soft")
        vote.estimators_ = models
        vote.le_ = LabelEncoder()
        vote.le_.classes_ = most if self.classes is None else self.classes_[most]
        vote.classes_ = vote.le_.classes_
        return vote


class _WeightedEnsembleMultilabel(ClassifierMixin, _WeightedEnsemble):
    """Multi-label classifier that combines probabilities with fixed weights.

    Each label is combined as a binary problem, with the same weights.

    Parameters
    ----------
    members : sequence of (classifier or sequence of classifiers), default=()
        Fitted members, see `WeightedEnsembleClassifier`.
    combination : Combination, default=None
        Weights of the members, see `combine`.
    n_labels : int, default=2
        Number of labels.
    dtype : numpy.dtype, default=numpy.int64
        Type of the predicted indicators.
    decision_threshold : ndarray of shape (n_labels,), default=None
        Probability of each label above which it is predicted; None for 0.5.

    Attributes
    ----------
    classes_ : list of ndarray of shape (2,)
        Indicators 0 and 1 for each label, of type `dtype`.
    decision_threshold_ : ndarray of shape (n_labels,)
        `decision_threshold`; 0.5 for each label if that is None.

    Notes
    -----
    Private because scikit-learn's estimator checks use single-label targets with
    several classes for every classifier.
    """

    def __init__(
        self,
        members=(),
        combination=None,
        n_labels=2,
        dtype=np.int64,
        decision_threshold=None,
    ):
        self.members = members
        self.combination: Combination | None = combination
        self.n_labels = n_labels
        self.dtype = dtype
        self.decision_threshold = decision_threshold

    @property
    def classes_(self):
        """Indicators 0 and 1 for each label."""
        return label_classes(self.n_labels, self.dtype)

    @property
    def decision_threshold_(self):
        """How ``predict`` decides; see `decision_threshold`."""
        if self.decision_threshold is not None:
            return self.decision_threshold
        return untuned_decision(self.classes_)

    def fit(self, X, y):
        """Fit clones of the members; the weights do not change.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training samples.
        y : array-like of shape (n_samples, n_labels)
            Indicators of labels.

        Returns
        -------
        self : object
            Fitted ensemble.
        """
        self._fit_members(X, y)
        return self

    def predict_proba(self, X):
        """Predict the probability of each label.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Input samples.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_labels)
            Strictly between zero and one.
        """
        predictions = self.member_predictions(X)
        pairs = [p if p is None else as_pairs(p) for p in predictions]
        return of_pairs(self.combination.apply(pairs))

    def _predict_with(self, model, X):
        return label_probabilities(model, X)

    def predict(self, X):
        """Predict the labels of each sample by `decision_threshold`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Input samples.

        Returns
        -------
        indicators : ndarray of shape (n_samples, n_labels)
            Indicators of type `dtype`.
        """
        probabilities = self.predict_proba(X)
        return has_label(probabilities, self.decision_threshold_).astype(self.dtype)


class WeightedEnsembleRegressor(RegressorMixin, _WeightedEnsemble):
    """Regressor that combines the predictions of its members with fixed weights.

    Parameters
    ----------
    members : sequence of (regressor or sequence of regressors), default=None
        Members in the order of `combination`. The prediction of a member that is a
        sequence, for instance of the models of cross-validation folds, is the mean of
        its models' predictions. An ensemble of fitted members can predict without
        ``fit``. None for a ridge regression on standardized features and a decision
        tree.
    combination : Combination, default=None
        Weights of the members, see `combine`. None for equal weights.
    limits : tuple of (float or ndarray of shape (n_outputs,)), default=None
        Smallest and largest prediction of a member: predictions are clipped to this
        range before they are combined. Predictions of a single member are not clipped.
        None for no clipping.
    least : float, array-like of shape (n_outputs,) or None, default=None
        Smallest prediction of the ensemble, also of a single member: smaller ones are
        raised to it. None for no bound.

    Attributes
    ----------
    members_ : list of regressors
        Members that were fitted by ``fit``. Not defined for an ensemble of fitted
        members.
    n_features_in_ : int
        Number of features seen by the members during ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during ``fit``. Defined only if the feature names of `X`
        are all strings.

    See Also
    --------
    WeightedEnsembleClassifier : Weighted ensemble for classification.
    combine : Selects members and fits their weights.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> from sklearn_meta.ensemble import Combination, WeightedEnsembleRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> members = [Ridge(alpha=0.1), DecisionTreeRegressor(max_depth=3)]
    >>> weights = Combination("average", (0, 1), [0.7, 0.3])
    >>> ensemble = WeightedEnsembleRegressor(members, weights).fit(X, y)
    >>> ensemble.predict(X[:2]).shape
    (2,)
    """

    def __init__(self, members=None, combination=None, limits=None, least=None):
        self.members = members
        self.combination: Combination | None = combination
        self.limits = limits
        self.least = least

    def fit(self, X, y):
        """Fit clones of the members; the weights do not change.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.

        Returns
        -------
        self : object
            Fitted ensemble.
        """
        y = np.asarray(y)
        if y.ndim < 2 or y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        self._fit_members(X, y)
        return self

    @staticmethod
    def _default_members():
        return (
            make_pipeline(StandardScaler(), Ridge()),
            DecisionTreeRegressor(min_samples_leaf=LEAF_SIZE, random_state=0),
        )

    def predict(self, X):
        """Predict targets.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Input samples.

        Returns
        -------
        targets : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predicted targets.
        """
        predictions = self.member_predictions(X)
        combination = self._weighting()
        if self.limits is not None and combination.kind != SINGLE:
            predictions = [
                p if p is None else np.clip(p, *self.limits) for p in predictions
            ]
        combined = combination.apply_to_targets(predictions)
        return combined if self.least is None else np.maximum(combined, self.least)

    def _predict_with(self, model, X):
        return _targets(model, X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        members = [get_tags(_models(member)[0]) for member in self._member_list()]
        outputs = [member.target_tags.multi_output for member in members]
        tags.target_tags.multi_output = all(outputs)
        return tags

    def vote_of(self, models):
        """Return a scikit-learn voting regressor of fitted models.

        Parameters
        ----------
        models : sequence of regressors
            Fitted models, for instance of cross-validation folds.

        Returns
        -------
        vote : VotingRegressor
            A fitted voting regressor, which predicts the mean of the models.
        """
        # Imported here because the import is slow and rarely needed.
        from sklearn.ensemble import VotingRegressor

        vote = VotingRegressor(_named(models))
        vote.estimators_ = list(models)
        return vote


def _models(member):
    """Return the models of a member: itself, or those of a sequence."""
    return member if isinstance(member, list | tuple) else (member,)


def _named(models):
    return [(f"fold{i}", model) for i, model in enumerate(models)]


def _targets(model, X):
    """Predict targets, in one dimension for a single output."""
    targets = np.asarray(model.predict(X))
    return np.ravel(targets) if targets.shape[1:] == (1,) else targets


def _aligned(model, X, known):
    """Predict probabilities with one column for each of the known classes."""
    probabilities = np.asarray(model.predict_proba(X), dtype=np.float64)
    if len(model.classes_) == len(known):
        # The columns are in the same order for labels and for indices.
        return probabilities
    full = np.zeros((len(probabilities), len(known)))
    full[:, np.searchsorted(known, model.classes_)] = probabilities
    return full
