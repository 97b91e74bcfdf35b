"""Stacking: non-negative linear and log-linear pools, shrunk toward an average.

Notation: M members, n rows, K classes; ``w`` (M) weights, ``b`` intercept, ``c`` (M)
prior mean of the weights (those of an average), ``s`` prior standard deviation of the
weights and the intercept. The fits are maximum a posteriori estimates

    minimize  sum_i loss_i(w, b)  +  |w - c|^2 / (2 s^2)  +  |b|^2 / (2 s^2),   w >= 0

where ``loss`` is a negative log-likelihood: that of the log-linear pool [1]_ for
classes, that of a Gaussian with the variance of the average's errors for targets, and
that of an asymmetric Laplace distribution with the average's mean pinball loss for
quantiles of targets.
Since the likelihood grows with the number of rows and the prior does not, the same few
values of ``s`` suit tables of all sizes.

References
----------
.. [1] C. Genest and J. V. Zidek, "Combining probability distributions: a critique and
   an annotated bibliography", Statistical Science 1(1), 1986.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import lsq_linear, minimize

from sklearn_meta.ensemble._combination import normalize, safe_log, softmax

MAX_ITERATIONS = 100

# Width of the rounded corner of the pinball loss, relative to its mean.
CORNER = 0.1


def nonnegative_stack(
    predictions, y, *, center, scale, sample_weight=None
) -> tuple[np.ndarray, np.ndarray]:
    """Fit a stack with non-negative weights, shrunk toward given weights.

    For targets, the stack is ``intercept + sum_m w_m f_m``; for probabilities, it is
    the log-linear pool ``softmax(intercept + sum_m w_m log p_m)`` [1]_. The estimates
    are maximum a posteriori, with a normal prior of the weights around `center` and of
    the intercept around zero.

    Parameters
    ----------
    predictions : sequence of ndarray of shape (n_samples, n_classes) or (n_samples,)
        Out-of-fold probabilities or targets of each member.
    y : ndarray of shape (n_samples,)
        Indices of the true classes (int) or true targets (float).
    center : ndarray of shape (n_members,)
        Prior mean of the weights, for instance the weights of an average.
    scale : float
        Prior standard deviation of the weights and the intercept. Small values keep
        the weights close to `center`.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weights of the rows; None for equal weights.

    Returns
    -------
    weights : ndarray of shape (n_members,)
        Non-negative weights.
    intercept : ndarray of shape (n_classes,) or ()
        Added to the weighted sum.

    References
    ----------
    .. [1] C. Genest and J. V. Zidek, "Combining probability distributions: a critique
       and an annotated bibliography", Statistical Science 1(1), 1986.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_meta.ensemble import nonnegative_stack
    >>> rng = np.random.default_rng(0)
    >>> y = rng.normal(size=200)
    >>> predictions = [y + 0.1 * rng.normal(size=200), rng.normal(size=200)]
    >>> weights, _ = nonnegative_stack(predictions, y, center=[0.5, 0.5], scale=0.4)
    >>> weights.round(1)
    array([1., 0.])
    """
    center = np.asarray(center, dtype=np.float64)
    y = np.asarray(y)
    if sample_weight is None:
        rows = np.ones(len(y))
    else:
        # Scaled to mean one, so that the number of rows is the weight of the data
        # relative to the prior.
        rows = np.asarray(sample_weight, dtype=np.float64)
        rows = rows / rows.mean()
    if np.ndim(predictions[0]) == 2:
        logs = np.stack([safe_log(normalize(p)) for p in predictions])
        return fit_log_linear_pool(logs, y, rows, center, scale)
    values = np.stack([np.asarray(f, dtype=np.float64) for f in predictions])
    return fit_linear_pool(values, y, rows, center, scale)


def fit_log_linear_pool(logs, y, rows, center, scale, start=None):
    """Fit the log-linear pool ``softmax(b + sum_m w_m log p_m)`` by L-BFGS-B.

    Parameters
    ----------
    logs : ndarray of shape (n_members, n_samples, n_classes)
        Logarithms of the probabilities.
    y : ndarray of int of shape (n_samples,)
        Indices of the true classes.
    rows : ndarray of shape (n_samples,)
        Weights of the rows.
    center : ndarray of shape (n_members,)
        Prior mean of the weights.
    scale : float
        Prior standard deviation of the weights and the intercept.
    start : ndarray of shape (n_members + n_classes,), default=None
        Initial weights and intercept, for instance the solution for another scale; None
        for the prior mean.

    Returns
    -------
    weights : ndarray of shape (n_members,)
    intercept : ndarray of shape (n_classes,)
    """
    n_members, _, n_classes = logs.shape
    prior = np.concatenate([center, np.zeros(n_classes)])
    result = minimize(
        log_linear_objective,
        prior if start is None else start,
        args=(logs, y, rows, prior, scale),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0, None)] * n_members + [(None, None)] * n_classes,
        options={"maxiter": MAX_ITERATIONS, "ftol": 1e-7, "gtol": 1e-6},
    )
    return np.clip(result.x[:n_members], 0, None), result.x[n_members:]


def log_linear_objective(parameters, logs, y, rows, prior, scale):
    """Value and gradient of the penalized mean log loss of the log-linear pool.

    With ``q_i = softmax(b + sum_m w_m log p_mi)``, the gradient of row i with respect
    to the logits is ``q_i - onehot(y_i)``, and the logits are linear in ``w`` and
    ``b``.

    Parameters
    ----------
    parameters : ndarray of shape (n_members + n_classes,)
        Weights and intercept.
    logs, y, rows, scale
        See `fit_log_linear_pool`.
    prior : ndarray of shape (n_members + n_classes,)
        Prior mean of the parameters.

    Returns
    -------
    value : float
    gradient : ndarray of shape (n_members + n_classes,)
    """
    n_members, n, n_classes = logs.shape
    flat = logs.reshape(n_members, n * n_classes)
    w, b = parameters[:n_members], parameters[n_members:]
    logits = (w @ flat).reshape(n, n_classes) + b
    q = softmax(logits)
    index = np.arange(n)
    true = np.maximum(q[index, y], np.finfo(float).tiny)
    away = parameters - prior
    value = -(rows @ np.log(true)) + 0.5 * (away @ away) / scale**2
    q[index, y] -= 1.0
    q *= rows[:, None]
    gradient = np.concatenate([flat @ q.reshape(-1), q.sum(axis=0)])
    gradient += away / scale**2
    # Divided by the number of rows, so that the tolerances of the optimizer do not
    # depend on it.
    return value / n, gradient / n


def fit_linear_pools(values, y, rows, center, scale, level=None):
    """Fit ``b_k + sum_m w_m f_mk`` for outputs k, with weights shared by the outputs.

    Each output is divided by the standard deviation of the average's errors; then all
    outputs are rows of one fit.

    Parameters
    ----------
    values : ndarray of shape (n_members, n_samples, n_outputs)
        Predicted targets.
    y : ndarray of shape (n_samples, n_outputs)
        True targets.
    rows : ndarray of shape (n_samples,)
        Weights of the rows.
    center : ndarray of shape (n_members,)
        Prior mean of the weights.
    scale : float
        Prior standard deviation of the weights and the intercept.
    level : float or None, default=None
        See `fit_linear_pool`.

    Returns
    -------
    weights : ndarray of shape (n_members,)
    intercept : ndarray of shape (n_outputs,)
    """
    n_outputs = y.shape[1]
    middle = rows @ y / rows.sum()
    values, target = values - middle, y - middle
    errors = target - np.tensordot(center, values, axes=1)
    sigma = np.sqrt(rows @ errors**2 / rows.sum())
    sigma = np.where(sigma > 0, sigma, 1.0)
    weights, intercept = fit_linear_pool(
        (values / sigma).reshape(len(values), -1),
        (target / sigma).reshape(-1),
        np.repeat(rows, n_outputs),
        center,
        scale,
        level,
    )
    return weights, intercept * sigma + (1 - weights.sum()) * middle


def fit_linear_pool(values, y, rows, center, scale, level=None):
    """Fit the linear pool ``b + sum_m w_m f_m`` by bounded least squares.

    Or, with a level, by bounded quantile regression.

    Parameters
    ----------
    values : ndarray of shape (n_members, n_samples)
        Predicted targets.
    y : ndarray of shape (n_samples,)
        True targets.
    rows : ndarray of shape (n_samples,)
        Weights of the rows.
    center : ndarray of shape (n_members,)
        Prior mean of the weights.
    scale : float
        Prior standard deviation of the weights and the intercept.
    level : float or None, default=None
        Level of the quantile that the members predict; None if they predict means.

    Returns
    -------
    weights : ndarray of shape (n_members,)
    intercept : ndarray of shape ()
    """
    total = rows.sum()
    # The targets are centered, so that a mean far from zero (years, prices) affects
    # neither the intercept nor the sum of the weights.
    middle = rows @ y / total
    values = values - middle
    target = y - middle
    errors = target - center @ values
    sigma = np.sqrt(rows @ errors**2 / total)
    if not sigma > 0:
        # The average makes no errors.
        return center.copy(), np.asarray((1 - center.sum()) * middle)
    if level is not None:
        weights, intercept = _fit_quantile(
            values / sigma, target / sigma, rows, center, scale, level
        )
        return weights, np.asarray(intercept * sigma + (1 - weights.sum()) * middle)
    root = np.sqrt(rows) / sigma
    # The intercept is in units of sigma, so that its prior does not depend on the unit
    # of the target.
    columns = np.vstack([values * root, np.sqrt(rows)])
    prior = np.concatenate([center, [0.0]])
    penalty = np.eye(len(prior)) / scale
    design = np.vstack([columns.T, penalty])
    response = np.concatenate([target * root, prior / scale])
    # QR decomposition first: the bounded solver then works on a matrix of the size of
    # the number of members.
    r = np.linalg.qr(np.column_stack([design, response]), mode="r")
    lower = np.append(np.zeros(len(center)), -np.inf)
    solution = lsq_linear(
        r[:-1, :-1], r[:-1, -1], bounds=(lower, np.inf), method="bvls"
    ).x
    weights = np.clip(solution[:-1], 0, None)
    return weights, np.asarray(solution[-1] * sigma + (1 - weights.sum()) * middle)


def _fit_quantile(values, target, rows, center, scale, level):
    """Fit weights and intercept to a quantile, in units of the average's errors.

    The pinball loss ``(level - 1/2) r + |r| / 2`` is smoothed at zero, where ``|r|`` is
    replaced by ``sqrt(r^2 + h^2)``, for L-BFGS-B.
    """
    errors = target - center @ values
    unit = rows @ (np.abs(errors) / 2 + (level - 0.5) * errors) / rows.sum()
    corner = CORNER * unit
    prior = np.append(center, 0.0)

    def objective(parameters):
        errors = target - parameters[:-1] @ values - parameters[-1]
        absolute = np.sqrt(errors**2 + corner**2)
        away = parameters - prior
        value = rows @ (absolute / 2 + (level - 0.5) * errors) / unit
        slope = -rows * (errors / absolute / 2 + level - 0.5) / unit
        gradient = np.append(values @ slope, slope.sum()) + away / scale**2
        value += 0.5 * (away @ away) / scale**2
        # Divided by the number of rows, as in `log_linear_objective`.
        return value / len(target), gradient / len(target)

    solution = minimize(
        objective,
        prior,
        jac=True,
        method="L-BFGS-B",
        bounds=[(0, None)] * len(center) + [(None, None)],
        options={"maxiter": MAX_ITERATIONS, "ftol": 1e-7, "gtol": 1e-6},
    ).x
    return np.clip(solution[:-1], 0, None), solution[-1]
