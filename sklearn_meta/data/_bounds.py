"""Bounds of encoded values, so that a huge cell does not break a prediction.

Forests and networks compute in single precision and refuse or lose values beyond 3e38.
One overflowing counter in a later batch would make the predictions of the whole batch
fail. Cells are therefore clipped, in `fit` to `LARGEST` and in `predict` to values far
beyond those seen in `fit`, where no model can know anything.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse
from sklearn.pipeline import Pipeline

from sklearn_meta.data._transformer_specs import (
    TO_FLOATS,
    function_spec,
    pipeline_spec,
)
from sklearn_meta.pipelines._spec import instantiate

# Values of a table that models are fitted on. Products with a number of rows or with
# the inverse of a small standard deviation stay within single precision.
LARGEST = 1e30

# Distance from the range of a column in `fit`, in multiples of this range. Columns that
# are scaled to unit variance stay below a million, and products of three of them below
# 1e18.
DISTANCE = 1e4


@dataclass(frozen=True)
class Bounds:
    """Smallest and largest values of new rows.

    Parameters
    ----------
    low, high : ndarray of shape (n_features,) or ()
        One value for all columns of a sparse table, of which there may be millions.
    """

    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, encoded) -> Bounds:
        """Return the bounds for new rows of an encoded table.

        Parameters
        ----------
        encoded : ndarray or CSR matrix of shape (n_samples, n_features)

        Returns
        -------
        bounds : Bounds
        """
        low, high = _range_of(encoded)
        room = np.where(high > low, high - low, np.maximum(np.abs(low), 1.0))
        return cls(low - DISTANCE * room, high + DISTANCE * room)

    def clip(self, encoded):
        """Clip the values of new rows.

        Parameters
        ----------
        encoded : ndarray or CSR matrix of shape (n_samples, n_features)

        Returns
        -------
        encoded : ndarray or CSR matrix
            The same object where nothing is to be clipped.
        """
        low, high = _range_of(encoded)
        if not ((low < self.low) | (high > self.high)).any():
            return encoded
        if sparse.issparse(encoded):
            encoded = encoded.copy()
            encoded.data = np.clip(encoded.data, self.low, self.high)
            return encoded
        return np.clip(encoded, self.low, self.high)


def clip_huge(encoder, encoded, encoding):
    """Clip the values of a table to `LARGEST`.

    Parameters
    ----------
    encoder : fitted transformer or None
    encoded : ndarray or CSR matrix of shape (n_samples, n_features)
    encoding : Encoding

    Returns
    -------
    encoder, encoded, encoding
        The same objects for tables without such values. Otherwise the encoder of a
        dense table clips as well, so that exported pipelines do.
    """
    low, high = _range_of(encoded)
    if not ((low < -LARGEST) | (high > LARGEST)).any():
        return encoder, encoded, encoding
    bounds = Bounds(np.float64(-LARGEST), np.float64(LARGEST))
    encoded = bounds.clip(encoded)
    if sparse.issparse(encoded):
        return encoder, encoded, encoding
    clip = function_spec("numpy.clip", a_min=-LARGEST, a_max=LARGEST)
    first = encoding.encoder or function_spec("sklearn.utils.check_array", **TO_FLOATS)
    spec = pipeline_spec(("columns", first), ("clip", clip))
    if encoder is None:
        encoder = instantiate(first).set_output(transform="default")
    clipper = instantiate(clip).set_output(transform="default")
    pipeline = Pipeline([("columns", encoder), ("clip", clipper)])
    return pipeline, encoded, replace(encoding, encoder=spec)


def _range_of(encoded):
    """Return the smallest and largest values: of columns, or of a sparse table."""
    if sparse.issparse(encoded):
        values = encoded.data
        # There are zeros besides the values that are stored.
        return (
            np.min(values, initial=0.0),
            np.max(values, initial=0.0),
        )
    # Unlike min and max, these ignore NaN; empty columns have the range of zero.
    low = np.fmin.reduce(encoded, axis=0)
    high = np.fmax.reduce(encoded, axis=0)
    return np.nan_to_num(low, nan=0.0), np.nan_to_num(high, nan=0.0)
