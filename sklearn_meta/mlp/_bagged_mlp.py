"""`BaggedMLPClassifier` and `BaggedMLPRegressor`: bagged MLPs with early stopping.

``fit`` scales the columns, splits the rows into folds, and trains one member for each
fold, which is stopped early on it.
"""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_meta._sklearn_compat import Interval, _fit_context
from sklearn_meta.data._copies import find_copies
from sklearn_meta.mlp._early_stopping import (
    SoftmaxLoss,
    SquaredLoss,
    TrainingOptions,
    temperature_on_grid,
    train_members,
)
from sklearn_meta.mlp._members import outputs
from sklearn_meta.mlp._smooth_columns import smooth_columns

# Number of rows predicted at once, so that the units of all members fit in the cache.
PREDICTED_ROWS = 256

_CHECKS = {"dtype": np.float64, "ensure_all_finite": "allow-nan"}


class _BaseBaggedMLP(BaseEstimator):
    """Training and prediction shared by the two estimators."""

    _parameter_constraints: dict = {
        "n_estimators": [Interval(Integral, 2, None, closed="left")],
        "hidden_layer_sizes": ["array-like"],
        "n_bins": [Interval(Integral, 0, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "max_steps": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_estimators=8,
        *,
        hidden_layer_sizes=(64, 64),
        n_bins=6,
        dropout=0.1,
        alpha=0.01,
        batch_size=128,
        learning_rate_init=0.02,
        max_iter=128,
        max_steps=2_000,
        random_state=None,
    ):
        self.n_estimators = n_estimators
        self.hidden_layer_sizes = hidden_layer_sizes
        self.n_bins = n_bins
        self.dropout = dropout
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.max_steps = max_steps
        self.random_state = random_state

    def _validate(self, X, y, **kwargs):
        """Validate training data."""
        return validate_data(self, X, y, ensure_min_samples=2, **_CHECKS, **kwargs)

    def _train(self, X, targets, folds, loss, rng):
        """Fit the columns and train the members."""
        self._columns = smooth_columns(X, self.n_bins)
        trained = train_members(
            self._columns.transform(X),
            targets.astype(np.float32),
            folds,
            loss,
            TrainingOptions(
                hidden_layer_sizes=self._widths(),
                dropout=self.dropout,
                alpha=self.alpha,
                batch_size=self.batch_size,
                learning_rate_init=self.learning_rate_init,
                max_iter=self.max_iter,
                max_steps=self.max_steps,
            ),
            rng,
        )
        self._tensors = trained.tensors
        self.loss_curve_ = trained.losses
        self.n_iter_ = trained.n_steps
        return trained

    def _widths(self):
        """Return the widths of the hidden layers as a tuple."""
        widths = tuple(self.hidden_layer_sizes)
        if not all(isinstance(w, Integral) and w > 0 for w in widths):
            raise ValueError(
                f"The 'hidden_layer_sizes' parameter of {type(self).__name__} must "
                "hold positive ints, one for each hidden layer. Got "
                f"{self.hidden_layer_sizes!r} instead."
            )
        return tuple(int(w) for w in widths)

    def _rng(self):
        """Return a generator seeded by `random_state`."""
        return np.random.default_rng(
            check_random_state(self.random_state).randint(2**31 - 1)
        )

    def _mean_of_members(self, X, transform):
        """Return the mean over members of their transformed outputs."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, **_CHECKS)
        # In double precision, so that predictions do not depend on the batch of rows.
        tensors = {n: t.astype(np.float64) for n, t in self._tensors.items()}
        parts = []
        for start in range(0, len(X), PREDICTED_ROWS):
            inputs = self._columns.transform(X[start : start + PREDICTED_ROWS])
            out = outputs(tensors, inputs[None].astype(np.float64))
            parts.append(transform(out).mean(axis=0))
        return np.concatenate(parts)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _distinct(X, y):
    """Return one row of each set of copies, and for each row the number of its set."""
    copy_of = find_copies(X, y)
    if copy_of is None:
        return np.arange(len(y)), np.arange(len(y))
    return np.unique(copy_of, return_index=True)[1], copy_of


class BaggedMLPClassifier(ClassifierMixin, _BaseBaggedMLP):
    """Bag of small multi-layer perceptrons, each stopped early on its own fold.

    For tables of tens to thousands of rows with columns of any scale, outliers and
    missing values. Columns are scaled robustly, clipped smoothly and multiplied by
    learned factors [1]_. The rows are split into folds; each member is trained on all
    folds but its own, and keeps the parameters with the lowest loss on that fold. The
    probabilities are calibrated by a common temperature, fitted to the same folds.

    Parameters
    ----------
    n_estimators : int, default=8
        Number of members and of folds; at most the number of rows. Eight members of 64
        units were better than four of 96 on most of 22 tables of 80 to 4 000 rows.
    hidden_layer_sizes : array-like of int, default=(64, 64)
        Number of units of each hidden layer.
    n_bins : int, default=6
        Number of bins of the piecewise linear encoding of each column [2]_, which is
        added to the column itself; 0 disables it. Reduced if there are many columns.
        The encoding helps with non-smooth effects of single columns and was better on
        average over 421 tables.
    dropout : float, default=0.1
        Share of hidden units dropped in a step. It decays to zero in the second half of
        the training.
    alpha : float, default=0.01
        Decoupled weight decay, multiplied by the learning rate of each step.
    batch_size : int, default=128
        Number of rows of a step of each member.
    learning_rate_init : float, default=0.02
        Maximum of the learning rate, whose schedule has four cycles. Values between
        0.02 and 0.05 were equally good on 22 tables.
    max_iter : int, default=128
        Number of epochs; more if these are fewer than 300 steps.
    max_steps : int, default=2000
        Maximum number of gradient steps, which bounds the time on large tables.
    random_state : int, RandomState instance or None, default=None
        Seed of the folds, the initial weights, the batches and dropout.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted class labels.
    loss_curve_ : ndarray of shape (n_evaluations,)
        Mean log loss of the members on their own folds during training.
    n_iter_ : int
        Number of gradient steps.
    temperature_ : float
        Divisor of the logits.
    n_features_in_ : int
        Number of columns seen during ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns seen during ``fit``, if all are strings.

    See Also
    --------
    BaggedMLPRegressor : The regressor.
    sklearn_meta.maml.MAMLClassifier : Few-shot classifier by meta-learning.

    Notes
    -----
    All members are trained at once, in numpy and single precision.

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn, I. Steinwart, "Better by Default: Strong
       Pre-Tuned MLPs and Boosted Trees on Tabular Data", NeurIPS 2024.
    .. [2] Y. Gorishniy, I. Rubachev, A. Babenko, "On Embeddings for Numerical Features
       in Tabular Deep Learning", NeurIPS 2022.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_meta import BaggedMLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = BaggedMLPClassifier(random_state=0).fit(X[::2], y[::2])
    >>> clf.score(X[1::2], y[1::2]) > 0.9
    True
    """

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Train the members.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Numbers; NaN where a cell is missing.
        y : array-like of shape (n_samples,)
            Class labels.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        X, y = self._validate(X, y)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        n, n_classes = len(y), len(self.classes_)
        first, copy_of = _distinct(X, codes)
        counts = np.bincount(codes)
        self._prior = np.log((counts + 1) / (n + n_classes)).astype(np.float32)
        loss = SoftmaxLoss(self._prior)
        rng = self._rng()
        # Stratified folds: rows are dealt in turn, class by class.
        folds = np.empty(len(first), dtype=int)
        order = rng.permutation(len(first))
        by_class = order[np.argsort(codes[first][order], kind="stable")]
        folds[by_class] = np.arange(len(first)) % min(self.n_estimators, len(first))
        trained = self._train(X, np.eye(n_classes)[codes], folds[copy_of], loss, rng)
        self.temperature_ = temperature_on_grid(loss, trained)
        return self

    def predict_proba(self, X):
        """Predict class probabilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`.
        """
        return self._mean_of_members(X, self._probabilities)

    def _probabilities(self, out):
        """Return the class probabilities of each member."""
        return softmax((out + self._prior) / self.temperature_, axis=-1)

    def predict(self, X):
        """Predict the most probable class of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Class labels.
        """
        columns = np.argmax(self.predict_proba(X), axis=1)
        return self.classes_[columns]


class BaggedMLPRegressor(RegressorMixin, _BaseBaggedMLP):
    """Bag of small multi-layer perceptrons, each stopped early on its own fold.

    For tables of tens to thousands of rows with columns of any scale, outliers and
    missing values; see `BaggedMLPClassifier` for the method. The members minimize the
    squared error of the standardized target. Predictions are clipped to the range of
    the targets seen during ``fit``.

    Parameters
    ----------
    n_estimators : int, default=8
        Number of members and of folds; at most the number of rows.
    hidden_layer_sizes : array-like of int, default=(64, 64)
        Number of units of each hidden layer.
    n_bins : int, default=6
        Number of bins of the piecewise linear encoding of each column, which is added
        to the column itself; 0 disables it. Reduced if there are many columns.
    dropout : float, default=0.1
        Share of hidden units dropped in a step. It decays to zero in the second half of
        the training.
    alpha : float, default=0.01
        Decoupled weight decay, multiplied by the learning rate of each step.
    batch_size : int, default=128
        Number of rows of a step of each member.
    learning_rate_init : float, default=0.02
        Maximum of the learning rate, whose schedule has four cycles.
    max_iter : int, default=128
        Number of epochs; more if these are fewer than 300 steps.
    max_steps : int, default=2000
        Maximum number of gradient steps, which bounds the time on large tables.
    random_state : int, RandomState instance or None, default=None
        Seed of the folds, the initial weights, the batches and dropout.

    Attributes
    ----------
    loss_curve_ : ndarray of shape (n_evaluations,)
        Mean squared error of the members on their own folds during training, relative
        to the variance of the target.
    n_iter_ : int
        Number of gradient steps.
    n_features_in_ : int
        Number of columns seen during ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns seen during ``fit``, if all are strings.

    See Also
    --------
    BaggedMLPClassifier : The classifier, with the references.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_meta import BaggedMLPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> reg = BaggedMLPRegressor(random_state=0).fit(X[::2], y[::2])
    >>> reg.score(X[1::2], y[1::2]) > 0.4
    True
    """

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Train the members.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Numbers; NaN where a cell is missing.
        y : array-like of shape (n_samples,)
            Targets.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        X, y = self._validate(X, y, y_numeric=True)
        y = y.astype(np.float64)
        self._mean = y.mean()
        # A constant target has no spread to divide by.
        self._spread = y.std() or 1.0
        targets = ((y - self._mean) / self._spread)[:, None]
        self._loss = SquaredLoss(targets.min(), targets.max())
        rng = self._rng()
        first, copy_of = _distinct(X, y)
        n = len(first)
        folds = rng.permutation(n) % min(self.n_estimators, n)
        self._train(X, targets, folds[copy_of], self._loss, rng)
        return self

    def predict(self, X):
        """Predict the target of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Means of the predictions of the members.
        """
        return self._mean_of_members(X, self._targets) * self._spread + self._mean

    def _targets(self, out):
        """Return standardized predictions, clipped to the range of the targets."""
        return np.clip(out[..., 0], self._loss.low, self._loss.high)
