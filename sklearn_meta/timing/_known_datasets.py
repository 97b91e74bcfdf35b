"""How long a pipeline will take here, from how long it took elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

# Strength with which the slopes of one pipeline are drawn to those of all of them, in
# datasets.
SHRINKAGE = 10.0
# The correction of a family is drawn to that known before as by so many pipelines.
FAMILY_SHRINKAGE = 2.0
# Nothing is predicted to be faster: below, the clock measures itself.
LEAST_SECONDS = 1e-3


@dataclass(frozen=True)
class SecondsModel:
    """Seconds of one fit as a power law of rows, columns and classes, per pipeline.

    Parameters
    ----------
    coefficients : ndarray of shape (4, n_pipelines)
        Of 1, log rows, log columns, log classes in the logarithm of the seconds.
    most_rows : int
        Rows of the largest dataset. The power says nothing of larger ones: where the
        seconds of a small table are the price of beginning, those of a large one grow
        with the rows.
    """

    coefficients: np.ndarray = field(repr=False)
    most_rows: int

    def predict(self, n_samples, n_features, n_classes):
        """Return the seconds of one fit of each pipeline, of shape (n_pipelines,).

        With more than `most_rows`, those of a fit on so many.
        """
        row = _design([min(n_samples, self.most_rows)], [n_features], [n_classes])[0]
        # An extrapolation far beyond what was seen must not overflow.
        return np.maximum(
            np.exp(np.minimum(row @ self.coefficients, 20)), LEAST_SECONDS
        )


def fit_seconds_model(seconds, n_samples, n_features, n_classes) -> SecondsModel:
    """Fit a power law for each pipeline, shrunk to one slope for all.

    Parameters
    ----------
    seconds : ndarray of shape (n_datasets, n_pipelines)
        Of one fit; NaN where not known.
    n_samples, n_features, n_classes : array-like of shape (n_datasets,)
        Size of what was fitted.

    Returns
    -------
    model : SecondsModel
    """
    design = _design(n_samples, n_features, n_classes)
    n_terms = design.shape[1]
    known = np.isfinite(seconds) & (seconds > 0)
    log_seconds = np.where(known, np.log(np.where(known, seconds, 1.0)), 0.0)
    pooled = _pooled_slopes(design, log_seconds, known)
    # One small system for each pipeline: design' W design, W picking what is known.
    left = np.einsum("dp,di,dj->pij", known.astype(float), design, design)
    right = np.einsum("dp,di->pi", log_seconds, design)
    penalty = SHRINKAGE * np.eye(n_terms)
    penalty[0, 0] = 1e-6  # the level is the pipeline's own
    prior = np.r_[0.0, pooled]
    coefficients = np.linalg.solve(left + penalty, (right + penalty @ prior)[..., None])
    known_rows = np.asarray(n_samples)[known.any(axis=1)]
    return SecondsModel(coefficients[..., 0].T, int(known_rows.max(initial=1)))


def _design(n_samples, n_features, n_classes):
    columns = [np.log(np.maximum(np.asarray(n, float), 1.0)) for n in
               (n_samples, n_features, n_classes)]  # fmt: skip
    # Centered near a usual table, so that shrinking slopes does not move the level.
    return np.column_stack(
        [np.ones(len(columns[0])), columns[0] - 7.0, columns[1] - 3.0, columns[2] - 0.7]
    )


def _pooled_slopes(design, log_seconds, known):
    """Slopes shared by all pipelines, each with a level of its own."""
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


def family_factors(
    families: Sequence[str],
    predicted,
    measured,
    before: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """How much longer pipelines of each family take than was predicted.

    Only against those of other families: how fast the machine is says nothing about
    which pipeline to choose.

    Parameters
    ----------
    families : sequence of str
        Of n pipelines.
    predicted, measured : array-like of shape (n,)
        Seconds of one fit; pairs that are not above zero are left out.
    before : mapping of str to float, default=None
        Factors that were known before, to which few pipelines are drawn.

    Returns
    -------
    log_factors : dict of str to float
        Logarithm of the factor, zero on average over the pipelines.
    """
    predicted, measured = np.asarray(predicted, float), np.asarray(measured, float)
    before = {} if before is None else before
    usable = (predicted > 0) & (measured > 0) & np.isfinite(measured)
    if not usable.any():
        return dict(before)
    ratios = np.log(measured[usable] / predicted[usable])
    families = np.asarray(families)[usable]
    ratios = ratios - ratios.mean()
    factors = dict(before)
    for family in dict.fromkeys(families.tolist()):
        own = ratios[families == family]
        drawn = before.get(family, 0.0) * FAMILY_SHRINKAGE
        factors[family] = float((own.sum() + drawn) / (len(own) + FAMILY_SHRINKAGE))
    return factors
