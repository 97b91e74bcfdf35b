"""Acquisition functions: log expected improvement with a stable tail [1]_.

References
----------
.. [1] S. Ament, S. Daulton, D. Eriksson, M. Balandat and E. Bakshy, "Unexpected
   improvements to expected improvement for Bayesian optimization", NeurIPS 2023.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import log_ndtr

# Beyond so many deviations, series and limits are exact to more digits than formulas.
FAR_BELOW = -30.0


def log_expected_improvement(best, mean, deviation):
    """Logarithm of the expected improvement of a normal variable below `best`.

    Parameters
    ----------
    best : float
    mean, deviation : ndarray of shape (n,)
        Deviations above zero.

    Returns
    -------
    log_improvement : ndarray of shape (n,)
        Of ``E[max(0, best - z)]`` for ``z ~ N(mean, deviation**2)``; finite also where
        the improvement itself is too small for a float.
    """
    u = (best - mean) / deviation
    log_density = -0.5 * u**2 - 0.5 * math.log(2 * math.pi)
    # phi(u) + u Phi(u) = phi(u) (1 + u Phi(u) / phi(u)). Far below zero the bracket
    # loses its digits, and is 1 / u**2 up to terms of u**-4; far above, the whole is u.
    near = np.clip(u, FAR_BELOW, -FAR_BELOW)
    near_density = -0.5 * near**2 - 0.5 * math.log(2 * math.pi)
    factor = 1.0 + near * np.exp(log_ndtr(near) - near_density)
    log_gain = np.where(
        u < FAR_BELOW,
        log_density - 2.0 * np.log(np.maximum(-u, 1.0)),
        near_density + np.log(np.maximum(factor, np.finfo(float).tiny)),
    )
    return np.log(deviation) + np.where(
        u > -FAR_BELOW, np.log(np.maximum(u, 1.0)), log_gain
    )
