"""Everything that differs between classification and regression, in one place."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from sklearn_meta.pipelines._operators import CLASSIFICATION, REGRESSION

# Smallest probability that a class is given where a member has never seen it; the
# logarithm of it is what one such row costs.
SMALLEST_PROBABILITY = 1e-7


@dataclass(frozen=True)
class ClassificationTask:
    """Predict one of several classes; predictions are class probabilities.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Sorted labels as the user gave them. Inside, a class is its index here.
    """

    classes: np.ndarray = field(compare=False)
    name: str = CLASSIFICATION
    default_scoring: str = "neg_log_loss"

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    def encode(self, y):
        """Return the index of each label in `classes`."""
        return np.searchsorted(self.classes, y)

    def decode(self, y):
        """Return the label of each index."""
        return self.classes[y]

    def predict(self, estimator, X):
        """Return class probabilities, one column for each class of the task.

        Parameters
        ----------
        estimator : fitted classifier
            Its `classes_` are indices into `classes`, not necessarily all of them.
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        predictions : ndarray of shape (n_samples, n_classes), float32
        """
        probabilities = np.asarray(estimator.predict_proba(X))
        if probabilities.shape[1] != self.n_classes:
            # A training fold without the rarest classes.
            seen = np.asarray(estimator.classes_, dtype=int)
            full = np.zeros((probabilities.shape[0], self.n_classes))
            full[:, seen] = probabilities
            probabilities = full
        return probabilities.astype(np.float32)

    def as_estimator(self, predictions):
        """Return a fitted classifier that answers with `predictions`."""
        return _KnownProbabilities(predictions, self.classes)


@dataclass(frozen=True)
class RegressionTask:
    """Predict a number."""

    name: str = REGRESSION
    default_scoring: str = "neg_root_mean_squared_error"
    n_classes: int = 1

    def encode(self, y):
        """Return the target as float64."""
        return np.asarray(y, dtype=np.float64)

    def decode(self, y):
        """Return the target as it is."""
        return y

    def predict(self, estimator, X):
        """Return predicted targets, float32 of shape (n_samples,)."""
        return np.asarray(estimator.predict(X)).reshape(-1).astype(np.float32)

    def as_estimator(self, predictions):
        """Return a fitted regressor that answers with `predictions`."""
        return _KnownTargets(predictions)


Task = ClassificationTask | RegressionTask


class _KnownProbabilities(ClassifierMixin, BaseEstimator):
    """Fitted classifier whose probabilities for the one X it is asked are known."""

    def __init__(self, probabilities, classes):
        self.probabilities = probabilities
        self.classes = classes

    @property
    def classes_(self):
        return self.classes

    def __sklearn_is_fitted__(self):
        return True

    def fit(self, X, y):
        return self

    def predict_proba(self, X):
        return np.asarray(self.probabilities, dtype=np.float64)

    def predict(self, X):
        return self.classes[np.argmax(self.probabilities, axis=1)]


class _KnownTargets(RegressorMixin, BaseEstimator):
    """Fitted regressor whose predictions for the one X it is asked are known."""

    def __init__(self, targets):
        self.targets = targets

    def __sklearn_is_fitted__(self):
        return True

    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.asarray(self.targets, dtype=np.float64)
