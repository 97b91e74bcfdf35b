"""Everything that differs between classification and regression, in one place.

All tasks have the same attributes: `name` selects operators; `is_classifier` says
whether classes or numbers are predicted; `n_classes` is that of one
output and `n_outputs` the number of columns of the target; `stratifies` says whether
each row has one class, so that splits can keep their shares; `default_scoring` is what
``scoring=None`` stands for and `fast_scorings` are the scorers of scikit-learn that
`sklearn_meta.evaluation._scoring` computes itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION

# Smallest probability that a class is given where a member has never seen it; the
# logarithm of it is what one such row costs.
SMALLEST_PROBABILITY = 1e-7

# How far beyond the targets seen in `fit` a member of an ensemble may predict, as a
# share of their range.
EXTRAPOLATION = 0.25


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
    is_classifier: bool = True
    default_scoring: str = "neg_log_loss"
    fast_scorings: tuple[str, ...] = ("neg_log_loss", "accuracy")
    n_outputs: int = 1
    stratifies: bool = True

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
class MultilabelTask:
    """Predict which of several labels a row has; predictions are their probabilities.

    Each label is a problem of two classes: it is there, or it is not.

    Parameters
    ----------
    n_outputs : int
        Number of labels.
    dtype : numpy.dtype
        Of the indicators as the user gave them. Inside, they are int64.
    """

    n_outputs: int
    dtype: np.dtype
    name: str = CLASSIFICATION
    is_classifier: bool = True
    default_scoring: str = "neg_binary_log_loss"
    fast_scorings: tuple[str, ...] = ()
    n_classes: int = 2
    stratifies: bool = False

    @property
    def classes(self):
        """`classes_` of the estimator, see `label_classes`."""
        return label_classes(self.n_outputs, self.dtype)

    def encode(self, y):
        """Return the indicators as int64."""
        return np.asarray(y, dtype=np.int64)

    def decode(self, y):
        """Return the indicators in the user's type."""
        return y.astype(self.dtype)

    def predict(self, estimator, X):
        """Return the probability of each label, float32 (n_samples, n_outputs)."""
        return label_probabilities(estimator, X).astype(np.float32)

    def as_estimator(self, predictions):
        """Return a fitted classifier that answers with `predictions`."""
        return _KnownLabels(predictions, self.dtype)


@dataclass(frozen=True)
class RegressionTask:
    """Predict a number, or several.

    Parameters
    ----------
    n_outputs : int, default=1
        With one, targets and predictions have the shape (n_samples,), with more
        (n_samples, n_outputs).
    """

    n_outputs: int = 1
    name: str = REGRESSION
    is_classifier: bool = False
    default_scoring: str = "neg_root_mean_squared_error"
    fast_scorings: tuple[str, ...] = (
        "neg_root_mean_squared_error",
        "neg_mean_squared_error",
        "neg_mean_absolute_error",
    )
    n_classes: int = 1
    stratifies: bool = False

    def encode(self, y):
        """Return the target as float64."""
        return np.asarray(y, dtype=np.float64)

    def decode(self, y):
        """Return the target as it is."""
        return y

    def predict(self, estimator, X):
        """Return predicted targets, float32 of the shape of the target."""
        shape = (-1,) if self.n_outputs == 1 else (-1, self.n_outputs)
        return np.asarray(estimator.predict(X)).reshape(shape).astype(np.float32)

    def limits(self, y):
        """Return the least and the greatest target that an ensemble member may say.

        A linear model that meets a row far from all others says anything, and with a
        quarter of the weight it ruins the mean: on one table of 118 rows and 57 columns
        it said 6 where all targets were between 35 and 46. Conditional means lie well
        inside the range of the targets; `EXTRAPOLATION` leaves room for a trend.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)

        Returns
        -------
        limits : tuple of (float or ndarray)
        """
        least, greatest = y.min(axis=0), y.max(axis=0)
        room = EXTRAPOLATION * (greatest - least)
        return least - room, greatest + room

    def as_estimator(self, predictions):
        """Return a fitted regressor that answers with `predictions`."""
        return _KnownTargets(predictions)


Task = ClassificationTask | MultilabelTask | RegressionTask


def label_probabilities(estimator, X):
    """Return the probability of each label, whatever way the classifier says it.

    scikit-learn knows two: an array with a column for each label (`MLPClassifier`,
    `OneVsRestClassifier`), and a list with the class probabilities of each label
    (forests, neighbors, `MultiOutputClassifier`), one column of which is lacking where
    the training rows agree on the label.

    Parameters
    ----------
    estimator : fitted classifier of several labels
    X : array-like of shape (n_samples, n_features)

    Returns
    -------
    probabilities : ndarray of shape (n_samples, n_labels), float64
        Between `SMALLEST_PROBABILITY` and one minus it: what no training row had is
        not impossible.
    """
    given = estimator.predict_proba(X)
    if isinstance(given, list):
        given = np.column_stack(
            [
                np.asarray(p)[:, np.asarray(classes).astype(bool)].sum(axis=1)
                for p, classes in zip(given, estimator.classes_, strict=True)
            ]
        )
    given = np.asarray(given, dtype=np.float64)
    return np.clip(given, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)


def label_classes(n_labels, dtype):
    """Return the `classes_` of a multi-label classifier: "no" and "yes" of each label.

    As in forests and in `MultiOutputClassifier`. The other convention, the indices of
    the labels, makes scikit-learn's scorers take two labels for two classes.
    """
    return [np.array([0, 1], dtype=dtype) for _ in range(n_labels)]


def has_label(probabilities):
    """Return whether each label is more probable than not."""
    return np.asarray(probabilities) > 0.5


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
        # Stored in single precision; scorers want sums of one in double.
        probabilities = np.asarray(self.probabilities, dtype=np.float64)
        return probabilities / probabilities.sum(axis=1, keepdims=True)

    def predict(self, X):
        return self.classes[np.argmax(self.probabilities, axis=1)]


class _KnownLabels(ClassifierMixin, BaseEstimator):
    """Fitted multi-label classifier whose probabilities for the one X are known."""

    def __init__(self, probabilities, dtype):
        self.probabilities = probabilities
        self.dtype = dtype

    @property
    def classes_(self):
        return label_classes(np.shape(self.probabilities)[1], self.dtype)

    def __sklearn_is_fitted__(self):
        return True

    def fit(self, X, y):
        return self

    def predict_proba(self, X):
        return np.asarray(self.probabilities, dtype=np.float64)

    def predict(self, X):
        return has_label(self.probabilities).astype(self.dtype)


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
