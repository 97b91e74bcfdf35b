"""Predicted seconds of fitting a candidate again on all rows."""

from __future__ import annotations

import numpy as np

# A fit on all rows is expected to take this much longer than the folds suggest.
REFIT_MARGIN = 1.25
# A fit on some of the rows replaces that beside a holdout if it has this many times as
# many rows.
MORE_ROWS = 1.3


def refit_seconds(evaluation, context) -> float:
    """Predict the seconds of fitting a candidate on all rows, from those of its folds.

    Parameters
    ----------
    evaluation : Evaluation
    context : EvaluationContext

    Returns
    -------
    seconds : float
        Infinity if it has no finished fit.
    """
    return context.dataset.n_samples * _seconds_of_a_row(evaluation, context)


def rows_in_time(evaluation, context, seconds) -> int:
    """Return how many rows to fit a candidate on again in some seconds.

    Parameters
    ----------
    evaluation : Evaluation
    context : EvaluationContext
    seconds : float

    Returns
    -------
    n_rows : int
        All, or so many that a model of a holdout gains by it; or none. The models of
        several folds have seen all rows together.
    """
    n = context.dataset.n_samples
    of_a_row = _seconds_of_a_row(evaluation, context)
    if n * of_a_row <= seconds:
        return n
    if context.n_splits != 1 or not evaluation.folds:
        return 0
    n_rows = int(seconds / of_a_row)
    return n_rows if n_rows >= MORE_ROWS * len(context.stages[-1].train) else 0


def _seconds_of_a_row(evaluation, context):
    results = evaluation.folds or evaluation.screening
    if not results:
        return np.inf
    n_train = np.mean([len(context.stages[r.stage].train) for r in results])
    seconds = np.mean([r.fit_seconds for r in results])
    return float(seconds / n_train * REFIT_MARGIN)
