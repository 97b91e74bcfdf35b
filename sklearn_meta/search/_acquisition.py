"""Acquisition functions, for minimization: what a candidate promises.

With the posterior mean m and standard deviation s of a candidate, the smallest value so
far f, u = (f - m) / s, and the density phi and distribution Phi of the normal:

===============  ==========================================================
``"ei"``         expected improvement [1]_, ``s (u Phi(u) + phi(u))``
``"log_ei"``     its logarithm, with a stable tail [2]_: it orders candidates
                 also where the expected improvement underflows
``"ucb"``        confidence bound [3]_, ``-(m - KAPPA s)``
===============  ==========================================================

Greater is better in all of them.

References
----------
.. [1] D. R. Jones, M. Schonlau and W. J. Welch, "Efficient global optimization of
   expensive black-box functions", Journal of Global Optimization 13, 1998.
.. [2] S. Ament, S. Daulton, D. Eriksson, M. Balandat and E. Bakshy, "Unexpected
   improvements to expected improvement for Bayesian optimization", NeurIPS 2023.
.. [3] N. Srinivas, A. Krause, S. Kakade and M. Seeger, "Gaussian process optimization
   in the bandit setting", ICML 2010.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import log_ndtr, ndtr

# Beyond this many standard deviations, the asymptotic expansions are more accurate than
# the closed form in floating point.
FAR_BELOW = -30.0

# Standard deviations by which a candidate may be better than its mean.
KAPPA = 2.0


def expected_improvement(best, mean, deviation):
    """Return the expected improvement.

    Parameters
    ----------
    best : float
        Smallest value so far.
    mean, deviation : ndarray of shape (n,)
        Posterior mean and standard deviation (positive) of each candidate.

    Returns
    -------
    improvement : ndarray of shape (n,)
        ``E[max(0, best - z)]`` for ``z ~ N(mean, deviation**2)``.
    """
    u = (best - mean) / deviation
    density = np.exp(-0.5 * u**2) / math.sqrt(2 * math.pi)
    return np.maximum(deviation * (u * ndtr(u) + density), 0.0)


def confidence_bound(best, mean, deviation):
    """Return by how much a candidate may be below zero, `KAPPA` deviations allowed.

    Parameters
    ----------
    best : float
        Ignored.
    mean, deviation : ndarray of shape (n,)

    Returns
    -------
    bound : ndarray of shape (n,)
    """
    return KAPPA * deviation - mean


def log_expected_improvement(best, mean, deviation):
    """Return the logarithm of the expected improvement.

    Parameters
    ----------
    best : float
        Smallest value so far.
    mean, deviation : ndarray of shape (n,)
        Posterior mean and standard deviation (positive) of each candidate.

    Returns
    -------
    log_improvement : ndarray of shape (n,)
        Finite even if the expected improvement underflows.
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


ACQUISITIONS = {
    "log_ei": log_expected_improvement,
    "ei": expected_improvement,
    "ucb": confidence_bound,
}
