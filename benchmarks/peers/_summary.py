"""What many runs come to: ranks, normalized scores, duels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata, wilcoxon

from benchmarks.peers._scores import Metric

# Closer than this share of the score, two systems are tied.
TIE = 1e-4
WORST_NORMALIZED = -1.0
N_RESAMPLES = 10_000
CONFIDENCE = 0.95


class Competitor(NamedTuple):
    """A system with a budget; None if it uses none."""

    system: str
    budget: float | None


@dataclass(frozen=True)
class Comparison:
    """Scores of some competitors on the tables on which all of them ran.

    Parameters
    ----------
    metric : Metric
    competitors : tuple of Competitor
    tables : tuple of str
    scores : ndarray of shape (n_tables, n_competitors)
        Means over the seeds that all competitors share; greater is better, losses have
        their sign changed. A run that failed counts as the constant prediction.
    constants : ndarray of shape (n_tables,)
        Scores of the constant prediction of the training part.
    failures : ndarray of shape (n_tables, n_competitors)
        Number of runs that failed.
    """

    metric: Metric
    competitors: tuple[Competitor, ...]
    tables: tuple[str, ...]
    scores: np.ndarray
    constants: np.ndarray
    failures: np.ndarray

    def shown(self, scores):
        """Return scores with the sign that the metric has for a reader."""
        return scores if self.metric.greater_is_better else -scores


def compare(records, metric, competitors):
    """Compare competitors in one metric.

    Parameters
    ----------
    records : list of dict
        One for each run.
    metric : Metric
    competitors : collection of Competitor

    Returns
    -------
    comparison : Comparison
        Perhaps of no tables.
    """
    competitors = tuple(competitors)
    runs = {}
    for record in records:
        who = Competitor(record["system"], record["budget"])
        # Without a constant score, the metric is not defined on this test part.
        if (
            record["task"] == metric.task
            and who in competitors
            and record["constant"][metric.name] is not None
        ):
            seeds = runs.setdefault(record["table"], {}).setdefault(who, {})
            seeds[record["seed"]] = record
    sign = 1.0 if metric.greater_is_better else -1.0
    tables, scores, constants, failures = [], [], [], []
    for table, by_competitor in sorted(runs.items()):
        if len(by_competitor) < len(competitors):
            continue
        seeds = set.intersection(*(set(r) for r in by_competitor.values()))
        if not seeds:
            continue
        values = np.array(
            [
                [sign * _score(by_competitor[who][seed], metric) for seed in seeds]
                for who in competitors
            ]
        )
        some = by_competitor[competitors[0]]
        constant = np.mean([some[s]["constant"][metric.name] for s in seeds])
        tables.append(table)
        scores.append(values.mean(axis=1))
        constants.append(sign * constant)
        failures.append(
            [
                sum(by_competitor[who][seed]["status"] != "ok" for seed in seeds)
                for who in competitors
            ]
        )
    shape = (len(tables), len(competitors))
    return Comparison(
        metric,
        competitors,
        tuple(tables),
        np.array(scores, dtype=float).reshape(shape),
        np.array(constants, dtype=float),
        np.array(failures, dtype=int).reshape(shape),
    )


def _score(record, metric):
    if record["status"] == "ok":
        return record["scores"][metric.name]
    return record["constant"][metric.name]


def ranks(comparison):
    """Return the rank of each competitor on each table; 1 is the best."""
    return rankdata(-comparison.scores, axis=1)


def wins(comparison):
    """Return on how many tables each competitor is the best; ties are shared."""
    best = comparison.scores == comparison.scores.max(axis=1, keepdims=True)
    return (best / best.sum(axis=1, keepdims=True)).sum(axis=0)


def normalized(comparison):
    """Return scores on one scale for all tables.

    0 is the constant prediction, 1 the best of those compared, and nothing is below
    -1, so that no single table decides a mean. A table on which nobody is better than
    the constant tells nothing: all get 0.

    Returns
    -------
    values : ndarray of shape (n_tables, n_competitors)
    """
    above = comparison.scores - comparison.constants[:, None]
    scale = above.max(axis=1, keepdims=True, initial=0.0)
    values = np.divide(above, scale, out=np.zeros_like(above), where=scale > 0)
    return np.maximum(values, WORST_NORMALIZED)


def confidence_interval(values):
    """Return a bootstrap interval of the mean over tables (95 %, percentiles).

    Parameters
    ----------
    values : ndarray of shape (n_tables, n_competitors)

    Returns
    -------
    low, high : ndarray of shape (n_competitors,)
    """
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(values), size=(N_RESAMPLES, len(values)))
    tail = 100 * (1 - CONFIDENCE) / 2
    return np.percentile(values[drawn].mean(axis=1), [tail, 100 - tail], axis=0)


@dataclass(frozen=True)
class Duel:
    """Two competitors against each other, one pair of scores for each table.

    Parameters
    ----------
    win, tie, loss : int
        Tables, seen from the first of the two.
    gain : float
        Median over tables of the difference, as a share of the larger score.
    loss_ratio : float
        Geometric mean over tables of the first loss by the second one; NaN if the
        scores are no losses.
    p_value : float
        Wilcoxon's signed-rank test of these shares, two-sided; NaN if all are zero.
    """

    win: int
    tie: int
    loss: int
    gain: float
    loss_ratio: float
    p_value: float


def duel(comparison, first, second):
    """Return the `Duel` of two competitors of a comparison."""
    a = comparison.scores[:, comparison.competitors.index(first)]
    b = comparison.scores[:, comparison.competitors.index(second)]
    larger = np.maximum(np.abs(a), np.abs(b))
    share = np.divide(a - b, larger, out=np.zeros_like(a), where=larger > 0)
    tied = np.abs(share) <= TIE
    return Duel(
        win=int(np.sum(~tied & (share > 0))),
        tie=int(np.sum(tied)),
        loss=int(np.sum(~tied & (share < 0))),
        gain=float(np.median(share)) if len(share) else math.nan,
        loss_ratio=_loss_ratio(a, b),
        p_value=float(wilcoxon(share).pvalue) if share.any() else math.nan,
    )


def _loss_ratio(a, b):
    """Geometric mean of ratios of losses, which are scores with their sign changed."""
    if not len(a) or max(a.max(), b.max()) >= 0:
        return math.nan
    return float(np.exp(np.mean(np.log(-a) - np.log(-b))))


def holm(p_values):
    """Return p-values adjusted for their number by Holm's method; NaN stays.

    Parameters
    ----------
    p_values : list of float

    Returns
    -------
    adjusted : list of float

    References
    ----------
    S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian
    Journal of Statistics 6, 1979.
    """
    order = sorted(
        (i for i, p in enumerate(p_values) if not math.isnan(p)),
        key=lambda i: p_values[i],
    )
    adjusted = [math.nan] * len(p_values)
    largest = 0.0
    for passed, i in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - passed) * p_values[i]))
        adjusted[i] = largest
    return adjusted
