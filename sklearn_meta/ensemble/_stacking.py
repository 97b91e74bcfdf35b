"""Non-negative linear combinations of predictions, shrunk toward a given average.

Notation: M members, n rows, K classes; ``w`` (M) weights, ``b`` intercept, ``c`` (M)
the weights that are believed beforehand (those of an average), ``s`` the prior scale,
the standard deviation of ``w`` around ``c``. Both fits are posterior modes

    minimize  sum_i loss_i(w, b)  +  |w - c|^2 / (2 s^2)  +  |b|^2 / (2 s^2),   w >= 0

with ``loss`` the negative log-likelihood: of the log-linear pool (Genest & Zidek 1986)
for classes, of a Gaussian whose variance is that of the average's errors for targets.
So the same few values of ``s`` suit any table: many rows outweigh the prior, few do
not.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import lsq_linear, minimize

from sklearn_meta.ensemble._combination import normalize, safe_log, softmax

MAX_ITERATIONS = 100


def nonnegative_stack(
    predictions, y, *, center, scale, sample_weight=None
) -> tuple[np.ndarray, np.ndarray]:
    """Fit non-negative weights and an intercept to the true targets.

    Parameters
    ----------
    predictions : sequence of ndarray of shape (n_samples, n_classes) or (n_samples,)
        Out-of-fold probabilities or targets of each member.
    y : ndarray of shape (n_samples,)
        Columns of the true classes (int), or targets.
    center : ndarray of shape (n_members,)
        Weights toward which the fit is shrunk, such as those of an average.
    scale : float
        Prior standard deviation of a weight around `center`. Small keeps the average,
        large trusts the rows.
    sample_weight : ndarray of shape (n_samples,), default=None
        Weights of the rows; None for equal ones.

    Returns
    -------
    weights : ndarray of shape (n_members,)
        Not negative.
    intercept : ndarray of shape (n_classes,) or ()
        Added to the logits, or to the target.
    """
    center = np.asarray(center, dtype=np.float64)
    y = np.asarray(y)
    if sample_weight is None:
        rows = np.ones(len(y))
    else:
        # Mean one: the number of rows tells how much the data weigh against the prior.
        rows = np.asarray(sample_weight, dtype=np.float64)
        rows = rows / rows.mean()
    if np.ndim(predictions[0]) == 2:
        logs = np.stack([safe_log(normalize(p)) for p in predictions])
        return fit_log_linear_pool(logs, y, rows, center, scale)
    values = np.stack([np.asarray(f, dtype=np.float64) for f in predictions])
    return fit_linear_pool(values, y, rows, center, scale)


def fit_log_linear_pool(logs, y, rows, center, scale, start=None):
    """Fit ``softmax(b + sum_m w_m log p_m)`` by L-BFGS-B.

    Parameters
    ----------
    logs : ndarray of shape (n_members, n_samples, n_classes)
    y : ndarray of int of shape (n_samples,)
    rows : ndarray of shape (n_samples,)
        Weights of rows.
    center : ndarray of shape (n_members,)
    scale : float
    start : ndarray of shape (n_members + n_classes,), default=None
        Weights and intercept to begin with, such as the solution for another scale.

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

    With ``q_i = softmax(b + sum_m w_m log p_mi)`` the gradient of row i in the logits
    is ``q_i - onehot(y_i)``, and logits are linear in both `w` and `b`.
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
    # Per row, so that the tolerances of the optimizer mean the same for any table.
    return value / n, gradient / n


def fit_linear_pools(values, y, rows, center, scale):
    """Fit ``b_k + sum_m w_m f_mk`` for outputs k, the weights being those of all.

    The errors of the average have another variance in each output; measured in these,
    all of them are rows of one fit.

    Parameters
    ----------
    values : ndarray of shape (n_members, n_samples, n_outputs)
    y : ndarray of shape (n_samples, n_outputs)
    rows : ndarray of shape (n_samples,)
    center : ndarray of shape (n_members,)
    scale : float

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
    )
    return weights, intercept * sigma + (1 - weights.sum()) * middle


def fit_linear_pool(values, y, rows, center, scale):
    """Fit ``b + sum_m w_m f_m`` by bounded least squares.

    Parameters
    ----------
    values : ndarray of shape (n_members, n_samples)
    y, rows : ndarray of shape (n_samples,)
    center : ndarray of shape (n_members,)
    scale : float

    Returns
    -------
    weights : ndarray of shape (n_members,)
    intercept : ndarray of shape ()
    """
    total = rows.sum()
    # Fitting errors of deviations from the mean target keeps a far-off mean (years,
    # prices) out of the intercept and out of the sum of the weights.
    middle = rows @ y / total
    values = values - middle
    target = y - middle
    errors = target - center @ values
    sigma = np.sqrt(rows @ errors**2 / total)
    if not sigma > 0:
        # The average makes no error: nothing to fit.
        return center.copy(), np.asarray((1 - center.sum()) * middle)
    root = np.sqrt(rows) / sigma
    # The intercept is measured in sigmas, so that its prior has no unit.
    columns = np.vstack([values * root, np.sqrt(rows)])
    prior = np.concatenate([center, [0.0]])
    penalty = np.eye(len(prior)) / scale
    design = np.vstack([columns.T, penalty])
    response = np.concatenate([target * root, prior / scale])
    # QR first: the bounded solver then works on a square matrix of the members.
    r = np.linalg.qr(np.column_stack([design, response]), mode="r")
    lower = np.append(np.zeros(len(center)), -np.inf)
    solution = lsq_linear(
        r[:-1, :-1], r[:-1, -1], bounds=(lower, np.inf), method="bvls"
    ).x
    weights = np.clip(solution[:-1], 0, None)
    return weights, np.asarray(solution[-1] * sigma + (1 - weights.sum()) * middle)
