"""Tasks: everything that differs between classification and regression.

All tasks have the same attributes:

- `name`: name of the task, which selects operators;
- `is_classifier`: whether classes are predicted;
- `n_classes`: number of classes of one output (1 for regression);
- `n_outputs`: number of columns of the target;
- `stratifies`: whether each row has one class, so that splits can be stratified;
- `loss`, `least`: loss that `scoring` judges, and smallest prediction; see
  `RegressionTask`, None for classes;
- `default_scoring`: scorer name for ``scoring=None``;
- `fast_scorings`: names of scikit-learn's scorers that
  `sklearn_meta.evaluation._scoring` computes from stored predictions;
- `target_scaler`: transformer of the target that learners need, None for most tables;
- `comparable`: predictions of which differences mean the same for all outputs.
- `methods`: methods of the fitted estimator that predict.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from sklearn_meta.data._loss import Loss
from sklearn_meta.data._target_scale import TargetScale
from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION
from sklearn_meta.pipelines._spec import Spec

# Lower bound of probabilities in the log loss, also for classes that a model has not
# seen. Its logarithm is the loss of a row of such a class.
SMALLEST_PROBABILITY = 1e-7

# Maximum distance of predictions of an ensemble member from the range of the targets
# seen in `fit`, as a multiple of this range: for rows like those seen in `fit`, and for
# later rows, to which a trend continues. What explodes goes further than ten ranges.
EXTRAPOLATION, EXTRAPOLATION_IN_TIME = 0.25, 10.0


# Smallest prediction of any model, as a share of the least one of learners of other
# losses, where predictions must be positive.
LOWEST_SHARE = 1e-6


@dataclass(frozen=True)
class ClassificationTask:
    """Single-label classification; predictions are class probabilities.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Sorted class labels. Encoded targets are indices into it.
    """

    classes: np.ndarray = field(compare=False)
    name: str = CLASSIFICATION
    is_classifier: bool = True
    default_scoring: str = "neg_log_loss"
    fast_scorings: tuple[str, ...] = ("neg_log_loss", "accuracy")
    n_outputs: int = 1
    stratifies: bool = True
    target_scaler: None = None
    methods: tuple[str, ...] = (
        "predict",
        "predict_proba",
        "predict_log_proba",
        "decision_function",
    )
    loss: None = None
    least: None = None

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    def encode(self, y):
        """Encode labels as indices into `classes`."""
        return np.searchsorted(self.classes, y)

    def decode(self, y):
        """Decode indices into `classes` to labels."""
        return self.classes[y]

    def predict(self, estimator, X):
        """Predict class probabilities, with one column per class of the task.

        Parameters
        ----------
        estimator : classifier
            Fitted classifier. Its ``classes_`` are indices into `classes`, possibly not
            all of them.
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        predictions : ndarray of shape (n_samples, n_classes)
            Probabilities as float32; zero for classes that are not in ``classes_``.
        """
        probabilities = np.asarray(estimator.predict_proba(X))
        if probabilities.shape[1] != self.n_classes:
            # The training fold did not contain the rarest classes.
            seen = np.asarray(estimator.classes_, dtype=int)
            full = np.zeros((probabilities.shape[0], self.n_classes))
            full[:, seen] = probabilities
            probabilities = full
        return probabilities.astype(np.float32)

    def comparable(self, predictions):
        """Return the probabilities unchanged."""
        return predictions

    def as_estimator(self, predictions):
        """Return a fitted classifier that predicts stored probabilities."""
        return _StoredProbabilities(predictions, self.classes)

    def as_deciding_estimator(self, predictions):
        """Return a fitted classifier with a decision function as well."""
        return _StoredDecisions(predictions, self.classes)


@dataclass(frozen=True)
class MultilabelTask:
    """Multi-label classification; predictions are the probabilities of the labels.

    Each label is a binary problem.

    Parameters
    ----------
    n_outputs : int
        Number of labels.
    dtype : numpy.dtype
        Type of the indicators in the target. Encoded indicators are int64.
    """

    n_outputs: int
    dtype: np.dtype
    name: str = CLASSIFICATION
    is_classifier: bool = True
    default_scoring: str = "neg_binary_log_loss"
    fast_scorings: tuple[str, ...] = ()
    n_classes: int = 2
    stratifies: bool = False
    target_scaler: None = None
    methods: tuple[str, ...] = ("predict", "predict_proba", "predict_log_proba")
    loss: None = None
    least: None = None

    @property
    def classes(self):
        """Attribute ``classes_`` of the estimator, see `label_classes`."""
        return label_classes(self.n_outputs, self.dtype)

    def encode(self, y):
        """Encode indicators as int64."""
        return np.asarray(y, dtype=np.int64)

    def decode(self, y):
        """Decode indicators to `dtype`."""
        return y.astype(self.dtype)

    def predict(self, estimator, X):
        """Predict the probability of each label.

        Parameters
        ----------
        estimator : classifier
            Fitted multi-label classifier.
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        predictions : ndarray of shape (n_samples, n_outputs)
            Probabilities as float32.
        """
        return label_probabilities(estimator, X).astype(np.float32)

    def comparable(self, predictions):
        """Return the probabilities unchanged."""
        return predictions

    def as_estimator(self, predictions):
        """Return a fitted classifier that predicts stored probabilities."""
        return _StoredLabels(predictions, self.dtype)


@dataclass(frozen=True)
class RegressionTask:
    """Regression with one or several targets.

    Parameters
    ----------
    n_outputs : int, default=1
        Number of targets. Targets and predictions have the shape (n_samples,) for one
        and (n_samples, n_outputs) for several.
    scale : TargetScale, default=None
        Location and scale of the targets; None if they do not matter, because nothing
        is fitted.
    loss : Loss or None, default=None
        Loss that `scoring` judges; None for the squared error and for unknown ones.
    least : float, tuple of float or None, default=None
        Smallest prediction of learners of other losses, see `Loss.least`: smaller ones
        are raised to it. None for no bound.
    """

    n_outputs: int = 1
    scale: TargetScale | None = field(default=None, compare=False, repr=False)
    loss: Loss | None = None
    least: float | tuple[float, ...] | None = None
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
    methods: tuple[str, ...] = ("predict",)

    @property
    def target_scaler(self) -> Spec | None:
        """Transformer of targets that are far from zero or of an extreme scale."""
        # A deviance is not defined for standardized targets.
        if self.scale is None or self.least is not None:
            return None
        return self.scale.scaler()

    def comparable(self, predictions):
        """Return predictions of several outputs in units that can be compared."""
        if self.n_outputs == 1 or self.scale is None:
            return predictions
        return self.scale.standardize(predictions)

    @property
    def lowest(self) -> float | np.ndarray | None:
        """Smallest prediction of any model; None for no bound.

        Learners of the loss know best how near to zero they may go.
        """
        if self.least is None:
            return None
        least = np.asarray(self.least)
        lowest = np.where(least > 0, LOWEST_SHARE * least, least)
        return lowest if lowest.ndim else float(lowest)

    def encode(self, y):
        """Encode the target as float64."""
        return np.asarray(y, dtype=np.float64)

    def decode(self, y):
        """Return the target unchanged."""
        return y

    def predict(self, estimator, X):
        """Predict targets.

        Parameters
        ----------
        estimator : regressor
            Fitted regressor.
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        predictions : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Targets as float64: in single precision, times in seconds since 1970 are
            multiples of 128.
        """
        shape = (-1,) if self.n_outputs == 1 else (-1, self.n_outputs)
        targets = np.asarray(estimator.predict(X), dtype=np.float64).reshape(shape)
        return targets if self.least is None else np.maximum(targets, self.lowest)

    def limits(self, y, extrapolation=EXTRAPOLATION):
        """Return the limits to which predictions of ensemble members are clipped.

        A linear model extrapolates without bounds on rows far from the training data,
        and a quarter of the weight is enough to spoil the average: on a table of 118
        rows and 57 columns, one predicted 6 although all targets were between 35 and
        46. Conditional means are usually inside the range of the targets.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Targets seen in `fit`.
        extrapolation : float, default=EXTRAPOLATION
            Room beyond the range of `y` on both sides, as a multiple of this range.

        Returns
        -------
        limits : tuple of (float or ndarray of shape (n_outputs,))
            Smallest and largest prediction.
        """
        least, greatest = y.min(axis=0), y.max(axis=0)
        room = extrapolation * (greatest - least)
        lowest = least - room
        if self.least is not None:
            lowest = np.maximum(lowest, self.lowest)
        return lowest, greatest + room

    def as_estimator(self, predictions):
        """Return a fitted regressor that predicts stored targets."""
        return _StoredTargets(predictions)


Task = ClassificationTask | MultilabelTask | RegressionTask


def label_probabilities(estimator, X):
    """Predict the probability of each label with a multi-label classifier.

    scikit-learn has two formats of ``predict_proba``: an array with one column per
    label (`MLPClassifier`, `OneVsRestClassifier`), and a list of the class
    probabilities of each label (forests, neighbors, `MultiOutputClassifier`), with a
    single column for labels that are constant in the training rows.

    Parameters
    ----------
    estimator : classifier
        Fitted multi-label classifier.
    X : array-like of shape (n_samples, n_features)

    Returns
    -------
    probabilities : ndarray of shape (n_samples, n_labels)
        Probabilities as float64, clipped to `SMALLEST_PROBABILITY` and one minus it:
        labels that are constant in the training rows may vary in new rows.
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
    """Return the attribute ``classes_`` of a multi-label classifier.

    The format is that of forests and of `MultiOutputClassifier`. With the other format
    of scikit-learn, the indices of the labels, scorers would treat two labels as two
    classes.

    Parameters
    ----------
    n_labels : int
    dtype : numpy.dtype
        Type of the indicators.

    Returns
    -------
    classes : list of ndarray of shape (2,)
        Indicators 0 and 1 for each label.
    """
    return [np.array([0, 1], dtype=dtype) for _ in range(n_labels)]


