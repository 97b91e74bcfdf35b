"""The fitted combination as an estimator."""

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

# Rows in a leaf of the tree in an ensemble that nobody gave members.
LEAF_SIZE = 5


class _WeightedEnsemble(BaseEstimator):
    def __sklearn_is_fitted__(self):
        if not hasattr(self, "members_") and not self.members:
            return False
        try:
            for member in self._asked():
                if member is not None:
                    check_is_fitted(_models(member)[0])
        except NotFittedError:
            return False
        return True

    def _given(self):
        """Members as they were given, or those of an ensemble without any."""
        return self._default_members() if self.members is None else self.members

    def _weighting(self):
        """Combination as it was given, or the plain average."""
        if self.combination is not None:
            return self.combination
        n = len(self._given())
        return Combination(AVERAGE, tuple(range(n)), np.full(n, 1 / n))

    def _asked(self):
        """Members with a weight; None in the place of the others."""
        members = getattr(self, "members_", None) or self._given()
        pairs = zip(members, self._weighting().weights, strict=True)
        return [member if weight > 0 else None for member, weight in pairs]

    def _predictions(self, X, predict):
        """Mean of ``predict(model, X)`` of the models of each member."""
        check_is_fitted(self)
        return [
            member
            if member is None
            else np.mean([predict(model, X) for model in _models(member)], axis=0)
            for member in self._asked()
        ]

    def _fit_members(self, X, y):
        self.members_ = [clone(_models(m)[0]).fit(X, y) for m in self._given()]
        first = self.members_[0]
        if hasattr(first, "feature_names_in_"):
            self.feature_names_in_ = first.feature_names_in_
        else:
            vars(self).pop("feature_names_in_", None)

    @property
    def n_features_in_(self):
        """Number of columns that the members were fitted on."""
        asked = [member for member in self._asked() if member is not None]
        return _models(asked[0])[0].n_features_in_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        members = [get_tags(_models(member)[0]) for member in self._given()]
        # The input meets every member, so it is what all of them take.
        tags.input_tags.sparse = all(m.input_tags.sparse for m in members)
        tags.input_tags.allow_nan = all(m.input_tags.allow_nan for m in members)
        tags.non_deterministic = any(m.non_deterministic for m in members)
        return tags


