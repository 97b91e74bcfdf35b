"""Which datasets are like this one, by their meta-features."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

# Quantiles to which meta-features are mapped; fewer than datasets, so that one odd
# dataset does not move the others.
N_QUANTILES = 64

# Datasets at a smaller distance are the same one.
LEAST_BANDWIDTH = 1e-6


@dataclass(frozen=True)
class MetaSpace:
    """Meta-features of many datasets on a common scale.

    Each meta-feature is mapped to its rank among the datasets, in [-1, 1]: their
    distributions are skewed in all ways, and ranks need no choice for each. An
    undefined value is in the middle, where it makes nobody near or far.

    Parameters
    ----------
    names : tuple of str
    quantiles : ndarray of shape (n_quantiles, n_metafeatures)
    points : ndarray of shape (n_datasets, n_metafeatures)
        The datasets, mapped.
    weights : ndarray of shape (n_metafeatures,)
        Of the squared differences; they sum to one.
    """

    names: tuple[str, ...]
    quantiles: np.ndarray = field(repr=False)
    points: np.ndarray = field(repr=False)
    weights: np.ndarray = field(repr=False)

    def with_weights(self, weights) -> MetaSpace:
        """Return the space with other weights; what had none keeps none."""
        weights = np.where(self.weights > 0, weights, 0.0)
        total = weights.sum()
        return replace(self, weights=weights / total) if total > 0 else self

    def map(self, values):
        """Map the meta-features of one dataset, of shape (n_metafeatures,)."""
        return _ranks(np.asarray(values, dtype=float)[None, :], self.quantiles)[0]

    def squared_differences(self, values):
        """Return weighted squared differences, (n_datasets, n_metafeatures)."""
        return self.weights * (self.points - self.map(values)) ** 2

    def distances(self, values):
        """Return the distances of all datasets to one, of shape (n_datasets,).

        0 for equal meta-features; 2 is the largest possible value.
        """
        return np.sqrt(self.squared_differences(values).sum(axis=1))


def meta_space(names, values, weights=None) -> MetaSpace:
    """Put the meta-features of datasets on a common scale.

    Parameters
    ----------
    names : sequence of str
    values : ndarray of shape (n_datasets, n_metafeatures)
        NaN where undefined.
    weights : ndarray of shape (n_metafeatures,), default=None
        Importance of each; equal by default. A meta-feature that is the same for all
        datasets gets none.

    Returns
    -------
    space : MetaSpace
    """
    values = np.asarray(values, dtype=float)
    weights = np.ones(len(names)) if weights is None else np.asarray(weights, float)
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
    weights = np.where(varies, weights, 0.0)
    weights = weights / weights.sum() if weights.sum() > 0 else weights
    return MetaSpace(tuple(names), quantiles, _ranks(values, quantiles), weights)


def _ranks(values, quantiles):
    """Map each column to its rank in its quantiles, in [-1, 1]; NaN becomes 0."""
    grid = np.linspace(-1, 1, len(quantiles))
    ranks = np.empty_like(values)
    for j in range(values.shape[1]):
        column = values[:, j]
        # The middle of the ranks of equal quantiles: a value that half of the datasets
        # have is in the middle of them, not at an end.
        left = np.interp(column, quantiles[:, j], grid)
        right = -np.interp(-column, -quantiles[::-1, j], grid)
        ranks[:, j] = (left + right) / 2
    return np.where(np.isfinite(values), ranks, 0.0)


@dataclass(frozen=True)
class KernelNeighbors:
    """Datasets weighted by their distance.

    A Gaussian kernel whose bandwidth is the distance of the neighbor number
    `n_neighbors`: it adapts to how dense the datasets lie.

    Parameters
    ----------
    space : MetaSpace
    prior : ndarray of shape (n_datasets,)
        How much each dataset counts, if all are as near.
    n_neighbors : int
    """

    space: MetaSpace
    prior: np.ndarray = field(repr=False)
    n_neighbors: int

    def weights(self, metafeatures):
        """Return how much each dataset counts for a new one; they sum to one."""
        distances = self.distances(metafeatures)
        weights = kernel_weights(distances, self.n_neighbors) * self.prior
        return weights / weights.sum()

    def distances(self, metafeatures):
        """Return the distances of all datasets to one, of shape (n_datasets,)."""
        return self.space.distances(metafeatures)


def kernel_weights(distances, n_neighbors):
    """Return how much each dataset counts, by its distance.

    See `KernelNeighbors`.

    Parameters
    ----------
    distances : ndarray of shape (n_datasets,)
    n_neighbors : int

    Returns
    -------
    weights : ndarray of shape (n_datasets,)
        They sum to one.
    """
    rank = min(n_neighbors, len(distances)) - 1
    bandwidth = max(np.partition(distances, rank)[rank], LEAST_BANDWIDTH)
    weights = np.exp(-0.5 * (distances / bandwidth) ** 2)
    return weights / weights.sum()
