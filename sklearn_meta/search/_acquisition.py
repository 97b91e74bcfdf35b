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

# Beyond this many standard deviations, the asymptotic expansions are more accurate than
# the closed form in floating point.
FAR_BELOW = -30.0


def log_expected_improvement(best, mean, deviation):
    """Logarithm of the expected improvement, for minimization.

    Parameters
    ----------
    best : float
        Smallest value so far.
    mean, deviation : ndarray of shape (n,)
        Posterior mean and standard deviation (positive) of each candidate.

    Returns
    -------
    log_improvement : ndarray of shape (n,)
        Logarithm of ``E[max(0, best - z)]`` for ``z ~ N(mean, deviation**2)``; finite
        even if the expected improvement underflows.
    """
    u = (best - mean) / deviation
    log_density = -0.5 * u**2 - 0.5 * math.log(2 * math.pi)
    # phi(u) + u Phi(u) = phi(u) (1 + u Phi(u) / phi(u)). Far below zero the bracket
    # suffers from cancellation and is 1 / u**2 up to O(u**-4); far above zero the whole
    # expression is u.
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
