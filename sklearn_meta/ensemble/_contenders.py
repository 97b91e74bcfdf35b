"""Contenders of the ensemble rule: greedy average, diverse average and stack.

Each contender is scored out of fold: for each fold it is fitted on the other folds and
scored on this one. `_choose_combination` compares these scores with those of the best
single candidate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from sklearn_meta.data._loss import QUANTILE, Loss
from sklearn_meta.ensemble._combination import (
    AVERAGE,
    STACK,
    Combination,
    normalize,
    safe_log,
)
from sklearn_meta.ensemble._fold_scores import (
    mean_scores,
    mean_scores_elsewhere,
    safe_score,
)
from sklearn_meta.ensemble._greedy_selection import (
    NoFiniteScoreError,
    greedy_selection,
    of_outputs,
)
from sklearn_meta.ensemble._stacking import (
    fit_linear_pool,
    fit_linear_pools,
    fit_log_linear_pool,
)

# Rules by which contenders are fitted, besides a stack.
GREEDY, DIVERSE = "greedy", "diverse"

# Rounds of greedy selection for metrics without a vectorized path.
SIZE_SLOW = 10

# Number of members of the diverse average, each of another kind.
N_KINDS = 4

# Prior scales that are tried for a stack, see `nonnegative_stack`. The scale 0.4 alone
# is as good on most tables; the smaller one is for tables with few rows.
SCALES = (0.1, 0.4)

# Maximum number of members of a stack: those of the greedy average, then the best other
# candidates. A larger number gained nothing.
N_STACKED = 6

# Members with a smaller share of the weight are not worth their fit and the time of
# their predictions: on 32 tables with a budget of 12 s, dropping those below 0.05
# changes the mean test loss by no more than 0.02 %.
SMALLEST_SHARE = 0.05


@dataclass(frozen=True)
class CombinationProblem:
    """Targets, metric and settings that all contenders share.

    Parameters
    ----------
    classifies : bool
        Whether predictions are probabilities.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
    sample_weight : ndarray of shape (n_samples,) or None
    rows : ndarray of int
        Rows that are in a fold.
    score : callable
        ``score(predictions, rows) -> float``, see `combine`.
    loss_type : {LogLoss, SquaredError, RootSquaredErrors}
        Proper loss of the task.
    vectorized : bool
        Whether greedy selection maximizes the proper loss, computed for all candidates
        at once, in place of `score`.
    loss_judged : Loss or None
        Loss of regression that `score` judges, if it is not the squared error. A stack
        is fitted to the squared error or to a quantile; for others there is none.
    size : int
        Maximum number of rounds of greedy selection.
    stop : callable
        ``stop() -> bool``: whether the time is over.
    """

    classifies: bool
    y: np.ndarray = field(repr=False)
    sample_weight: np.ndarray | None = field(repr=False)
    rows: np.ndarray = field(repr=False)
    score: Callable
    loss_type: type
    vectorized: bool
    loss_judged: Loss | None
    size: int
    stop: Callable[[], bool]

    @property
    def has_stack(self) -> bool:
        """Whether a stack can be fitted to the loss."""
        return self.loss_judged is None or self.loss_judged.name == QUANTILE

    def prepare(self, prediction):
        """Return predictions as float64, with probabilities that sum to one."""
        if self.classifies:
            return normalize(prediction)
        return np.asarray(prediction, dtype=np.float64)

    def weights_of(self, rows):
        """Return the weights of some rows; None if there are none or all are zero."""
        if self.sample_weight is None or not self.sample_weight[rows].any():
            return None
        return self.sample_weight[rows]

    def loss(self, rows):
        """Return the proper loss of the task on some rows."""
        return self.loss_type(self.y[rows], self.weights_of(rows))

    def objective(self, rows):
        """Return the objective of greedy selection on some rows."""
        if self.vectorized:
            return self.loss(rows)
        return lambda predictions: safe_score(self.score, predictions, rows)

    def apply(self, combination, predictions):
        """Return the combined predictions of the members of a combination."""
        if self.classifies:
            return combination.apply(predictions)
        return combination.apply_to_targets(predictions)


@dataclass(frozen=True)
class Contender:
    """A combination that may replace the best single candidate.

    Parameters
    ----------
    scores : ndarray of shape (n_folds,)
        Score on each fold, fitted on the other folds.
    fit : callable
        ``fit() -> Combination``: the combination that is fitted on all folds.
    elsewhere : tuple of Combination
        Combination for each fold, fitted on the other folds.
    rule : {"greedy", "diverse", "stack"}
        How it is fitted.
    averages : tuple of Combination, default=()
        Greedy averages that stacks are shrunk toward, for each fold fitted on the other
        folds.
    """

    scores: np.ndarray
    fit: Callable[[], Combination]
    elsewhere: tuple[Combination, ...]
    rule: str
    averages: tuple[Combination, ...] = ()


def contenders(problem, values, kinds, singles, folds):
    """Yield the contenders with their out-of-fold scores, as long as there is time.

    Parameters
    ----------
    problem : CombinationProblem
    values : sequence of ndarray
        Prepared predictions of the candidates, the best one first.
    kinds : sequence of hashable
        Kind of learner of each candidate.
    singles : ndarray of shape (n_candidates, n_folds)
        Scores of the candidates on each fold.
    folds : sequence of ndarray of int

    Yields
    ------
    contender : Contender
    """
    others = [
        np.concatenate([f for j, f in enumerate(folds) if j != i])
        for i in range(len(folds))
    ]
    averages = []
    for rows in others:
        if problem.stop():
            return
        averages.append(_fit_average(problem, values, rows))
    rows = np.sort(np.concatenate(folds))
    average = _mean_of(averages, len(values), problem.size)
    yield Contender(
        _out_of_fold_scores(problem, averages, values, folds),
        lambda: average,
        tuple(averages),
        GREEDY,
    )
    diverse = [
        diverse_average(mean_scores(np.delete(singles, f, axis=1)), kinds, problem.size)
        for f in range(len(folds))
    ]
    yield Contender(
        _out_of_fold_scores(problem, diverse, values, folds),
        lambda: diverse_average(mean_scores(singles), kinds, problem.size),
        tuple(diverse),
        DIVERSE,
    )
    if not problem.has_stack:
        return
    stacked = np.full((len(SCALES), len(folds)), np.nan)
    of_folds = []
    for f, (other, fold) in enumerate(zip(others, folds, strict=True)):
        if problem.stop():
            return
        stacks = _fit_stacks(problem, values, other, averages[f], SCALES)
        stacked[:, f] = [_score_on(problem, stack, values, fold) for stack in stacks]
        of_folds.append(stacks)
    # The scale of each fold is selected on the other folds, like the best candidate.
    chosen = np.argmax(mean_scores_elsewhere(stacked), axis=0)
    scale = SCALES[int(np.argmax(mean_scores(stacked)))]
    yield Contender(
        stacked[chosen, np.arange(len(folds))],
        lambda: _fit_stacks(problem, values, rows, average, [scale])[0],
        tuple(stacks[i] for stacks, i in zip(of_folds, chosen, strict=True)),
        STACK,
        tuple(averages),
    )


def _fit_average(problem, values, rows):
    """Fit an average by greedy selection on some rows."""
    try:
        counts = greedy_selection(
            [v[rows] for v in values],
            problem.objective(rows),
            size=problem.size if problem.vectorized else min(problem.size, SIZE_SLOW),
            stop=problem.stop,
        )
    except NoFiniteScoreError:
        # The best candidate comes first.
        counts = np.eye(len(values))[0]
    return combination_of(AVERAGE, counts / counts.sum(), None)


def _mean_of(averages, n_candidates, size):
    """Average the greedy selections of all but one fold each.

    This reduces the variance of greedy selection, like the bagged selection of Caruana
    et al. (2004).
    """
    weights = np.zeros(n_candidates)
    for average in averages:
        weights[list(average.members)] += average.weights / len(averages)
    weights[np.argsort(-weights, kind="stable")[size:]] = 0.0
    weights = without_small(weights)
    return combination_of(AVERAGE, weights / weights.sum(), None)


def diverse_average(scores, kinds, size):
    """Average the best candidate of each of the best `N_KINDS` kinds."""
    best = {}
    for m in np.argsort(-scores, kind="stable"):
        best.setdefault(kinds[m], int(m))
        if len(best) == min(N_KINDS, size):
            break
    counts = np.zeros(len(kinds))
    counts[list(best.values())] = 1
    return combination_of(AVERAGE, counts / counts.sum(), None)


def _fit_stacks(problem, values, rows, average, scales):
    """Fit a stack of the members of an average for each prior scale."""
    members = list(average.members)
    # `values` are in the order of their scores.
    extra = [m for m in range(len(values)) if m not in members]
    n_extra = min(N_STACKED, problem.size) - len(members)
    members += extra[: max(0, n_extra)]
    center = np.zeros(len(members))
    center[: len(average.members)] = average.weights
    y = problem.y[rows]
    weights = problem.weights_of(rows)
    weights = np.ones(len(rows)) if weights is None else weights / weights.mean()
    level = None if problem.loss_judged is None else problem.loss_judged.level
    stacks, start = [], None
    inputs = np.stack([values[m][rows] for m in members])
    if problem.classifies:
        # Each label of a row is a row of a binary problem.
        inputs = safe_log(inputs).reshape(len(members), -1, inputs.shape[-1])
        weights, y = of_outputs(weights, y), y.reshape(-1)
    for scale in scales:
        if problem.classifies:
            w, b = fit_log_linear_pool(inputs, y, weights, center, scale, start)
            start = np.concatenate([w, b])
        elif y.ndim == 1:
            w, b = fit_linear_pool(inputs, y, weights, center, scale, level)
        else:
            w, b = fit_linear_pools(inputs, y, weights, center, scale, level)
        full = np.zeros(len(values))
        full[members] = w
        stacks.append(combination_of(STACK, full, b) if w.sum() > 0 else average)
    return stacks


def without_small(weights):
    """Set weights below `SMALLEST_SHARE` to zero, except the largest one."""
    return np.where(
        weights < min(SMALLEST_SHARE * weights.sum(), weights.max()), 0.0, weights
    )


def combination_of(kind, weights, intercept):
    """Return the combination of the candidates with positive weights, largest first."""
    total = weights.sum()
    if kind == STACK:
        weights = without_small(weights)
        weights = weights * (total / weights.sum())
    members = np.argsort(-weights, kind="stable")[: np.count_nonzero(weights)]
    if kind == AVERAGE and len(members) == 1:
        return Combination.single(members[0])
    return Combination(kind, tuple(members), weights[members], intercept)


def _out_of_fold_scores(problem, combinations, values, folds):
    """Score on each fold the combination that was fitted on the other folds."""
    return np.array(
        [
            _score_on(problem, combination, values, fold)
            for combination, fold in zip(combinations, folds, strict=True)
        ]
    )


def _score_on(problem, combination, values, rows):
    """Score a combination on some rows."""
    members = [values[m][rows] for m in combination.members]
    combined = problem.apply(combination, members)
    return safe_score(problem.score, combined, rows)
