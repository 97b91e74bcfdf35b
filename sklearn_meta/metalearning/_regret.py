"""Scores of many datasets made comparable: how far each pipeline is from the best."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

# A pipeline that is this many times as far from the best as the median one is as bad as
# any: how much worse it is would only drown the differences that matter.
LARGEST_REGRET = 2.0


@dataclass(frozen=True)
class Regrets:
    """Regret of every pipeline on every dataset.

    Parameters
    ----------
    datasets : tuple of str
    families : tuple of str
        Of the datasets.
    pipelines : tuple of str
        Canonical texts.
    values : ndarray of shape (n_datasets, n_pipelines)
        0 for the best pipeline of a dataset, 1 for the median one, at most
        `LARGEST_REGRET`, which is also that of a pipeline that failed. NaN where
        nothing is known.
    """

    datasets: tuple[str, ...]
    families: tuple[str, ...]
    pipelines: tuple[str, ...]
    values: np.ndarray = field(repr=False)


def regrets(scores, standard_errors=None, failed=None):
    """Put the scores of each dataset on one scale.

    The regret is ``(best - score) / (best - median)``. Where the pipelines of a dataset
    differ less than the standard error of their scores, the latter takes the place of
    the difference: such a dataset tells nothing apart, and has small regrets only.

    Parameters
    ----------
    scores : ndarray of shape (n_datasets, n_pipelines)
        Greater is better; NaN where there is none.
    standard_errors : ndarray of shape (n_datasets, n_pipelines), default=None
    failed : ndarray of bool of shape (n_datasets, n_pipelines), default=None
        Where a pipeline was tried and gave no score.

    Returns
    -------
    regrets : ndarray of shape (n_datasets, n_pipelines)
        In [0, `LARGEST_REGRET`]; NaN where nothing is known.
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
    # All pipelines score the same: none is to be regretted.
    scale[scale <= 0] = 1.0
    with np.errstate(over="ignore"):
        values = (best[:, None] - scores) / scale[:, None]
    values = np.clip(values, 0.0, LARGEST_REGRET)
    if failed is not None:
        values = np.where(failed & ~known, LARGEST_REGRET, values)
    return values


def regrets_of(matrix) -> Regrets:
    """Return the regrets of a `ScoreMatrix`."""
    failed = ~np.isfinite(matrix.mean) & matrix.tried
    return Regrets(
        datasets=tuple(matrix.datasets),
        families=tuple(matrix.families),
        pipelines=tuple(matrix.pipelines),
        values=regrets(matrix.mean, matrix.standard_error, failed),
    )


def without_gaps(values):
    """Fill what is not known with what is expected of the pipeline elsewhere.

    Parameters
    ----------
    values : ndarray of shape (n_datasets, n_pipelines)
        Regrets; NaN where nothing is known.

    Returns
    -------
    filled : ndarray of shape (n_datasets, n_pipelines)
        Unknown regrets are the mean of the pipeline's known ones, and at least those of
        a median pipeline: what was never tried on a dataset has no claim to it.
    """
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=0)
    mean = (total + 1.0) / (known.sum(axis=0) + 1.0)
    return np.where(known, values, np.maximum(mean, 1.0)[None, :])