class WeightedEnsembleClassifier(ClassifierMixin, _WeightedEnsemble):
    """Classifiers whose probabilities are combined with fixed weights.

    Parameters
    ----------
    members : sequence of classifiers, or of sequences of classifiers, default=None
        One for each member of `combination`, in its order. A member that is a sequence
        stands for the mean of its models' probabilities (the models of the folds).
        Fitted ones predict at once, others need ``fit``. None is a logistic regression
        on scaled columns and a decision tree, which err in different places.
    combination : Combination, default=None
        Weights, see `combine`. None weighs all members equally.
    classes : ndarray of shape (n_classes,), default=None
        Sorted labels. A model that has seen them all may predict labels or indices into
        them; one that has not predicts indices, and gives the others no probability.
        None if the members predict the labels themselves.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted labels.
    members_ : list of classifiers
        Those that ``fit`` has fitted; only after ``fit``.
    n_features_in_ : int
        Number of columns that the members were fitted on.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns seen in ``fit``, if they are strings.

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

    def __init__(self, members=None, combination=None, classes=None):
        self.members = members
        self.combination: Combination | None = combination
        self.classes = classes

    @property
    def classes_(self):
        """Sorted labels."""
        if hasattr(self, "_labels"):
            return self._labels
        if self.classes is not None:
            return np.asarray(self.classes)
        if not self.members:
            raise AttributeError("An ensemble without members has no classes_.")
        seen = [m.classes_ for models in self.members for m in _models(models)]
        return np.unique(np.concatenate(seen))

    def fit(self, X, y):
        """Fit the members anew on other rows; the weights stay.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,)
            Class labels.

        Returns
        -------
        self : object
            The fitted ensemble.
        """
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        labels, indices = np.unique(y, return_inverse=True)
        intercept = self._weighting().intercept
        if intercept is not None and len(intercept) != len(labels):
            raise ValueError(
                f"y must have the {len(intercept)} classes that the weights of the "
                f"stack were fitted for. Got {len(labels)} classes."
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
        """Return the probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Rows sum to one.
        """
        return self._weighting().apply(self._predictions(X, self._probabilities))

    def _probabilities(self, model, X):
        n_classes = len(self.classes_)
        known = self.classes_ if self.classes is None else np.arange(n_classes)
        return _aligned(model, X, known)

    def predict(self, X):
        """The most probable label of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Most probable label of each row.
        """
        most_probable = np.argmax(self.predict_proba(X), axis=1)
        return self.classes_[most_probable]

    def vote_of(self, models):
        """Return a plain scikit-learn soft vote of fitted models.

        Parameters
        ----------
        models : sequence of fitted classifiers
            Models of one member, or of several.

        Returns
        -------
        vote : fitted VotingClassifier
            Of the models that have seen the most classes: a vote needs the same columns
            of all. It predicts the labels.
        """
        # Heavy to import, and rarely needed.
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
    """Multi-label classifiers whose probabilities are combined with fixed weights.

    Each label is combined as a problem of two classes, with the same weights.

    Parameters
    ----------
    members : sequence of fitted classifiers, or of sequences of fitted classifiers
        As of `WeightedEnsembleClassifier`.
    combination : Combination
        Weights, see `combine`.
    n_labels : int, default=2
        Number of labels.
    dtype : numpy.dtype, default=numpy.int64
        Of the indicators that are predicted.

    Attributes
    ----------
    classes_ : list of ndarray of shape (2,)
        No and yes for each label, in the type of the indicators.

    Notes
    -----
    Private: scikit-learn's checks give every classifier a target of one column with
    several classes, which this one has no use for.
    """

    def __init__(self, members=(), combination=None, n_labels=2, dtype=np.int64):
        self.members = members
        self.combination: Combination | None = combination
        self.n_labels = n_labels
        self.dtype = dtype

    @property
    def classes_(self):
        """No and yes for each label."""
        return label_classes(self.n_labels, self.dtype)

    def fit(self, X, y):
        """Fit the members anew on other rows; the weights stay.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples, n_labels)

        Returns
        -------
        self : object
        """
        self._fit_members(X, y)
        return self

    def predict_proba(self, X):
        """Probability of each label.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_labels)
            Between zero and one, which they do not reach.
        """
        predictions = self._predictions(X, label_probabilities)
        pairs = [p if p is None else as_pairs(p) for p in predictions]
        return of_pairs(self.combination.apply(pairs))

    def predict(self, X):
        """Which labels each row has: those that are more probable than not.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        indicators : ndarray of shape (n_samples, n_labels)
        """
        return has_label(self.predict_proba(X)).astype(self.dtype)


class WeightedEnsembleRegressor(RegressorMixin, _WeightedEnsemble):
    """Regressors whose predictions are combined with fixed weights.

    Parameters
    ----------
    members : sequence of regressors, or of sequences of regressors, default=None
        One for each member of `combination`, in its order. A member that is a sequence
        stands for the mean of its models' predictions (the models of the folds).
        Fitted ones predict at once, others need ``fit``. None is a ridge regression on
        scaled columns and a decision tree, which err in different places.
    combination : Combination, default=None
        Weights, see `combine`. None weighs all members equally.
    limits : tuple of (float or ndarray), default=None
        Least and greatest target that a member may say; what is beyond is cut off
        before it is combined. A single member is left as it is. None for no limits.

    Attributes
    ----------
    members_ : list of regressors
        Those that ``fit`` has fitted; only after ``fit``.
    n_features_in_ : int
        Number of columns that the members were fitted on.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns seen in ``fit``, if they are strings.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.dummy import DummyRegressor
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn_meta.ensemble import Combination, WeightedEnsembleRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> members = [Ridge().fit(X, y), DummyRegressor().fit(X, y)]
    >>> weights = Combination("average", (0, 1), [0.7, 0.3])
    >>> WeightedEnsembleRegressor(members, weights).predict(X).shape
    (442,)
    """

    def __init__(self, members=None, combination=None, limits=None):
        self.members = members
        self.combination: Combination | None = combination
        self.limits = limits

    def fit(self, X, y):
        """Fit the members anew on other rows; the weights stay.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.

        Returns
        -------
        self : object
            The fitted ensemble.
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
        """Predicted targets.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        targets : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Combined predictions.
        """
        predictions = self._predictions(X, _targets)
        combination = self._weighting()
        if self.limits is not None and combination.kind != SINGLE:
            predictions = [
                p if p is None else np.clip(p, *self.limits) for p in predictions
            ]
        return combination.apply_to_targets(predictions)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        members = [get_tags(_models(member)[0]) for member in self._given()]
        outputs = [member.target_tags.multi_output for member in members]
        tags.target_tags.multi_output = all(outputs)
        return tags

    def vote_of(self, models):
        """Return a plain scikit-learn mean of fitted models.

        Parameters
        ----------
        models : sequence of fitted regressors
            Models of one member, or of several.

        Returns
        -------
        vote : fitted VotingRegressor
            Plain mean of the models.
        """
        # Heavy to import, and rarely needed.
        from sklearn.ensemble import VotingRegressor

        vote = VotingRegressor(_named(models))
        vote.estimators_ = list(models)
        return vote


def _models(member):
    """The models of a member: itself, or those of the folds."""
    return member if isinstance(member, list | tuple) else (member,)


def _named(models):
    return [(f"fold{i}", model) for i, model in enumerate(models)]


def _targets(model, X):
    """Predicted targets; in one dimension where there is one output."""
    targets = np.asarray(model.predict(X))
    return np.ravel(targets) if targets.shape[1:] == (1,) else targets


def _aligned(model, X, known):
    """Probabilities of a model with one column for each of the known classes."""
    probabilities = np.asarray(model.predict_proba(X), dtype=np.float64)
    if len(model.classes_) == len(known):
        # Labels or indices: the columns are in the same order.
        return probabilities
    full = np.zeros((len(probabilities), len(known)))
    full[:, np.searchsorted(known, model.classes_)] = probabilities
    return full