def has_label(probabilities, thresholds=0.5):
    """Predict the labels with a probability above a threshold.

    Parameters
    ----------
    probabilities : array-like of shape (n_samples, n_labels)
    thresholds : float or ndarray of shape (n_labels,), default=0.5

    Returns
    -------
    labels : ndarray of bool of shape (n_samples, n_labels)
    """
    return np.asarray(probabilities) > thresholds


def decision_values(probabilities):
    """Return the decision function that class probabilities imply.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_classes)

    Returns
    -------
    decision : ndarray of shape (n_samples,) or (n_samples, n_classes)
        Log-odds of the second of two classes; log-probabilities of more classes.
        Finite: a probability of zero counts as the smallest float64.
    """
    smallest = np.finfo(np.float64).tiny
    logarithms = np.log(np.maximum(probabilities, smallest))
    if logarithms.shape[1] == 2:
        return logarithms[:, 1] - logarithms[:, 0]
    return logarithms


class _StoredProbabilities(ClassifierMixin, BaseEstimator):
    """Fitted classifier that predicts stored probabilities, whatever X."""

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
        # Stored in single precision, but scorers check that rows sum to one in double
        # precision.
        probabilities = np.asarray(self.probabilities, dtype=np.float64)
        return probabilities / probabilities.sum(axis=1, keepdims=True)

    def predict(self, X):
        return self.classes[np.argmax(self.probabilities, axis=1)]


class _StoredDecisions(_StoredProbabilities):
    """The same with a decision function, which some scorers prefer to probabilities."""

    def decision_function(self, X):
        return decision_values(self.predict_proba(X))


class _StoredLabels(ClassifierMixin, BaseEstimator):
    """Fitted multi-label classifier that predicts stored probabilities, whatever X."""

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
        # A copy, which a scorer may change.
        return np.array(self.probabilities, dtype=np.float64)

    def predict(self, X):
        return has_label(self.probabilities).astype(self.dtype)


class _StoredTargets(RegressorMixin, BaseEstimator):
    """Fitted regressor that predicts stored targets, whatever X."""

    def __init__(self, targets):
        self.targets = targets

    def __sklearn_is_fitted__(self):
        return True

    def fit(self, X, y):
        return self

    def predict(self, X):
        # A copy, which a scorer may change.
        return np.array(self.targets, dtype=np.float64)
