"""Columns of numbers as inputs of a network: on one scale, without far-off values.

Each column is centered at its median, divided by its interquartile range, and squeezed
smoothly into ``(-3, 3)`` [1]_. Missing cells become zero, beside a column that says
where they were. Piecewise linear codes [2]_ make steps and kinks of a single column
easy to learn: between two quantiles of the column, each code rises from -1 to 1.

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

# Values are squeezed to less than this, in interquartile ranges.
LIMIT = 3.0
# Beyond it, squares of single precision numbers come near to overflowing.
FAR = 1e6
# Columns and codes together; the first layer costs in proportion.
MAX_INPUTS = 1024
# Codes of fewer pieces say what the column itself says.
MIN_PIECES = 2


@dataclass(frozen=True)
class SmoothColumns:
    """How the columns of one table become inputs.

    Parameters
    ----------
    center, scale : ndarray of shape (n_features,)
        A cell is ``(value - center) * scale`` before it is squeezed. Constant columns
        have the scale zero.
    with_missing : ndarray of int
        Columns that get an indicator.
    edges : tuple of ndarray
        Increasing quantiles of each scaled column; empty where it has no codes.
    """

    center: np.ndarray = field(repr=False)
    scale: np.ndarray = field(repr=False)
    with_missing: np.ndarray = field(repr=False)
    edges: tuple[np.ndarray, ...] = field(repr=False)

    def transform(self, X) -> np.ndarray:
        """Return the inputs of some rows.

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
    """Find out how the columns of a table become inputs.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), float64
        NaN where a cell is missing.
    n_bins : int
        Pieces of the codes of each column, fewer where there are many columns; 0 for
        none.

    Returns
    -------
    columns : SmoothColumns
    """
    missing = np.isnan(X)
    # Quantiles of nothing would be a warning.
    known = np.where(missing.all(axis=0), 0.0, X)
    low, first, center, third, high = np.nanquantile(
        known, [0.0, 0.25, 0.5, 0.75, 1.0], axis=0
    )
    with np.errstate(divide="ignore", over="ignore"):
        scale = np.where(third > first, 1 / (third - first), 2 / (high - low))
    scale[~np.isfinite(scale) | (high == low)] = 0.0
    n_features = X.shape[1]
    n_pieces = min(n_bins, MAX_INPUTS // max(n_features, 1) - 1)
    edges = (np.empty(0),) * n_features
    if n_pieces >= MIN_PIECES:
        scaled = _scaled(known, center, scale)
        edges = tuple(_edges(column, n_pieces) for column in scaled.T)
    return SmoothColumns(center, scale, np.flatnonzero(missing.any(axis=0)), edges)


def _scaled(X, center, scale):
    """Return the scaled cells; missing ones are NaN."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.clip((X - center) * scale, -FAR, FAR)


def _edges(column, n_pieces):
    quantiles = np.nanquantile(column, np.linspace(0, 1, n_pieces + 1))
    edges = np.unique(quantiles)
    return edges if len(edges) > MIN_PIECES else np.empty(0)
