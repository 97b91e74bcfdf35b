"""Prediction of fit times on a new dataset from fit times on known datasets.

`fit_seconds_model` fits, for each pipeline, a power law of rows, columns and classes by
ridge regression of the logarithms, with slopes shrunk to those of all pipelines.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

# Shrinkage of the slopes of a pipeline to those of all pipelines, in pseudo-datasets.
SHRINKAGE = 10.0
# Minimum prediction; below, the overhead of measuring dominates.
LEAST_SECONDS = 1e-3


@dataclass(frozen=True)
class SecondsModel:
    """Seconds of one fit as a power law of rows, columns and classes, per pipeline.

    Parameters
    ----------
    coefficients : ndarray of shape (4, n_pipelines)
        Of the intercept and the logarithms of rows, columns and classes in the
        logarithm of the seconds.
    most_rows : int
        Number of rows of the largest known dataset, beyond which the power law is not
        extrapolated: the seconds of small tables are dominated by a constant overhead,
        so that their exponent is too small for large ones.
    """

    coefficients: np.ndarray = field(repr=False)
    most_rows: int

    def predict(self, n_samples, n_features, n_classes):
        """Predict the seconds of one fit of each pipeline.

        Parameters
        ----------
        n_samples, n_features, n_classes : int
            Size of the dataset. More rows than `most_rows` count as `most_rows`.

        Returns
        -------
        seconds : ndarray of shape (n_pipelines,)
        """
        row = _design([min(n_samples, self.most_rows)], [n_features], [n_classes])[0]
        # Extrapolation to extreme sizes must not overflow.
        return np.maximum(
            np.exp(np.minimum(row @ self.coefficients, 20)), LEAST_SECONDS
        )


def fit_seconds_model(seconds, n_samples, n_features, n_classes) -> SecondsModel:
    """Fit a power law for each pipeline, with slopes shrunk to the shared ones.

    Parameters
    ----------
    seconds : ndarray of shape (n_datasets, n_pipelines)
        Seconds of one fit; NaN where they are not known.
    n_samples, n_features, n_classes : array-like of shape (n_datasets,)
        Sizes of the datasets.

    Returns
    -------
    model : SecondsModel
    """
    design = _design(n_samples, n_features, n_classes)
    n_terms = design.shape[1]
    known = np.isfinite(seconds) & (seconds > 0)
    log_seconds = np.where(known, np.log(np.where(known, seconds, 1.0)), 0.0)
    pooled = _pooled_slopes(design, log_seconds, known)
    # Normal equations of each pipeline: design' W design, where W masks unknown
    # seconds.
    left = np.einsum("dp,di,dj->pij", known.astype(float), design, design)
    right = np.einsum("dp,di->pi", log_seconds, design)
    penalty = SHRINKAGE * np.eye(n_terms)
    penalty[0, 0] = 1e-6  # the intercept is not shrunk
    prior = np.r_[0.0, pooled]
    coefficients = np.linalg.solve(left + penalty, (right + penalty @ prior)[..., None])
    known_rows = np.asarray(n_samples)[known.any(axis=1)]
    return SecondsModel(coefficients[..., 0].T, int(known_rows.max(initial=1)))


def _design(n_samples, n_features, n_classes):
    """Return intercept and centered logarithms of the sizes, a row for each dataset."""
    columns = [np.log(np.maximum(np.asarray(n, float), 1.0)) for n in
               (n_samples, n_features, n_classes)]  # fmt: skip
    # Centered near a typical table, so that shrinking slopes does not move the level.
    return np.column_stack(
        [np.ones(len(columns[0])), columns[0] - 7.0, columns[1] - 3.0, columns[2] - 0.7]
    )


def _pooled_slopes(design, log_seconds, known):
    """Return slopes shared by all pipelines, with an intercept for each pipeline."""
    count = np.maximum(known.sum(axis=0), 1)
    mean_y = log_seconds.sum(axis=0) / count
    weights = known.astype(float)
    mean_x = weights.T @ design[:, 1:] / count[:, None]
    n_slopes = design.shape[1] - 1
    left, right = 1e-6 * np.eye(n_slopes), np.zeros(n_slopes)
    for p in np.flatnonzero(known.any(axis=0)):
        x = (design[:, 1:] - mean_x[p]) * weights[:, [p]]
        left += x.T @ x
        right += x.T @ ((log_seconds[:, p] - mean_y[p]) * weights[:, p])
    return np.linalg.solve(left, right)
