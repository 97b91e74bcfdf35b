"""Leaderboard, ``cv_results_`` and time report of a search."""

from __future__ import annotations

import importlib

import numpy as np

from sklearn_meta.evaluation._records import GIVEN_UP, Status

# Statuses of evaluations that were not interrupted within a stage.
NOT_CUT_SHORT = (Status.OK, *GIVEN_UP, Status.SKIPPED)


def leaderboard(history, n_splits, weights):
    """Return the table of all evaluations, the best first.

    Parameters
    ----------
    history : sequence of Evaluation
    n_splits : int
        Number of folds of a finished evaluation.
    weights : mapping of int to float
        Weights of the members of the final model, by the numbers of their evaluations.

    Returns
    -------
    table : DataFrame or list of dict
        One row for each evaluation: finished ones first, then those stopped by racing,
        by the deadline, by other failures, and those that were skipped; each group by
        score. A DataFrame if pandas is installed.
    """
    order = {
        Status.OK: 0,
        Status.PRUNED: 1,
        Status.DUPLICATE: 1,
        Status.TIMEOUT: 2,
        Status.SKIPPED: 4,
    }
    ranked = sorted(history, key=lambda e: (order.get(e.status, 3), -e.score, e.number))
    rows = [
        {
            "rank": rank,
            "score": e.score if e.defined_scores else np.nan,
            "standard_error": e.standard_error,
            "weight": weights.get(e.number, 0.0),
            "folds": f"{len(e.folds)}/{n_splits}",
            "fit_seconds": e.fit_seconds,
            "predict_seconds": e.predict_seconds,
            "status": str(e.status),
            "origin": e.candidate.origin,
            "pipeline": e.candidate.text,
            "reason": e.reason,
            "number": e.number,
        }
        for rank, e in enumerate(ranked, start=1)
    ]
    return as_table(rows, index="rank")


def as_table(rows, index):
    """Return rows as a data frame if pandas is installed.

    Parameters
    ----------
    rows : list of dict
    index : str or list of str
        Columns that become the index of the data frame.

    Returns
    -------
    table : DataFrame or list of dict
        A DataFrame if pandas is installed.
    """
    try:
        pandas = importlib.import_module("pandas")
    except ImportError:
        return rows
    table = pandas.DataFrame(rows)
    return table.set_index(index) if rows else table


def cv_results(history, n_splits):
    """Return the evaluations in the format of ``cv_results_`` of ``GridSearchCV``.

    Parameters
    ----------
    history : sequence of Evaluation
    n_splits : int
        Number of folds of a finished evaluation.

    Returns
    -------
    results : dict of str to array
        Scores of folds that were not scored are NaN; candidates with such folds rank
        last.
    """
    scores = np.full((len(history), n_splits), np.nan)
    for row, evaluation in zip(scores, history, strict=True):
        row[: len(evaluation.folds)] = evaluation.scores
    complete = np.array([e.status == Status.OK for e in history], dtype=bool)
    mean = np.array([e.score if e.defined_scores else np.nan for e in history])
    keys = np.where(complete, mean, -np.inf)
    results = {
        "params": [{"pipeline": e.candidate.text} for e in history],
        "param_pipeline": np.array([e.candidate.text for e in history], dtype=object),
        "mean_fit_time": np.array([e.fit_seconds for e in history]),
        "mean_score_time": np.array([e.predict_seconds for e in history]),
        "mean_test_score": mean,
        "std_test_score": np.array(
            [np.std(e.defined_scores or [np.nan]) for e in history]
        ),
        "rank_test_score": np.array([1 + int((keys > key).sum()) for key in keys]),
        "status": np.array([str(e.status) for e in history]),
    }
    for i in range(n_splits):
        results[f"split{i}_test_score"] = scores[:, i]
    return results


def time_report(seconds, history, final, plan):
    """Return the seconds of the parts of a fit.

    Parameters
    ----------
    seconds : mapping of str to float
        Seconds of each part of the fit.
    history : iterable of Evaluation
    final : FinalModel
    plan : Plan

    Returns
    -------
    report : dict of str to float
        `seconds`, with the seconds of the whole fit, the total seconds of all workers
        in candidates and refits, and the number of workers.
    """
    finished, cut_short = seconds_in_candidates(history)
    return {
        **seconds,
        "fit": plan.budget.elapsed(),
        "candidates": finished,
        "candidates cut short": cut_short,
        "refit": final.refit_seconds,
        "n_workers": plan.n_workers,
    }


def seconds_in_candidates(history):
    """Return the total seconds of all workers in candidates.

    Parameters
    ----------
    history : iterable of Evaluation

    Returns
    -------
    finished : float
        Seconds of finished fits and predictions.
    cut_short : float
        Seconds of fits and predictions that were killed, crashed or raised.
    """
    finished = cut_short = 0.0
    for evaluation in history:
        results = (*evaluation.folds, *evaluation.screening)
        inside = sum(r.fit_seconds + r.predict_seconds for r in results)
        finished += inside
        if evaluation.status not in NOT_CUT_SHORT:
            cut_short += max(0.0, evaluation.seconds - inside)
    return finished, cut_short
