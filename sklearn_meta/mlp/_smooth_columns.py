"""Robust scaling, smooth clipping and piecewise linear encoding of numeric columns.

Each column is centered at its median, divided by its interquartile range, and clipped
smoothly to ``(-3, 3)`` [1]_. Missing cells become zero, with an indicator column. The
piecewise linear encoding [2]_ rises from -1 to 1 between two quantiles of the column,
one code for each bin.

References
----------
.. [1] D. Holzmüller, L. Grinsztajn, I. Steinwart, "Better by Default: Strong Pre-Tuned
   MLPs and Boosted Trees on Tabular Data", NeurIPS 2024.
.. [2] Y. Gorishniy, I. Rubachev, A. Babenko, "On Embeddings for Numerical Features in
   Tabular Deep Learning", NeurIPS 2022.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

# Bound of the clipped values, in interquartile ranges.
LIMIT = 3.0
# Bound of scaled values, so that squares do not overflow in single precision.
MAX_SCALED = 1e6
# Maximum number of columns and codes; the cost of the first layer is proportional.
MAX_INPUTS = 1024
# With fewer bins the codes are nearly a function of the clipped column.
MIN_BINS = 2


@dataclass(frozen=True)
class SmoothColumns:
    """Fitted map from the columns of a table to the inputs of a network.

    Parameters
    ----------
    center, scale : ndarray of shape (n_features,)
        A cell is ``(value - center) * scale`` before clipping. Constant columns have
        the scale 0.
    with_missing : ndarray of int
        Indices of the columns with an indicator of missing cells.
    edges : tuple of ndarray
        Edges of the bins of each scaled column; empty if it has no codes.
    """

    center: np.ndarray = field(repr=False)
    scale: np.ndarray = field(repr=False)
    with_missing: np.ndarray = field(repr=False)
    edges: tuple[np.ndarray, ...] = field(repr=False)

    def transform(self, X) -> np.ndarray:
        """Return the inputs of the network.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            NaN where a cell is missing.

        Returns
        -------
        inputs : ndarray of shape (n_samples, n_inputs), float32
            Indicators, columns, codes.
        """
        scaled = _scaled(X, self.center, self.scale)
        missing = np.isnan(scaled)
        parts = [
            missing[:, self.with_missing],
            np.nan_to_num(scaled / np.sqrt(1 + (scaled / LIMIT) ** 2)),
        ]
        for column, edges in zip(scaled.T, self.edges, strict=True):
            if len(edges):
                rise = (column[:, None] - edges[:-1]) / np.diff(edges)
                parts.append(np.nan_to_num(2 * np.clip(rise, 0, 1) - 1))
        return np.concatenate(parts, axis=1, dtype=np.float32, casting="unsafe")


def smooth_columns(X, n_bins) -> SmoothColumns:
    """Fit the map of the columns of a table.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), float64
        NaN where a cell is missing.
    n_bins : int
        Number of bins of each column, reduced if there are many columns; 0 for no
        codes.

    Returns
    -------
    columns : SmoothColumns
    """
    missing = np.isnan(X)
    # Quantiles of an empty column would warn.
    known = np.where(missing.all(axis=0), 0.0, X)
    low, first, center, third, high = np.nanquantile(
        known, [0.0, 0.25, 0.5, 0.75, 1.0], axis=0
    )
    with np.errstate(divide="ignore", over="ignore"):
        scale = np.where(third > first, 1 / (third - first), 2 / (high - low))
    scale[~np.isfinite(scale) | (high == low)] = 0.0
    n_features = X.shape[1]
    n_bins_each = min(n_bins, MAX_INPUTS // max(n_features, 1) - 1)
    edges = (np.empty(0),) * n_features
    if n_bins_each >= MIN_BINS:
        scaled = _scaled(known, center, scale)
        edges = tuple(_edges(column, n_bins_each) for column in scaled.T)
    return SmoothColumns(center, scale, np.flatnonzero(missing.any(axis=0)), edges)


def _scaled(X, center, scale):
    """Return the scaled cells, NaN where missing."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.clip((X - center) * scale, -MAX_SCALED, MAX_SCALED)


def _edges(column, n_bins_each):
    """Return the distinct quantiles of a column; none if there are too few."""
    quantiles = np.nanquantile(column, np.linspace(0, 1, n_bins_each + 1))
    edges = np.unique(quantiles)
    return edges if len(edges) > MIN_BINS else np.empty(0)
