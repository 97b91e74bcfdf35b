"""Regret: scores of pipelines on many datasets on one scale."""

from __future__ import annotations

import numpy as np

# Regrets are cut off here: by how much a pipeline is worse than twice the median says
# nothing about which pipeline to choose, and would dominate every mean.
LARGEST_REGRET = 2.0


def regrets(scores, standard_errors=None, failed=None):
    """Put the scores of each dataset on one scale.

    The regret is ``(best - score) / (best - median)``, with best and median over the
    pipelines of the dataset. Where their difference is smaller than the median standard
    error of the scores, the latter replaces it: a dataset on which pipelines do not
    differ has small regrets only.

    Parameters
    ----------
    scores : array-like of shape (n_datasets, n_pipelines)
        Greater is better; NaN where there is none.
    standard_errors : array-like of shape (n_datasets, n_pipelines), default=None
        Of the scores; None skips the comparison with them.
    failed : ndarray of bool of shape (n_datasets, n_pipelines), default=None
        Where an evaluation gave no score.

    Returns
    -------
    regrets : ndarray of shape (n_datasets, n_pipelines)
        0 for the best pipeline, 1 for the median one, at most `LARGEST_REGRET`, which
        is also the regret of a failure. NaN where nothing is known.
    """
    scores = np.asarray(scores, dtype=float)
    n_datasets = len(scores)
    known = np.isfinite(scores)
    some = known.any(axis=1)
    scores = np.where(known, scores, np.nan)
    best, median, noise = np.zeros((3, n_datasets))
    best[some] = np.nanmax(scores[some], axis=1)
    median[some] = np.nanmedian(scores[some], axis=1)
    if standard_errors is not None:
        errors = np.where(known, standard_errors, np.nan)
        measured = some & np.isfinite(errors).any(axis=1)
        noise[measured] = np.nanmedian(errors[measured], axis=1)
    scale = np.maximum(best - median, noise)
    # Without any difference between pipelines, all regrets are 0.
    scale[scale <= 0] = 1.0
    with np.errstate(over="ignore"):
        values = (best[:, None] - scores) / scale[:, None]
    values = np.clip(values, 0.0, LARGEST_REGRET)
    if failed is not None:
        values = np.where(failed & ~known, LARGEST_REGRET, values)
    return values


def regrets_of(matrix):
    """Return the regrets of a `ScoreMatrix`, of shape (n_datasets, n_pipelines)."""
    return regrets(matrix.mean, matrix.standard_error, failed=matrix.tried)


def impute_regrets(values):
    """Replace unknown regrets by those that the pipeline is expected to have.

    Parameters
    ----------
    values : ndarray of shape (n_datasets, n_pipelines)
        Regrets; NaN where nothing is known.

    Returns
    -------
    imputed : ndarray of shape (n_datasets, n_pipelines)
        An unknown regret becomes the mean of the known ones of the pipeline, with one
        pseudo-observation of 1, and at least 1: a pipeline that was not tried on a
        dataset is assumed to be no better than the median there.
    """
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=0)
    mean = (total + 1.0) / (known.sum(axis=0) + 1.0)
    return np.where(known, values, np.maximum(mean, 1.0)[None, :])
