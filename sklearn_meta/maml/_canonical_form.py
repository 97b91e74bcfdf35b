"""The canonical form of a table: what the networks see of any dataset.

A network that serves every table needs its columns in one unit. Each column is mapped
monotonically to about a standard normal distribution, missing cells become zero beside
a mask, category codes become smoothed averages of the target, and where there are more
columns than the network should see, the ones that tell most about the target stay.

Notation: ``n`` rows, ``d`` columns, ``k`` chosen columns, ``t`` target directions
(one per class, or one for a number).
"""

from __future__ import annotations

import copy

import numpy as np
from scipy import sparse
from scipy.special import ndtri
from sklearn.base import BaseEstimator

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION

# Cells lie within these many standard deviations.
CLIP = 4.0
# A column is described by at most this many of its quantiles.
MAX_KNOTS = 128
# At this many distinct values, normal scores and standardized values weigh the same;
# ranks of a handful of values throw away more than they make robust.
DISTINCT_HALF = 20.0
# Standardized values bend beyond about this many standard deviations.
SOFT_LIMIT = 3.0
# Weight, in rows, of the overall mean in the average of a category.
SMOOTHING = 3.0
# Parts in which the category averages of the fitted rows leave out their own targets.
N_FOLDS = 5
# Fewer distinct codes than this are used as they are.
MIN_LEVELS = 3
# The distance between quartiles of a standard normal distribution.
NORMAL_IQR = 1.3489795
TINY = 1e-12
# Numbers of more than this size, and spreads of less than its inverse, are taken for
# it: their squares can be computed.
LARGEST = 1e100
# So many standard deviations are as far away as any more.
FAR = 1e3


