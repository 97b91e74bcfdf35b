"""Statistics of all columns of a matrix at once, missing values left out."""

from __future__ import annotations

import numpy as np

# Summaries of a quantity over the columns, see `summarize`.
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
    """Summarize a quantity over the columns that have it.

    Parameters
    ----------
    name : str
    values : ndarray
        One for each column; NaN is left out.
    statistics : iterable of str
        Keys of `STATISTICS`.

    Returns
    -------
    summary : dict of str to float
        Keys ``"{name}_{statistic}"``; empty without a value.
    """
    values = values[~np.isnan(values)]
    if not len(values):
        return {}
    return {f"{name}_{s}": float(STATISTICS[s](values)) for s in statistics}


def scaled_columns(values):
    """Multiply each column by a power of two, so that it is between -1 and 1.

    That changes no digit, and keeps powers of the values from overflowing.

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
    """Shift and scale each column to its median and its largest distance from it.

    Moments of the result neither overflow nor cancel.

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
    """Return each column in ascending order, NaN last, and the counts of the rest."""
    return np.sort(values, axis=0), np.count_nonzero(~np.isnan(values), axis=0)


def quantiles(ordered, counts, probabilities):
    """Quantiles of each column, with linear interpolation as numpy's.

    Parameters
    ----------
    ordered, counts : ndarray
        From `sorted_columns`; each column has at least one value.
    probabilities : sequence of float

    Returns
    -------
    quantiles : ndarray of shape (len(probabilities), n_columns)
    """
    # 0.6 * 5 is a little more than 3: without rounding, what is one of the values
    # would become a number beside it, on which side being a matter of luck.
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
    # A comparison with NaN, behind the values, is false.
    return np.count_nonzero(ordered[1:] > ordered[:-1], axis=0) + (counts > 0)


def standardized_moments(unit):
    """Return standard deviation, skewness and kurtosis of each column.

    The moments of the values themselves, without correction for the sample; three are
    subtracted from the kurtosis, so that it is zero for a normal distribution.

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
        Above 0 and below 1, symmetric about 0.5; NaN stays.
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
