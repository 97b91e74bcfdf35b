"""Sample weights, of which only the ratios count."""

from __future__ import annotations

import numpy as np

# Weights are rounded to this many binary digits, so that multiples of weights give the
# same relative weights. Weights are multiples of a unit if they are within the
# tolerance, as a share of the unit.
_DIGITS, _TOLERANCE = 40, 1e-6


def relative_weights(weight) -> np.ndarray | None:
    """Divide weights by their mean.

    Learners have penalties and thresholds that are relative to the sum of the weights:
    with weights of a millionth, LightGBM would make no split.

    Parameters
    ----------
    weight : ndarray of shape (n_samples,)
        Non-negative weights, not all zero.

    Returns
    -------
    weight : ndarray of shape (n_samples,) or None
        The mean of those that are not zero is one. None if all are equal.
    """
    if (weight == weight[0]).all():
        return None
    # The largest first: sums of huge weights overflow.
    weight = weight / weight.max()
    weight = weight / weight[weight > 0].mean()
    mantissa, exponent = np.frexp(weight)
    return np.ldexp(np.round(np.ldexp(mantissa, _DIGITS)), exponent - _DIGITS)


def as_counts(weight, max_total) -> np.ndarray | None:
    """Return the smallest whole numbers that are in the ratio of some weights.

    Parameters
    ----------
    weight : ndarray of shape (n_samples,)
        Non-negative weights, not all zero.
    max_total : int
        Maximum sum of the numbers.

    Returns
    -------
    counts : ndarray of int of shape (n_samples,) or None
        None if there are no such numbers.
    """
    shares = weight / weight.max()
    # Numbers that the largest weight may stand for.
    largest = np.arange(1, int(max_total / shares.sum() * (1 + _TOLERANCE)) + 1)
    for share in np.unique(shares):
        numbers = share * largest
        largest = largest[np.abs(numbers - np.round(numbers)) <= _TOLERANCE]
        if not len(largest):
            return None
    return np.round(shares * largest[0]).astype(np.intp)