class CanonicalInput(BaseEstimator):
    """Map a numeric table to the cells and the mask that the networks take.

    Parameters
    ----------
    max_features : int, default=64
        Columns kept at most, those most relevant to the target; the cost of a network
        is proportional to it.
    categorical : array-like of bool of shape (n_features,), default=None
        Marks the columns that hold codes of categories. None: there are none.

    Attributes
    ----------
    columns_ : ndarray of shape (n_columns,)
        Positions of the columns that are kept, ascending. Constant columns are left
        out; if nothing else is there, the first column stays, as zeros.
    relevance_ : ndarray of shape (n_features,) or None
        Share of the target's variance that each column explains by itself, in [0, 1];
        None where no choice was necessary.

    Notes
    -----
    A value ``x`` of a column becomes
    ``lam * q(x) + (1 - lam) * s(x)``, standardized over the fitted rows and clipped
    to [-4, 4]: ``q`` is the normal score of its mid-rank, interpolated between the
    fitted values, ``s`` the value standardized by median and quartiles and softly
    clipped, and ``lam = u / (u + 20)`` for ``u`` distinct values. The map is
    monotone.

    The relevance is the largest squared correlation ratio of the target with the
    values, their absolute values (for effects that are not monotone) and the mask.

    `fit_transform` is not `fit` followed by `transform` for category codes: the
    averages of the fitted rows leave out their own fold, as in scikit-learn's
    ``TargetEncoder``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_meta.maml._canonical_form import CanonicalInput
    >>> X = np.array([[1.0, 5.0], [2.0, 5.0], [np.nan, 5.0], [9.0, 5.0]])
    >>> cells, missing = CanonicalInput().fit_transform(X, [0, 0, 1, 1])
    >>> cells.astype(float).round(1).ravel().tolist()
    [-0.9, -0.5, 0.0, 1.4]
    >>> missing.ravel().tolist()
    [False, False, True, False]
    """

    def __init__(self, max_features=64, *, categorical=None):
        self.max_features = max_features
        self.categorical = categorical

    def fit(self, X, y, *, task=None, sample_weight=None):
        """Learn the scale of each column, and which columns are kept.

        Parameters
        ----------
        X : ndarray or sparse matrix of shape (n_samples, n_features)
            Numbers; cells that are not finite are missing.
        y : array-like of shape (n_samples,)
            Labels or numbers.
        task : {"classification", "regression"}, default=None
            None: classification unless `y` holds floats.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight of two counts like the row twice.

        Returns
        -------
        self : CanonicalInput
        """
        self._fit(X, y, task, sample_weight)
        return self

    def fit_transform(self, X, y, *, task=None, sample_weight=None):
        """Fit, and give the fitted rows codes that don't know their own target.

        Parameters
        ----------
        X, y, task, sample_weight
            As in `fit`.

        Returns
        -------
        cells : ndarray of shape (n_samples, n_columns), float32
        missing : ndarray of shape (n_samples, n_columns), bool
        """
        return self._scaled(self._fit(X, y, task, sample_weight))

    def transform(self, X):
        """Map rows to cells and mask.

        Parameters
        ----------
        X : ndarray or sparse matrix of shape (n_samples, n_features)

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
        """Return the same map, of tables that have the kept columns only.

        Returns
        -------
        canon : CanonicalInput
        """
        other = copy.copy(self)
        other.columns_ = np.arange(len(self.columns_))
        other.relevance_ = None
        return other

    def _fit(self, X, y, task, sample_weight):
        """Fit; return the chosen columns of `X` with cross-fitted codes."""
        weights = _weights(sample_weight, X.shape[0])
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
        self.relevance_ = relevance
        order = np.argsort(-relevance, kind="stable")
        return np.sort(order[: self.max_features])

    def _scaled(self, X):
        cells, missing = _clean(X)
        return self._scale.transform(cells, missing).astype(np.float32), missing


def _dense(X, columns):
    """Chosen columns as a float64 array of its own; NaN where not finite."""
    X = X[:, columns]
    if sparse.issparse(X):
        X = X.toarray()
    X = np.array(X, dtype=np.float64, order="F")
    X[np.isinf(X)] = np.nan
    return np.clip(X, -LARGEST, LARGEST, out=X)


def _clean(X):
    missing = np.isnan(X)
    return np.where(missing, 0.0, X), missing


def _weights(sample_weight, n_rows):
    if sample_weight is None:
        return np.ones(n_rows)
    return np.asarray(sample_weight, dtype=np.float64)


def _targets(y, task, weights):
    """Centered target directions (n, t): one per class, or the standardized number."""
    y = np.asarray(y)
    if task is None:
        task = REGRESSION if y.dtype.kind == "f" else CLASSIFICATION
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


class _Scale:
    """Monotone maps of ``d`` columns to about a standard normal distribution.

    Held as arrays over columns: quantiles and their normal scores of shape
    (n_knots, d), and vectors of shape (d,).
    """

    def __init__(self, quantiles, scores, center, spread, lam, mean, deviation, seen):
        self.quantiles = quantiles
        self.scores = scores
        self.center = center
        self.spread = spread
        self.lam = lam
        self.mean = mean
        self.deviation = deviation
        # More than one value, or both missing and present cells.
        self.informative = seen

    @classmethod
    def fit(cls, X, weights):
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
            # The last value is repeated where cells are missing.
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
        spread = np.maximum(spread, 1.0 / LARGEST)
        lam = distinct / (distinct + DISTINCT_HALF)
        mixed = lam * scores + (1.0 - lam) * _softly((quantiles - center) / spread)
        mean = (mass * mixed).sum(axis=0) / total
        deviation = np.sqrt((mass * (mixed - mean) ** 2).sum(axis=0) / total)
        varies = distinct > 1
        deviation = np.where(varies & (deviation > TINY), deviation, np.inf)
        partly = (count > 0) & (count < (weights > 0).sum())
        return cls(
            quantiles, scores, center, spread, lam, mean, deviation, varies | partly
        )

    def take(self, columns):
        return _Scale(
            self.quantiles[:, columns],
            self.scores[:, columns],
            self.center[columns],
            self.spread[columns],
            self.lam[columns],
            self.mean[columns],
            self.deviation[columns],
            self.informative[columns],
        )

    def transform(self, cells, missing):
        scores = np.empty_like(cells)
        for j in range(cells.shape[1]):
            scores[:, j] = np.interp(
                cells[:, j], self.quantiles[:, j], self.scores[:, j]
            )
        scores *= self.lam
        scores += (1.0 - self.lam) * _softly((cells - self.center) / self.spread)
        scores -= self.mean
        scores /= self.deviation
        np.clip(scores, -CLIP, CLIP, out=scores)
        scores[missing] = 0.0
        return scores


def _softly(z):
    z = np.clip(z, -FAR, FAR)
    return z / np.sqrt(1.0 + (z / SOFT_LIMIT) ** 2)


def _mid_ranks(values, weights):
    """Share of the weight below each sorted value, ties and itself counted half."""
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
    """Largest squared correlation ratio of each column with the targets (d,)."""
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
    """Variance of the means of the classes; for a number, that of its regression."""
    if targets.shape[1] == 1:
        return covariance[:, 0] ** 2 / spread
    shares = weights @ (targets > 0) / total
    return (covariance**2 / np.maximum(shares, TINY)).sum(axis=1)


def _sparse_relevance(X, targets, weights):
    """The same for values of a sparse matrix as they are, without densifying it."""
    total = max(weights.sum(), TINY)
    spread = max((weights @ targets**2).sum() / total, TINY)
    X = X.astype(np.float64)
    X.data = np.where(np.isfinite(X.data), X.data, 0.0)
    mean = X.T @ weights / total
    variance = X.multiply(X).T @ weights / total - mean**2
    # The targets are centered, so that the mean of the column drops out.
    covariance = X.T @ (targets * weights[:, None]) / total
    explained = _between(covariance, targets, weights, total, spread)
    return explained / np.where(variance > TINY * mean**2, variance, np.inf)


class _CategoryMeans:
    """Smoothed target averages of the levels of one column, as one number each.

    The average target vectors of the levels are projected on the direction in which
    they differ most: for two classes, the share of the second; for a number, itself.
    """

    def __init__(self, levels, direction, means):
        self.levels = levels
        self.direction = direction
        self.means = means

    @classmethod
    def fit(cls, values, targets, weights):
        """Average per level; None where there are fewer than three levels."""
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
        """Codes to averages; levels that were not seen have the average of all."""
        codes, known = self._codes(values)
        averages = np.where(known, self.means[codes], 0.0)
        return np.where(np.isfinite(values), averages, np.nan)

    def cross_fitted(self, values, targets, weights):
        """The same for the fitted rows, each from the folds that it is not in."""
        codes, known = self._codes(values)
        parts = _folds(targets)
        projected = targets @ self.direction
        averages = np.zeros(len(values))
        for fold in range(N_FOLDS):
            inside = parts == fold
            used = known & ~inside
            sums, mass = _level_sums(
                codes[used], len(self.levels), projected[used, None], weights[used]
            )
            means = sums[:, 0] / (mass + SMOOTHING)
            averages[inside] = means[codes[inside]]
        averages = np.where(known, averages, 0.0)
        return np.where(np.isfinite(values), averages, np.nan)

    def _codes(self, values):
        codes = np.searchsorted(self.levels, values)
        codes = np.minimum(codes, len(self.levels) - 1)
        return codes, self.levels[codes] == values


def _level_sums(codes, n_levels, targets, weights):
    mass = np.bincount(codes, weights, n_levels)
    sums = [np.bincount(codes, weights * column, n_levels) for column in targets.T]
    return np.stack(sums, axis=1), mass


def _main_direction(means, mass):
    if means.shape[1] == 1:
        return np.ones(1)
    _, _, directions = np.linalg.svd(means * np.sqrt(mass)[:, None])
    direction = directions[0]
    # A sign that does not depend on the algorithm.
    return direction * np.sign(direction[np.argmax(np.abs(direction))])


def _folds(targets):
    """Folds in which all parts of the target's distribution occur alike."""
    order = np.lexsort(targets.T)
    parts = np.empty(len(targets), dtype=np.intp)
    parts[order] = np.arange(len(targets)) % N_FOLDS
    return parts
