"""Canonical form of a table: normal scores, missing masks and target encoding.

Each column is mapped monotonically to about a standard normal distribution, missing
cells become zero with a mask, category codes become smoothed target means, and only the
columns most relevant to the target are kept, so that one network serves all tables.

Notation: ``n`` rows, ``d`` columns, ``t`` target columns (one for each class, or one
for regression).
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.special import ndtri
from sklearn.base import BaseEstimator

from sklearn_meta.data._task_names import REGRESSION

# Cells are clipped to this many standard deviations.
CLIP = 4.0
# Maximum number of quantiles that describe a column.
MAX_KNOTS = 128
# Number of distinct values at which normal scores and standardized values have equal
# weight. With few distinct values, ranks lose the distances between them.
DISTINCT_HALF = 20.0
# Number of standard deviations beyond which standardized values are compressed.
SOFT_LIMIT = 3.0
# Weight of the overall mean in the target mean of a category, in rows.
SMOOTHING = 3.0
# Number of folds of the cross-fitted target means.
N_ENCODING_FOLDS = 5
# Columns with fewer distinct codes are used without target encoding.
MIN_LEVELS = 3
# Interquartile range of the standard normal distribution.
NORMAL_IQR = 1.3489795
TINY = 1e-12
# Bound of values, and inverse bound of spreads, so that squares do not overflow.
MAX_MAGNITUDE = 1e100
# Bound of standardized values before they are compressed.
MAX_DEVIATIONS = 1e3


class CanonicalInput(BaseEstimator):
    """Transformer of numeric tables to canonical features and a missing mask.

    Parameters
    ----------
    max_features : int, default=64
        Maximum number of columns, those most relevant to the target. The cost of the
        networks is proportional to it.
    categorical : array-like of bool of shape (n_features,), default=None
        Mask of the columns of category codes. None if there are none.

    Attributes
    ----------
    columns_ : ndarray of shape (n_columns,)
        Sorted indices of the columns that are kept. Constant columns are dropped; if
        all are constant, the first one is kept, as zeros.
    relevance_ : ndarray of shape (n_features,) or None
        Share of the target variance that each column explains alone, in [0, 1]; None
        if all columns were kept.

    Notes
    -----
    A value ``x`` of a column becomes
    ``lam * q(x) + (1 - lam) * s(x)``, standardized over the fitted rows and clipped
    to [-4, 4]: ``q`` is the normal score of its mid-rank, interpolated between the
    fitted values, ``s`` the value standardized by median and quartiles and softly
    clipped, and ``lam = u / (u + 20)`` for ``u`` distinct values. The map is
    monotone.

    The relevance is the largest correlation ratio of the target with the values, their
    absolute values (for effects that are not monotone) and the missing mask.

    `fit_transform` differs from `fit` followed by `transform` for category codes: the
    target means of the fitted rows are cross-fitted, as in scikit-learn's
    ``TargetEncoder``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_meta.maml._canonical_form import CanonicalInput
    >>> X = np.array([[1.0, 5.0], [2.0, 5.0], [np.nan, 5.0], [9.0, 5.0]])
    >>> cells, missing = CanonicalInput().fit_transform(
    ...     X, [0, 0, 1, 1], task="classification"
    ... )
    >>> cells.astype(float).round(1).ravel().tolist()
    [-0.9, -0.5, 0.0, 1.4]
    >>> missing.ravel().tolist()
    [False, False, True, False]
    """

    def __init__(self, max_features=64, *, categorical=None):
        self.max_features = max_features
        self.categorical = categorical

    def fit(self, X, y, *, task, sample_weight=None):
        """Fit the map of each column, and select columns.

        Parameters
        ----------
        X : ndarray or sparse matrix of shape (n_samples, n_features)
            Numbers; cells that are not finite are missing.
        y : array-like of shape (n_samples,)
        task : {"classification", "regression"}
        sample_weight : array-like of shape (n_samples,), default=None
        """
        self._fit(X, y, task, sample_weight)
        return self

    def fit_transform(self, X, y, *, task, sample_weight=None):
        """Fit, and map the fitted rows with cross-fitted target means."""
        return self._scaled(self._fit(X, y, task, sample_weight))

    def transform(self, X):
        """Map rows to canonical features and missing mask.

        Returns
        -------
        cells : ndarray of shape (n_samples, n_columns), float32
            0 where missing.
        missing : ndarray of shape (n_samples, n_columns), bool
        """
        X = _dense(X, self.columns_)
        for position, encoder in self._encoders:
            X[:, position] = encoder.transform(X[:, position])
        return self._scaled(X)

    def narrowed(self):
        """Return the same map for tables of the kept columns only."""
        other = copy.copy(self)
        other.columns_ = np.arange(len(self.columns_))
        other.relevance_ = None
        return other

    def _fit(self, X, y, task, sample_weight):
        """Fit; return the kept columns of `X` with cross-fitted target means."""
        weights = np.ones(X.shape[0]) if sample_weight is None else sample_weight
        weights = np.asarray(weights, dtype=np.float64)
        targets = _targets(y, task, weights)
        categorical = np.zeros(X.shape[1], bool)
        if self.categorical is not None:
            categorical |= np.asarray(self.categorical, dtype=bool)
        self.relevance_ = None
        columns = np.arange(X.shape[1])
        if sparse.issparse(X) and len(columns) > self.max_features:
            X = X.tocsc()
            columns = self._most_relevant(_sparse_relevance(X, targets, weights))
        X = _dense(X, columns)
        encoders, cross_fitted = {}, {}
        for position in np.flatnonzero(categorical[columns]):
            encoder = _CategoryMeans.fit(X[:, position], targets, weights)
            if encoder is None:
                continue
            encoders[position] = encoder
            cross_fitted[position] = encoder.cross_fitted(
                X[:, position], targets, weights
            )
            X[:, position] = encoder.transform(X[:, position])
        scale = _Scale.fit(X, weights)
        kept = np.flatnonzero(scale.informative)
        if len(kept) > self.max_features:
            cells, missing = _clean(X)
            relevance = np.zeros(X.shape[1])
            relevance[kept] = _relevance(
                scale.take(kept).transform(cells[:, kept], missing[:, kept]),
                missing[:, kept],
                targets,
                weights,
            )
            kept = self._most_relevant(relevance)
        elif not len(kept):
            kept = np.array([0])
        self.columns_ = columns[kept]
        self._scale = scale.take(kept)
        places = {old: new for new, old in enumerate(kept)}
        self._encoders = [
            (places[old], encoder) for old, encoder in encoders.items() if old in places
        ]
        X = X[:, kept]
        for old, values in cross_fitted.items():
            if old in places:
                X[:, places[old]] = values
        return X

    def _most_relevant(self, relevance):
        """Return the sorted indices of the most relevant columns."""
        self.relevance_ = relevance
        order = np.argsort(-relevance, kind="stable")
        return np.sort(order[: self.max_features])

    def _scaled(self, X):
        """Return canonical features and missing mask of encoded columns."""
        cells, missing = _clean(X)
        return self._scale.transform(cells, missing).astype(np.float32), missing


def _dense(X, columns):
    """Return a dense float64 copy of some columns; NaN where not finite."""
    X = X[:, columns]
    if sparse.issparse(X):
        X = X.toarray()
    X = np.array(X, dtype=np.float64, order="F")
    X[np.isinf(X)] = np.nan
    return np.clip(X, -MAX_MAGNITUDE, MAX_MAGNITUDE, out=X)


def _clean(X):
    """Return the cells, 0 where missing, and the missing mask."""
    missing = np.isnan(X)
    return np.where(missing, 0.0, X), missing


def _targets(y, task, weights):
    """Return centered indicators of the classes or the standardized target, (n, t)."""
    y = np.asarray(y)
    if task == REGRESSION:
        targets = y.astype(np.float64)[:, None]
    else:
        classes, codes = np.unique(y, return_inverse=True)
        targets = np.zeros((len(y), len(classes)))
        targets[np.arange(len(y)), codes] = 1.0
    targets = targets - weights @ targets / max(weights.sum(), TINY)
    if task == REGRESSION:
        deviation = np.sqrt(weights @ targets**2 / max(weights.sum(), TINY))
        targets = targets / np.where(deviation > TINY, deviation, 1.0)
    return targets


class _Scale(NamedTuple):
    """Monotone maps of columns to about a standard normal distribution."""

    # Quantiles and their normal scores are of shape (n_knots, d), all others (d,).
    quantiles: np.ndarray
    scores: np.ndarray
    center: np.ndarray
    spread: np.ndarray
    lam: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    # More than one value, or both missing and present cells.
    informative: np.ndarray

    @classmethod
    def fit(cls, X, weights):
        """Fit the maps of all columns."""
        present = ~np.isnan(X) & (weights > 0)[:, None]
        order = np.argsort(np.where(present, X, np.inf), axis=0)
        count = present.sum(axis=0)
        last = np.maximum(count - 1, 0)
        n_knots = min(len(X), MAX_KNOTS)
        if len(X) <= MAX_KNOTS:
            rows = np.minimum(np.arange(n_knots)[:, None], last)
        else:
            rows = np.rint(np.linspace(0, 1, n_knots)[:, None] * last).astype(int)
        values = np.take_along_axis(X, order, axis=0)
        heavy = np.where(np.take_along_axis(present, order, axis=0), 1.0, 0.0)
        heavy *= weights[order]
        position = _mid_ranks(values, heavy)
        quantiles = np.take_along_axis(values, rows, axis=0)
        quantiles = np.where(count > 0, quantiles, 0.0)
        ranks = np.take_along_axis(position, rows, axis=0)
        mass = np.take_along_axis(heavy, rows, axis=0)
        if len(X) <= MAX_KNOTS:
            # Knots beyond the present cells repeat the last value, with weight 0.
            mass = np.where(np.arange(n_knots)[:, None] < count, mass, 0.0)
        total = np.maximum(mass.sum(axis=0), TINY)
        scores = ndtri(np.clip(ranks, 1e-6, 1.0 - 1e-6))
        distinct = 1 + (np.diff(quantiles, axis=0) > 0).sum(axis=0)

        def at(share):
            first = np.argmax(ranks >= share, axis=0)
            return quantiles[first, np.arange(X.shape[1])]

        center = at(0.5)
        spread = (at(0.75) - at(0.25)) / NORMAL_IQR
        mean = (mass * quantiles).sum(axis=0) / total
        deviation = np.sqrt((mass * (quantiles - mean) ** 2).sum(axis=0) / total)
        spread = np.where(spread > TINY * np.abs(center), spread, deviation)
        spread = np.maximum(spread, 1.0 / MAX_MAGNITUDE)
        lam = distinct / (distinct + DISTINCT_HALF)
        mixed = lam * scores + (1.0 - lam) * _compressed((quantiles - center) / spread)
        mean = (mass * mixed).sum(axis=0) / total
        deviation = np.sqrt((mass * (mixed - mean) ** 2).sum(axis=0) / total)
        varies = distinct > 1
        deviation = np.where(varies & (deviation > TINY), deviation, np.inf)
        partly = (count > 0) & (count < (weights > 0).sum())
        return cls(
            quantiles, scores, center, spread, lam, mean, deviation, varies | partly
        )

    def take(self, columns):
        """Return the maps of some columns."""
        return _Scale(*(array[..., columns] for array in self))

    def transform(self, cells, missing):
        """Return the mapped cells, 0 where missing."""
        scores = np.empty_like(cells)
        for j in range(cells.shape[1]):
            scores[:, j] = np.interp(
                cells[:, j], self.quantiles[:, j], self.scores[:, j]
            )
        scores *= self.lam
        scores += (1.0 - self.lam) * _compressed((cells - self.center) / self.spread)
        scores -= self.mean
        scores /= self.deviation
        np.clip(scores, -CLIP, CLIP, out=scores)
        scores[missing] = 0.0
        return scores


def _compressed(z):
    """Return values compressed smoothly beyond `SOFT_LIMIT`."""
    z = np.clip(z, -MAX_DEVIATIONS, MAX_DEVIATIONS)
    return z / np.sqrt(1.0 + (z / SOFT_LIMIT) ** 2)


def _mid_ranks(values, weights):
    """Return weighted mid-ranks of sorted values, in [0, 1]."""
    n_rows = len(values)
    above = np.cumsum(weights, axis=0)
    below = above - weights
    rows = np.arange(n_rows)[:, None]
    differs = values[1:] != values[:-1]
    first = np.zeros(values.shape, dtype=np.intp)
    first[1:] = np.where(differs, rows[1:], 0)
    np.maximum.accumulate(first, axis=0, out=first)
    last = np.full(values.shape, n_rows - 1, dtype=np.intp)
    last[:-1] = np.where(differs, rows[:-1], n_rows - 1)
    last = np.minimum.accumulate(last[::-1], axis=0)[::-1]
    ranks = np.take_along_axis(below, first, axis=0)
    ranks += np.take_along_axis(above, last, axis=0)
    return ranks / np.maximum(2.0 * above[-1], TINY)


def _relevance(cells, missing, targets, weights):
    """Return the largest correlation ratio over forms of each column, (d,)."""
    total = max(weights.sum(), TINY)
    spread = max((weights @ targets**2).sum() / total, TINY)
    best = np.zeros(cells.shape[1])
    for form in (cells, np.abs(cells), missing.astype(np.float64)):
        form = form - weights @ form / total
        variance = weights @ form**2 / total
        covariance = (form * weights[:, None]).T @ targets / total
        explained = _between(covariance, targets, weights, total, spread)
        share = explained / np.where(variance > TINY, variance, np.inf)
        best = np.maximum(best, share)
    return best


def _between(covariance, targets, weights, total, spread):
    """Return the explained variance: between classes, or of a linear regression."""
    if targets.shape[1] == 1:
        return covariance[:, 0] ** 2 / spread
    shares = weights @ (targets > 0) / total
    return (covariance**2 / np.maximum(shares, TINY)).sum(axis=1)


def _sparse_relevance(X, targets, weights):
    """Return the correlation ratios of the columns of a sparse matrix, (d,)."""
    total = max(weights.sum(), TINY)
    spread = max((weights @ targets**2).sum() / total, TINY)
    X = X.astype(np.float64)
    X.data = np.where(np.isfinite(X.data), X.data, 0.0)
    mean = X.T @ weights / total
    variance = X.multiply(X).T @ weights / total - mean**2
    # Targets are centered, so that columns need not be.
    covariance = X.T @ (targets * weights[:, None]) / total
    explained = _between(covariance, targets, weights, total, spread)
    return explained / np.where(variance > TINY * mean**2, variance, np.inf)


class _CategoryMeans(NamedTuple):
    """Target encoding of one column: smoothed target means of its levels."""

    # With several classes, the mean vectors are projected on their first principal
    # direction, so that a column stays a column.

    levels: np.ndarray
    direction: np.ndarray
    means: np.ndarray

    @classmethod
    def fit(cls, values, targets, weights):
        """Fit the means; None if there are fewer than `MIN_LEVELS` levels."""
        known = np.isfinite(values) & (weights > 0)
        levels = np.unique(values[known])
        if len(levels) < MIN_LEVELS:
            return None
        codes = np.searchsorted(levels, values[known])
        sums, mass = _level_sums(codes, len(levels), targets[known], weights[known])
        means = sums / (mass + SMOOTHING)[:, None]
        direction = _main_direction(means, mass)
        return cls(levels, direction, means @ direction)

    def transform(self, values):
        """Replace codes by means; unknown levels get the overall mean."""
        codes, known = self._positions(values)
        averages = np.where(known, self.means[codes], 0.0)
        return np.where(np.isfinite(values), averages, np.nan)

    def cross_fitted(self, values, targets, weights):
        """Replace the codes of the fitted rows by means over the other folds."""
        codes, known = self._positions(values)
        parts = _folds(targets)
        projected = targets @ self.direction
        averages = np.zeros(len(values))
        for fold in range(N_ENCODING_FOLDS):
            inside = parts == fold
            used = known & ~inside
            sums, mass = _level_sums(
                codes[used], len(self.levels), projected[used, None], weights[used]
            )
            means = sums[:, 0] / (mass + SMOOTHING)
            averages[inside] = means[codes[inside]]
        averages = np.where(known, averages, 0.0)
        return np.where(np.isfinite(values), averages, np.nan)

    def _positions(self, values):
        """Return the position of each value in the levels, and whether it is known."""
        codes = np.searchsorted(self.levels, values)
        codes = np.minimum(codes, len(self.levels) - 1)
        return codes, self.levels[codes] == values


def _level_sums(codes, n_levels, targets, weights):
    """Return weighted sums of the targets of each level, and its weight."""
    mass = np.bincount(codes, weights, n_levels)
    sums = [np.bincount(codes, weights * column, n_levels) for column in targets.T]
    return np.stack(sums, axis=1), mass


def _main_direction(means, mass):
    """Return the first principal direction of the means."""
    if means.shape[1] == 1:
        return np.ones(1)
    _, _, directions = np.linalg.svd(means * np.sqrt(mass)[:, None])
    direction = directions[0]
    # The sign of a singular vector depends on the LAPACK implementation.
    return direction * np.sign(direction[np.argmax(np.abs(direction))])


def _folds(targets):
    """Return the fold of each row, stratified by target."""
    order = np.lexsort(targets.T)
    parts = np.empty(len(targets), dtype=np.intp)
    parts[order] = np.arange(len(targets)) % N_ENCODING_FOLDS
    return parts
