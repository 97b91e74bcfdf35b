"""Predicted seconds of refitting a candidate on all rows."""

from __future__ import annotations

import numpy as np

# Safety factor for the seconds of a refit, as predicted from those of the folds.
REFIT_MARGIN = 1.25
# A refit on a part of the rows replaces the model of a holdout only if it has this many
# times the training rows of that model.
MORE_ROWS = 1.3


def refit_seconds(evaluation, context) -> float:
    """Predict the seconds of a refit on all rows from the seconds of the folds.

    Parameters
    ----------
    evaluation : Evaluation
    context : EvaluationContext

    Returns
    -------
    seconds : float
        Infinity if no stage is finished.
    """
    return context.dataset.n_samples * _seconds_per_row(evaluation, context)


def rows_in_time(evaluation, context, seconds) -> int:
    """Return the number of rows on which a candidate can be refitted in time.

    Parameters
    ----------
    evaluation : Evaluation
    context : EvaluationContext
    seconds : float
        Seconds that are left for the refit.

    Returns
    -------
    n_rows : int
        All rows if there is time. Otherwise a part of them, if that is considerably
        more than the training rows of a holdout; else zero. With several folds it is
        zero, since their models together were fitted on all rows.
    """
    n = context.dataset.n_samples
    row_seconds = _seconds_per_row(evaluation, context)
    if n * row_seconds <= seconds:
        return n
    if context.n_splits != 1 or not evaluation.folds:
        return 0
    n_rows = int(seconds / row_seconds)
    return n_rows if n_rows >= MORE_ROWS * len(context.stages[-1].train) else 0


def _seconds_per_row(evaluation, context):
    """Return the seconds of a refit per row; infinity if no stage is finished."""
    results = evaluation.folds or evaluation.screening
    if not results:
        return np.inf
    n_train = np.mean([len(context.stages[r.stage].train) for r in results])
    seconds = np.mean([r.fit_seconds for r in results])
    return float(seconds / n_train * REFIT_MARGIN)
