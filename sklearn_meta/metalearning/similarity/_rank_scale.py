"""Meta-features of many datasets on a common scale, by their ranks."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

# Quantiles that approximate the ranks; fewer than datasets, so that one unusual dataset
# does not move the others.
N_QUANTILES = 64


@dataclass(frozen=True)
class RankScale:
    """Meta-features of datasets, each mapped to its rank in [-1, 1].

    The distributions of meta-features are skewed in many ways; ranks need no
    transformation chosen for each. An undefined value is mapped to 0, the middle.

    Parameters
    ----------
    names : tuple of str of length n_metafeatures
    quantiles : ndarray of shape (n_quantiles, n_metafeatures)
        Of each meta-feature over the datasets.
    points : ndarray of shape (n_datasets, n_metafeatures)
        Ranks of the datasets.
    varies : ndarray of bool of shape (n_metafeatures,)
        Whether a meta-feature differs between datasets.
    """

    names: tuple[str, ...]
    quantiles: np.ndarray = field(repr=False)
    points: np.ndarray = field(repr=False)
    varies: np.ndarray = field(repr=False)

    def map(self, values):
        """Return the ranks of the meta-features of one dataset, (n_metafeatures,)."""
        return _ranks(np.asarray(values, dtype=float)[None, :], self.quantiles)[0]


def rank_scale(names, values) -> RankScale:
    """Estimate the rank of each meta-feature from its values on datasets.

    Parameters
    ----------
    names : sequence of str of length n_metafeatures
    values : ndarray of shape (n_datasets, n_metafeatures)
        NaN where undefined.

    Returns
    -------
    scale : RankScale
    """
    values = np.asarray(values, dtype=float)
    grid = np.linspace(0, 1, min(N_QUANTILES, max(2, len(values))))
    with np.errstate(invalid="ignore"):
        defined = np.isfinite(values)
        usable = defined.any(axis=0)
        quantiles = np.zeros((len(grid), len(names)))
        if usable.any():
            quantiles[:, usable] = np.nanquantile(
                np.where(defined, values, np.nan)[:, usable], grid, axis=0
            )
    varies = usable & (quantiles[-1] > quantiles[0])
    return RankScale(tuple(names), quantiles, _ranks(values, quantiles), varies)


def _ranks(values, quantiles):
    """Return the rank of each value among the quantiles of its column; 0 for NaN."""
    grid = np.linspace(-1, 1, len(quantiles))
    ranks = np.empty_like(values)
    for j in range(values.shape[1]):
        column = values[:, j]
        # Among equal quantiles, the mean of the lowest and the highest rank: a value
        # that half of the datasets share is in the middle of them, not at an end.
        left = np.interp(column, quantiles[:, j], grid)
        right = -np.interp(-column, -quantiles[::-1, j], grid)
        ranks[:, j] = (left + right) / 2
    return np.where(np.isfinite(values), ranks, 0.0)
