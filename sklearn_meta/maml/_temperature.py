"""Temperature scaling of class probabilities."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

# Temperatures lie between the inverse of this and this.
MAX_TEMPERATURE = 10.0
# Precision of the prior of the log temperature (mean 0), in units of rows.
PRIOR_ROWS = 8.0


def fit_temperature(logits, codes, weight):
    """Maximize the posterior of the temperature given left-out predictions [1]_.

    Parameters
    ----------
    logits : ndarray of shape (n_samples, n_classes)
        Left-out predictions.
    codes : ndarray of int of shape (n_samples,)
        Class codes.
    weight : ndarray of shape (n_samples,)

    Returns
    -------
    temperature : float
        Divisor of the logits, shrunken towards 1 if there are few rows.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural
       networks", ICML 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_meta.maml._temperature import fit_temperature
    >>> logits = np.array([[6.0, 0.0]] * 100)
    >>> codes = np.array([0] * 90 + [1] * 10)
    >>> round(fit_temperature(logits, codes, np.ones(100)), 1)
    2.4
    """
    rows = np.arange(len(codes))

    def loss(log_temperature):
        own = log_softmax(logits * np.exp(-log_temperature), axis=1)[rows, codes]
        return 0.5 * PRIOR_ROWS * log_temperature**2 - weight @ own

    bound = np.log(MAX_TEMPERATURE)
    found = minimize_scalar(
        loss, bounds=(-bound, bound), method="bounded", options={"xatol": 1e-3}
    )
    return float(np.exp(found.x))
