"""The temperature at which probabilities are right."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

# Temperatures lie between the inverse of this and this.
LARGEST = 10.0
# Rows that speak for a temperature of one before any row was seen.
PRIOR_ROWS = 8.0


def best_temperature(logits, codes, weight):
    """Find the temperature under which left-out predictions are most likely [1]_.

    Parameters
    ----------
    logits : ndarray of shape (n_samples, n_classes)
        Of rows that the network did not see.
    codes : ndarray of int of shape (n_samples,)
    weight : ndarray of shape (n_samples,)

    Returns
    -------
    temperature : float
        What logits are divided by: 1 without any row, and near to it with few.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural
       networks", ICML 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_meta.maml._temperature import best_temperature
    >>> logits = np.array([[6.0, 0.0]] * 100)
    >>> codes = np.array([0] * 90 + [1] * 10)
    >>> round(best_temperature(logits, codes, np.ones(100)), 1)
    2.4
    """
    rows = np.arange(len(codes))

    def loss(log_temperature):
        own = log_softmax(logits * np.exp(-log_temperature), axis=1)[rows, codes]
        return 0.5 * PRIOR_ROWS * log_temperature**2 - weight @ own

    bound = np.log(LARGEST)
    found = minimize_scalar(
        loss, bounds=(-bound, bound), method="bounded", options={"xatol": 1e-3}
    )
    return float(np.exp(found.x))
