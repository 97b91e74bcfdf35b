"""The fitted combination as an estimator."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import LabelEncoder
from sklearn.utils.validation import check_is_fitted

from sklearn_meta._task import has_label, label_classes, label_probabilities
from sklearn_meta.ensemble._combination import (
    SINGLE,
    Combination,
    as_pairs,
    of_pairs,
)


class _WeightedEnsemble(BaseEstimator):
    def __sklearn_is_fitted__(self):
        if not len(self.members) or self.combination is None:
            return False
        try:
            for member in self._asked():
                if member is not None:
                    check_is_fitted(_models(member)[0])
        except NotFittedError:
            return False
        return True

    def _asked(self):
        """Members with a weight; None in the place of the others."""
        members = getattr(self, "members_", self.members)
        pairs = zip(members, self.combination.weights, strict=True)
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

    def fit(self, X, y):
        """Fit the members anew on other rows; the weights stay.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)

        Returns
        -------
        self : object
        """
        self.members_ = self._fit_members(X, y)
        return self

    def _fit_members(self, X, y):
        return [clone(_models(member)[0]).fit(X, y) for member in self.members]

    @property
    def n_features_in_(self):
        """Number of columns that the members were fitted on."""
        asked = [member for member in self._asked() if member is not None]
        return _models(asked[0])[0].n_features_in_


class WeightedEnsembleClassifier(ClassifierMixin, _WeightedEnsemble):
    """Classifiers whose probabilities are combined with fixed weights.

    Parameters
    ----------
    members : sequence of fitted classifiers, or of sequences of fitted classifiers
        One for each member of `combination`, in its order. A member that is a sequence
        stands for the mean of its models' probabilities (the models of the folds).
    combination : Combination
        Weights, see `combine`.
    classes : ndarray of shape (n_classes,), default=None
        Sorted labels. A model that has seen them all may predict labels or indices into
        them; one that has not predicts indices, and gives the others no probability.
        None if the members predict the labels themselves.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted labels.
    """

    def __init__(self, members=(), combination=None, classes=None):
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
        seen = [m.classes_ for models in self.members for m in _models(models)]
        if not seen:
            raise AttributeError("An ensemble without members has no classes_.")
        return np.unique(np.concatenate(seen))

    def fit(self, X, y):
        """Fit the members anew on other rows; the weights stay.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)

        Returns
        -------
        self : object
        """
        labels, indices = np.unique(y, return_inverse=True)
        intercept = self.combination.intercept
        if intercept is not None and len(intercept) != len(labels):
            raise ValueError(
                f"y must have the {len(intercept)} classes that the weights of the "
                f"stack were fitted for. Got {len(labels)} classes."
            )
        self.members_ = self._fit_members(X, y if self.classes is None else indices)
        self._labels = labels
        return self

    def predict_proba(self, X):
        """Probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Rows sum to one.
        """
        labels = self.classes_
        known = labels if self.classes is None else np.arange(len(labels))
        return self.combination.apply(
            self._predictions(X, lambda model, X: _aligned(model, X, known))
        )

    def predict(self, X):
        """The most probable label of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        return self.classes_[np.argmax(self.predict_proba(X), axis=1)]

    def vote_of(self, models):
        """Return a plain scikit-learn soft vote of fitted models.

        Parameters
        ----------
        models : sequence of fitted classifiers

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


class WeightedEnsembleMultilabel(ClassifierMixin, _WeightedEnsemble):
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
    members : sequence of fitted regressors, or of sequences of fitted regressors
        One for each member of `combination`, in its order. A member that is a sequence
        stands for the mean of its models' predictions (the models of the folds).
    combination : Combination
        Weights, see `combine`.
    limits : tuple of (float or ndarray), default=None
        Least and greatest target that a member may say; what is beyond is cut off
        before it is combined. A single member is left as it is. None for no limits.
    """

    def __init__(self, members=(), combination=None, limits=None):
        self.members = members
        self.combination: Combination | None = combination
        self.limits = limits

    def predict(self, X):
        """Predicted targets.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        targets : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        predictions = self._predictions(X, _targets)
        if self.limits is not None and self.combination.kind != SINGLE:
            predictions = [
                p if p is None else np.clip(p, *self.limits) for p in predictions
            ]
        return self.combination.apply_to_targets(predictions)

    def vote_of(self, models):
        """Return a plain scikit-learn mean of fitted models.

        Parameters
        ----------
        models : sequence of fitted regressors

        Returns
        -------
        vote : fitted VotingRegressor
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
