"""Compact storage of the history of a fitted estimator."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace

from sklearn_meta.evaluation._records import Candidate, Evaluation, FoldResult, Status

# Decimals of seconds that are stored; clocks are no more precise than microseconds.
SECONDS_DECIMALS = 6


def without_arrays(evaluation):
    """Return an evaluation without predictions, models and tree.

    Predictions and models take megabytes, and the text of the candidate determines the
    tree. Scores are those by the user's metric.

    Parameters
    ----------
    evaluation : Evaluation

    Returns
    -------
    evaluation : Evaluation
    """

    def light(result):
        return FoldResult(
            stage=result.stage,
            score=float(result.as_reported().score),
            predictions=None,
            fit_seconds=_rounded(result.fit_seconds),
            predict_seconds=_rounded(result.predict_seconds),
            iterations=None if result.iterations is None else int(result.iterations),
            pooled_score=result.pooled_score,
        )

    return replace(
        evaluation,
        candidate=replace(evaluation.candidate, tree=None),
        folds=tuple(light(r) for r in evaluation.folds),
        screening=tuple(light(r) for r in evaluation.screening),
        seconds=_rounded(evaluation.seconds),
        elapsed=None if evaluation.elapsed is None else _rounded(evaluation.elapsed),
    )


def compress_history(history) -> bytes:
    """Compress evaluations to about a hundred bytes each, a third of a pickle.

    Parameters
    ----------
    history : sequence of Evaluation
        From `without_arrays`.

    Returns
    -------
    data : bytes
        Compressed JSON, which runs no code when it is read.
    """
    rows = [
        (
            e.number,
            e.candidate.text,
            e.candidate.origin,
            e.status,
            e.reason,
            e.seconds,
            e.elapsed,
            [_fold_row(r) for r in e.folds],
            [_fold_row(r) for r in e.screening],
        )
        for e in history
    ]
    return zlib.compress(json.dumps(rows, separators=(",", ":")).encode(), 9)


def expand_history(data) -> tuple[Evaluation, ...]:
    """Return the evaluations that were compressed.

    Parameters
    ----------
    data : bytes
        From `compress_history`.

    Returns
    -------
    history : tuple of Evaluation
    """
    return tuple(
        Evaluation(
            number=number,
            candidate=Candidate(None, text, origin),
            status=Status(status),
            folds=tuple(_fold(row) for row in folds),
            screening=tuple(_fold(row) for row in screening),
            reason=reason,
            seconds=seconds,
            elapsed=elapsed,
        )
        for (
            number,
            text,
            origin,
            status,
            reason,
            seconds,
            elapsed,
            folds,
            screening,
        ) in json.loads(zlib.decompress(data))
    )


def _fold_row(r):
    row = r.stage, r.score, r.fit_seconds, r.predict_seconds, r.iterations
    return row if r.pooled_score is None else (*row, r.pooled_score)


def _fold(row):
    stage, score, fit_seconds, predict_seconds, iterations, *pooled = row
    return FoldResult(
        stage,
        score,
        None,
        fit_seconds,
        predict_seconds,
        iterations,
        pooled_score=pooled[0] if pooled else None,
    )


def _rounded(seconds):
    return round(float(seconds), SECONDS_DECIMALS)
