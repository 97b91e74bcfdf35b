"""Scores and seconds as whole numbers.

SQLite keeps small whole numbers in one to four bytes and any other number in eight;
most of the built-in file are such numbers.
"""

from __future__ import annotations

import math

import numpy as np

# Significant digits of the larger one of a mean and its standard error: more than the
# folds tell apart, and few enough for three bytes.
SCORE_DIGITS = 6

# Stands for NULL in what is read as text.
UNKNOWN = -1

# Powers of ten as they are read from text, so that the same decimal number always
# comes back as the same float.
_POWERS = np.array([float(f"1e{k}") for k in range(309)])
_SMALLEST_EXPONENT = -300

_MICROSECONDS = 1e6


def encode_score(mean, standard_error):
    """Return whole numbers for a score.

    Parameters
    ----------
    mean : float
        Finite.
    standard_error : float
        NaN or infinite where not known.

    Returns
    -------
    mean : int
    standard_error : int or None
        None where not known.
    exponent : int
        Both are multiples of ``10**exponent``.
    """
    known = math.isfinite(standard_error)
    largest = max(abs(mean), standard_error if known else 0.0)
    if largest == 0.0:
        return 0, (0 if known else None), 0
    magnitude = int(f"{largest:.{SCORE_DIGITS - 1}e}".partition("e")[2])
    exponent = max(magnitude - (SCORE_DIGITS - 1), _SMALLEST_EXPONENT)
    return (
        round(_shifted(mean, -exponent)),
        round(_shifted(standard_error, -exponent)) if known else None,
        exponent,
    )


def decode_scores(values, exponents):
    """Return the scores that `encode_score` was given, rounded.

    Parameters
    ----------
    values : ndarray of int
        `UNKNOWN` standard errors have to be masked by the caller.
    exponents : ndarray of int of the same shape

    Returns
    -------
    scores : ndarray of float
    """
    powers = _POWERS[np.abs(exponents)]
    return np.where(exponents < 0, values / powers, values * powers)


def _shifted(value, places):
    return value * _POWERS[places] if places >= 0 else value / _POWERS[-places]


def encode_seconds(seconds):
    """Return whole microseconds, or None where the seconds are NaN."""
    return None if math.isnan(seconds) else round(float(seconds) * _MICROSECONDS)


def decode_seconds(microseconds):
    """Return the seconds of an array of microseconds; NaN for `UNKNOWN`."""
    return known(microseconds / _MICROSECONDS, microseconds)


def known(values, stored):
    """Return `values` with NaN where `UNKNOWN` was stored."""
    return np.where(stored == UNKNOWN, np.nan, values)
