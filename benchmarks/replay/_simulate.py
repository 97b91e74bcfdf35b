"""Simulate a fit from stored predictions.

The candidates are proposed in a given order to a number of workers. What a candidate
takes are its recorded seconds. Racing, patience, and the rule of combination are those
of the package. The members of the final model are fitted again on all rows, within what
is left of the budget.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.replay._stored import StoredTable, loss
from sklearn_meta.ensemble import (
    Combination,
    LogLoss,
    SquaredError,
    combine,
    greedy_selection,
)
from sklearn_meta.evaluation._limits import patience
from sklearn_meta.evaluation._racing import RacingRule

METRICS = {
    "classification": "neg_log_loss",
    "regression": "neg_root_mean_squared_error",
}
# A gain below this share of the best loss counts as none.
NOTICEABLE = 1e-3


@dataclass(frozen=True)
class Settings:
    """Settings of a simulated fit.

    Parameters
    ----------
    budget : float, default=10.0
        Seconds.
    n_workers : int, default=2
    overhead : float, default=1.5
        Seconds in which no candidate runs: encoding, recall, starting workers.
    reserve : float, default=0.1
        Share of the budget for combining and refitting.
    holdout : bool, default=False
        Whether candidates are scored on the first fold only.
    racing : bool, default=True
    patient : float, default=1.0
        Factor of the patience; infinity for a search that never ends early.
    combination : {"all", "greedy", "average", "single"}, default="all"
        The rule of the package; greedy selection on all rows; the mean of the best
        `size`; the best candidate.
    size : int, default=25
        Rounds of greedy selection, members of the average.
    """

    budget: float = 10.0
    n_workers: int = 2
    overhead: float = 1.5
    reserve: float = 0.1
    holdout: bool = False
    racing: bool = True
    patient: float = 1.0
    combination: str = "all"
    size: int = 25


@dataclass(frozen=True)
class Outcome:
    """What a simulated fit has come to.

    Parameters
    ----------
    loss : float
        Of the final model on the test part.
    validation : float
        Cross-validated score of the best candidate.
    n_evaluations, n_finished : int
        Candidates that ended within the budget, and those with scores on all folds.
    members : tuple of str
        Pipelines of the final model.
    seconds : float
        Length of the search.
    """

    loss: float
    validation: float
    n_evaluations: int
    n_finished: int
    members: tuple[str, ...]
    seconds: float


def simulate(table: StoredTable, order: Sequence[str], settings: Settings) -> Outcome:
    """Simulate a fit.

    Parameters
    ----------
    table : StoredTable
    order : sequence of str
        Pipelines in the order of proposal. Those without a stored result on the table
        are left out.
    settings : Settings

    Returns
    -------
    outcome : Outcome
        With the loss of the constant prediction if no candidate has finished.
    """
    finished, n_ended, seconds = _search(table, order, settings)
    if not finished:
        return Outcome(table.scale, -np.inf, n_ended, 0, (), seconds)
    n_folds = 1 if settings.holdout else len(table.folds)
    folds = table.folds[:n_folds]
    cells = [table.cells[text] for text in finished]
    scores = np.array([cell.scores[:n_folds].mean() for cell in cells])
    left = settings.budget - seconds - _combining(settings)
    combination = _combine(table, cells, scores, folds, settings)
    kept = _refitted(cells, combination, scores, left, settings)
    if kept is None:
        best = int(np.argmax(scores))
        combination = Combination.single(best)
    elif set(kept) != set(combination.members):
        cells, scores = [cells[i] for i in kept], scores[kept]
        combination = _combine(table, cells, scores, folds, settings)
    test = combination.apply([cells[m].test for m in combination.members])
    members = tuple(cells[m].text for m in combination.members)
    return Outcome(
        loss(table, _within(table, test), table.y_test),
        float(scores.max()),
        n_ended,
        len(finished),
        members,
        seconds,
    )


def _combining(settings):
    return 0.35 + 0.01 * settings.budget


def _search(table, order, settings):
    """Return the candidates with all scores, the number that ended, and the seconds."""
    n_folds = 1 if settings.holdout else len(table.folds)
    end = (1 - settings.reserve) * settings.budget - _combining(settings)
    waiting = [text for text in order if text in table.cells]
    limit = settings.patient * patience(*table.size[:2])
    running: list[tuple[float, int, str, bool]] = []
    now, number, since_gain, n_ended = settings.overhead, 0, 0, 0
    best, best_scores, finished = -np.inf, (), []
    while (waiting or running) and now < end:
        while waiting and len(running) < settings.n_workers:
            text = waiting.pop(0)
            rule = RacingRule()
            if settings.racing and best_scores:
                rule = RacingRule(floor=min(best_scores), best_scores=best_scores)
            cell, done, complete = table.cells[text], [], True
            spent = 0.0
            for fold in range(n_folds):
                spent += float(cell.fold_seconds[fold])
                done.append(float(cell.scores[fold]))
                if fold + 1 < n_folds and rule.is_lost(done):
                    complete = False
                    break
            heapq.heappush(running, (now + spent, number, text, complete))
            number += 1
        ends, _, text, complete = heapq.heappop(running)
        if ends > end:
            now = end
            break
        now, n_ended = ends, n_ended + 1
        since_gain += 1
        if complete:
            finished.append(text)
            scores = table.cells[text].scores[:n_folds]
            mean = float(scores.mean())
            if mean > best:
                if not mean < best + NOTICEABLE * abs(best):
                    since_gain = 0
                best, best_scores = mean, tuple(map(float, scores))
        if since_gain >= limit:
            break
    return finished, n_ended, now


def _combine(table, cells, scores, folds, settings):
    """Return a combination of candidates by the rule of the settings."""
    if settings.combination == "single" or len(cells) == 1:
        return Combination.single(int(np.argmax(scores)))
    if settings.combination == "average":
        best = np.argsort(-scores, kind="stable")[: settings.size]
        weights = np.full(len(best), 1 / len(best))
        return Combination("average", tuple(map(int, best)), weights)
    predictions = [cell.oof for cell in cells]

    def score(values, rows):
        return -loss(table, values, table.y[rows])

    if settings.combination == "greedy":
        rows = np.concatenate(folds)
        kind = LogLoss if table.classifies else SquaredError
        counts = greedy_selection(
            [p[rows] for p in predictions], kind(table.y[rows]), size=settings.size
        )
        members = tuple(map(int, np.flatnonzero(counts)))
        return Combination("average", members, counts[list(members)] / counts.sum())
    return combine(
        predictions,
        table.y,
        task=table.task,
        score=score,
        folds=folds,
        scores=scores,
        kinds=[cell.text.partition("(")[0] for cell in cells],
        metric=METRICS[table.task],
        size=settings.size,
    )


def _refitted(cells, combination, scores, left, settings):
    """Return the members that can be fitted again in the time left, None for none.

    The largest weights come first. Fold models, which would replace the others in a
    fit, are not stored.
    """
    order = sorted(
        combination.members,
        key=lambda m: -combination.shares[combination.members.index(m)],
    )
    free, kept = [0.0] * settings.n_workers, []
    for m in order:
        worker = int(np.argmin(free))
        ends = free[worker] + float(cells[m].fit_seconds[-1])
        if ends <= left:
            free[worker] = ends
            kept.append(m)
    return kept or None


def _within(table, predictions):
    """Return predictions within the range of the targets."""
    if table.classifies:
        return predictions
    low, high = table.y.min(), table.y.max()
    return np.clip(predictions, low - 0.1 * (high - low), high + 0.1 * (high - low))
