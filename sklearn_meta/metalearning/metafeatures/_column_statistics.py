"""Statistics of the columns of a matrix, vectorized over columns, ignoring NaN."""

from __future__ import annotations

import numpy as np

# Statistics of a quantity over the columns, see `summarize`.
STATISTICS = {
    "min": np.min,
    "q25": lambda values: np.quantile(values, 0.25),
    "median": np.median,
    "mean": np.mean,
    "q75": lambda values: np.quantile(values, 0.75),
    "max": np.max,
    "sd": lambda values: np.std(values, ddof=1) if len(values) > 1 else np.nan,
}


def summarize(name, values, statistics):
    """Summarize a quantity over columns.

    Parameters
    ----------
    name : str
        Of the quantity.
    values : ndarray of shape (n_columns,)
        NaN is ignored.
    statistics : iterable of str
        Keys of `STATISTICS`.

    Returns
    -------
    summary : dict of str to float
        Keys ``"{name}_{statistic}"``; empty if all values are NaN.
    """
    values = values[~np.isnan(values)]
    if not len(values):
        return {}
    return {f"{name}_{s}": float(STATISTICS[s](values)) for s in statistics}


def scaled_columns(values):
    """Multiply each column by a power of two, so that it is between -1 and 1.

    The scaling is exact, and powers of the result do not overflow.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_columns)
        Finite or NaN, at least one value in each column.

    Returns
    -------
    scaled : ndarray of shape (n_samples, n_columns)
        NaN stays.
    """
    return np.ldexp(values, -np.frexp(np.fmax.reduce(np.abs(values), axis=0))[1])


def unit_columns(values):
    """Center each column at its median and scale it to a largest distance of 1.

    Moments of the result do not overflow, and are accurate far from zero.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_columns)
        Finite or NaN, at least two distinct values in each column.

    Returns
    -------
    unit : ndarray of shape (n_samples, n_columns)
        Between -1 and 1; NaN stays.
    """
    scaled = scaled_columns(values)
    scaled -= quantiles(*sorted_columns(scaled), (0.5,))
    return scaled / np.fmax.reduce(np.abs(scaled), axis=0)


def sorted_columns(values):
    """Sort each column, NaN last, and count its other values."""
    return np.sort(values, axis=0), np.count_nonzero(~np.isnan(values), axis=0)


def quantiles(ordered, counts, probabilities):
    """Return quantiles of each column, with linear interpolation as numpy's.

    Parameters
    ----------
    ordered, counts : ndarray
        From `sorted_columns`; each column has at least one value.
    probabilities : sequence of float

    Returns
    -------
    quantiles : ndarray of shape (len(probabilities), n_columns)
    """
    # 0.6 * 5 is a little more than 3: without rounding, a quantile that is one of the
    # values would differ from it by a rounding error.
    places = np.round(np.multiply.outer(probabilities, counts - 1.0), 9)
    low = places.astype(np.intp)
    high = np.minimum(low + 1, counts - 1)
    below = np.take_along_axis(ordered, low, axis=0)
    above = np.take_along_axis(ordered, high, axis=0)
    return below + (above - below) * (places - low)


def n_distinct(ordered, counts):
    """Return the number of distinct values of each column, see `sorted_columns`."""
    if len(ordered) == 0:
        return np.zeros(ordered.shape[1], dtype=np.intp)
    # Comparisons with NaN, which is sorted last, are false.
    return np.count_nonzero(ordered[1:] > ordered[:-1], axis=0) + (counts > 0)


def standardized_moments(unit):
    """Return standard deviation, skewness and kurtosis of each column.

    Central moments without bias correction; the kurtosis is the excess over that of a
    normal distribution.

    Parameters
    ----------
    unit : ndarray of shape (n_samples, n_columns)
        From `unit_columns`.

    Returns
    -------
    sd, skewness, kurtosis : ndarray of shape (n_columns,)
    """
    absent = np.isnan(unit)
    counts = len(unit) - np.count_nonzero(absent, axis=0)
    centered = np.where(absent, 0.0, unit)
    centered -= centered.sum(axis=0) / counts
    centered[absent] = 0.0
    squares = centered**2
    variance = squares.sum(axis=0) / counts
    third = (squares * centered).sum(axis=0) / counts
    fourth = (squares**2).sum(axis=0) / counts
    return np.sqrt(variance), third / variance**1.5, fourth / variance**2 - 3.0


def average_ranks(values):
    """Rank the values of each column, ties sharing their mean rank.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_columns)

    Returns
    -------
    ranks : ndarray of shape (n_samples, n_columns)
        In (0, 1), symmetric about 0.5; NaN stays.
    """
    n_samples = len(values)
    order = np.argsort(values, axis=0, kind="stable")
    ordered = np.take_along_axis(values, order, axis=0)
    counts = np.count_nonzero(~np.isnan(values), axis=0)
    place = np.arange(n_samples)[:, None]
    new = np.ones(values.shape, dtype=bool)
    new[1:] = ordered[1:] != ordered[:-1]
    first = np.maximum.accumulate(np.where(new, place, 0), axis=0)
    ends = np.ones(values.shape, dtype=bool)
    ends[:-1] = new[1:]
    last = np.where(ends, place, n_samples)[::-1]
    last = np.minimum.accumulate(last, axis=0)[::-1]
    shares = ((first + last) / 2 + 0.5) / np.maximum(counts, 1)
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, shares, axis=0)
    ranks[np.isnan(values)] = np.nan
    return ranks
