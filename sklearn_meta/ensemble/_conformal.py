"""Conformal prediction: intervals and sets from out-of-fold predictions.

How wrong the model is on rows that it was not fitted on is known from cross-validation.
The errors, or other *scores* of nonconformity, are sorted; a new row has a score of at
most the one of rank ``ceil((n + 1) coverage)`` with a probability of `coverage` or more
if it is exchangeable with the n others [1]_ [2]_.

The scores come from models of folds, and new rows are predicted by a model that is
fitted on all rows. For a single calibration part the statement is a theorem; here it
holds as far as the final model errs as much as those of the folds do, which were fitted
on fewer rows. Exact bounds for cross-validation (CV+, [3]_) need the models of all
folds for each prediction, and guarantee ``2 coverage - 1`` only.

Intervals. The score is the error, divided by a scale that a small model predicts for
the row [4]_; the scale of a row is predicted by a model that was fitted without its
fold. Both tails have a score of their own, or the absolute error is the score of both.
What is used is decided by the interval score [5]_, the width of the interval plus
``2 / (1 - coverage)`` times the distance of a target that is outside: the simpler way,
unless the other one is better by more than one standard error of the paired
differences.

Sets. The score of a class is one minus its probability, and zero for the class that is
predicted: sets are never empty, and hold what ``predict`` returns.

References
----------
.. [1] V. Vovk, A. Gammerman and G. Shafer, "Algorithmic Learning in a Random World",
   Springer 2005.
.. [2] J. Lei, M. G'Sell, A. Rinaldo, R. J. Tibshirani and L. Wasserman,
   "Distribution-free predictive inference for regression", JASA 113, 2018.
.. [3] R. F. Barber, E. J. Candès, A. Ramdas and R. J. Tibshirani, "Predictive inference
   with the jackknife+", Annals of Statistics 49, 2021.
.. [4] H. Papadopoulos, V. Vovk and A. Gammerman, "Regression conformal prediction with
   nearest neighbours", JAIR 40, 2011.
.. [5] T. Gneiting and A. E. Raftery, "Strictly proper scoring rules, prediction, and
   estimation", JASA 102, 2007.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from numbers import Real

import numpy as np

from sklearn_meta._sklearn_compat import InvalidParameterError
from sklearn_meta._warnings import warn
from sklearn_meta.data._task import EXTRAPOLATION_IN_TIME, has_label
from sklearn_meta.ensemble._combination import as_pairs
from sklearn_meta.ensemble._decisions import decide
from sklearn_meta.ensemble._scale_model import ScaleModel, fit_scale
from sklearn_meta.exceptions import OutOfFoldError

# Order statistics that are kept: all of them up to this number; of more, the distances
# from the largest one grow geometrically, so that the share of rows outside of an
# interval is at most 2 % smaller than without thinning: 9.8 % in place of 10 %.
MAX_KEPT = 500

# Rows whose scores are used; a random draw of more. The coverage of 20 000 rows has a
# standard error of 0.2 %.
MAX_CALIBRATION_ROWS = 20_000

# Coverages at which interval scores are compared.
JUDGED = (0.8, 0.9, 0.95)

# Parts of the rows for which the scale is predicted by a model of the other parts.
N_PARTS = 3

# Seconds of the scale models on one core, and the largest share of the budget for them.
SCALE_SECONDS, SCALE_SHARE = 0.15, 0.02

GROUPS = (
    "The rows of fit are in groups, and rows of one group are alike: the coverage is "
    "about right in the mean over many new groups, and may be far from that in one."
)
ORDERED = (
    "The splits in cv are in temporal order: the coverage is about right as long as "
    "errors are as large as they were in the validation parts."
)


@dataclass(frozen=True, eq=False)
class SortedScores:
    """Order statistics of scores, for their conformal quantiles.

    Parameters
    ----------
    values : ndarray of shape (n_kept,)
        Ascending.
    upto : ndarray of shape (n_kept,)
        Number of rows with at most this score.
    total : float
        Number of rows. With weights, their effective number, ``(Σw)² / Σw²``, which is
        also the sum of `upto` over all: weights are frequencies of rows in the
        population, and a new row counts as much as one of them in the mean.
    """

    values: np.ndarray = field(repr=False)
    upto: np.ndarray = field(repr=False)
    total: float

    @classmethod
    def of(cls, scores, sample_weight=None, max_kept=MAX_KEPT) -> SortedScores:
        """Sort scores, and keep what their quantiles need.

        Parameters
        ----------
        scores : ndarray of shape (n_samples,)
        sample_weight : ndarray of shape (n_samples,), default=None
        max_kept : int, default=MAX_KEPT

        Returns
        -------
        sorted_scores : SortedScores
        """
        n = len(scores)
        order = np.argsort(scores, kind="stable")
        values = np.asarray(scores, dtype=np.float64)[order]
        if sample_weight is None:
            upto, total = np.arange(1.0, n + 1), float(n)
        else:
            weight = sample_weight[order]
            total = float(weight.sum() ** 2 / (weight**2).sum())
            upto = np.cumsum(weight)
            upto *= total / upto[-1]
        if n > max_kept:
            from_end = np.geomspace(1, n, max_kept).astype(np.intp)
            kept = n - np.unique(from_end)[::-1]
            values, upto = values[kept], upto[kept]
        return cls(values, upto, total)

    def quantile(self, level) -> float:
        """Return the smallest score that bounds a new one with a probability.

        Parameters
        ----------
        level : float
            The probability.

        Returns
        -------
        quantile : float
            The score of rank ``ceil((total + 1) * level)``, or the next larger one that
            was kept. Infinity if there are too few rows.
        """
        # Rounding must not turn a rank of 19 into 20.
        needed = (self.total + 1) * level * (1 - 1e-12)
        at = np.searchsorted(self.upto * (1 + 1e-12), needed)
        return float(self.values[at]) if at < len(self.values) else np.inf

    @property
    def largest(self) -> float:
        """Largest score."""
        return float(self.values[-1])


@dataclass(frozen=True, eq=False)
class Tails:
    """Scores of the errors of one target.

    Parameters
    ----------
    above : SortedScores
        Of targets minus predictions, or of their absolute differences.
    below : SortedScores or None
        Of predictions minus targets; None if `above` stands for both tails.
    is_scaled : bool
        Whether the errors were divided by their scale.
    """

    above: SortedScores
    below: SortedScores | None
    is_scaled: bool

    def distances(self, coverage) -> tuple[float, float]:
        """Return how far an interval reaches below and above the prediction.

        Parameters
        ----------
        coverage : float

        Returns
        -------
        below, above : float
            In units of the scale. The sum is not negative.
        """
        if self.below is None:
            distance = self.above.quantile(coverage)
            return distance, distance
        level = (1 + coverage) / 2
        below, above = self.below.quantile(level), self.above.quantile(level)
        if np.isinf(below) or np.isinf(above):
            # There are too few rows for each tail, but not for both.
            below = above = max(self.below.largest, self.above.largest)
        return below, above


@dataclass(frozen=True, eq=False)
class Intervals:
    """What prediction intervals are made of.

    Parameters
    ----------
    tails : tuple of Tails
        One for each target.
    scale_model : ScaleModel or None
        Scale of the errors; None if no target uses it.
    lowest : float, ndarray of shape (n_outputs,) or None
        Smallest possible value of the targets; None for no bound.
    note : str
        What limits the coverage; usually empty.
    """

    tails: tuple[Tails, ...]
    scale_model: ScaleModel | None
    lowest: float | np.ndarray | None
    note: str = ""

    def around(self, predictions, X, coverage) -> np.ndarray:
        """Return intervals that hold the targets with a probability.

        Parameters
        ----------
        predictions : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        X : ndarray or CSR matrix of shape (n_samples, n_features)
            Encoded table.
        coverage : float

        Returns
        -------
        intervals : ndarray of shape (n_samples, 2) or (n_samples, 2, n_outputs)
        """
        columns = predictions.reshape(len(predictions), -1)
        scale = np.ones(columns.shape)
        if self.scale_model is not None:
            is_scaled = np.array([tails.is_scaled for tails in self.tails])
            scale = np.where(is_scaled, self.scale_model.scale(columns, X), 1.0)
        distances = np.array([tails.distances(coverage) for tails in self.tails]).T
        ends = np.stack(
            [columns - distances[0] * scale, columns + distances[1] * scale], axis=1
        )
        if self.lowest is not None:
            ends = np.maximum(ends, self.lowest)
        return ends if predictions.ndim == 2 else ends[:, :, 0]

    @property
    def n_rows(self) -> float:
        """Number of rows, by which the coverage is limited."""
        return min(tails.above.total for tails in self.tails)


@dataclass(frozen=True, eq=False)
class PredictionSets:
    """What prediction sets are made of.

    Parameters
    ----------
    scores : tuple of SortedScores
        Scores of the true classes; one for each of several labels.
    note : str
        What limits the coverage; usually empty.
    """

    scores: tuple[SortedScores, ...]
    note: str = ""

    def of(self, probabilities, decision, coverage) -> np.ndarray:
        """Return sets that hold the true class with a probability.

        Parameters
        ----------
        probabilities : ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
        decision : float, ndarray or None
            How classes are predicted, see `decide`; of several labels, the threshold of
            each.
        coverage : float

        Returns
        -------
        sets : ndarray of bool of shape (n_samples, n_classes) or (n_samples, n_labels, 2)
        """  # noqa: E501
        quantiles = np.array([scores.quantile(coverage) for scores in self.scores])
        if len(quantiles) > 1:
            return label_scores(probabilities, decision) <= quantiles[:, None]
        return class_scores(probabilities, decision) <= quantiles[0]

    @property
    def n_rows(self) -> float:
        """Number of rows, by which the coverage is limited."""
        return min(scores.total for scores in self.scores)


def class_scores(probabilities, decision=None) -> np.ndarray:
    """Return the score of each class: how little it conforms to the prediction.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_classes)
    decision : float, ndarray of shape (n_classes,) or None, default=None
        See `decide`.

    Returns
    -------
    scores : ndarray of shape (n_samples, n_classes)
        One minus the probability; zero for the class that is decided for.
    """
    scores = 1.0 - probabilities
    scores[np.arange(len(scores)), decide(probabilities, decision)] = 0.0
    return scores


def label_scores(probabilities, thresholds=None) -> np.ndarray:
    """Return the scores of the absence and of the presence of each label.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_labels)
    thresholds : ndarray of shape (n_labels,) or None, default=None
        Probabilities above which a label is predicted; None for 0.5.

    Returns
    -------
    scores : ndarray of shape (n_samples, n_labels, 2)
    """
    predicted = has_label(probabilities, 0.5 if thresholds is None else thresholds)
    scores = 1.0 - as_pairs(probabilities)
    return np.where(np.stack([~predicted, predicted], axis=-1), 0.0, scores)


def interval_score(y, lower, upper, coverage) -> np.ndarray:
    """Return the interval score of each row; smaller is better.

    Parameters
    ----------
    y, lower, upper : ndarray of shape (n_samples,)
        Targets, and the ends of their intervals.
    coverage : float

    Returns
    -------
    score : ndarray of shape (n_samples,)
        Width, plus the distance of the target from the interval times
        ``2 / (1 - coverage)``.
    """
    outside = np.maximum(lower - y, 0.0) + np.maximum(y - upper, 0.0)
    return upper - lower + 2 / (1 - coverage) * outside


def make_intervals(
    predictions,
    y,
    X,
    *,
    part,
    rng,
    sample_weight=None,
    lowest=None,
    note="",
    scales=True,
) -> Intervals:
    """Make intervals from out-of-fold predictions.

    Parameters
    ----------
    predictions, y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Out-of-fold predictions and targets.
    X : ndarray or CSR matrix of shape (n_samples, n_features)
        Encoded table, for the scale of the errors.
    part : ndarray of int of shape (n_samples,)
        Part of each row. The scale of a part is predicted from the other parts.
    rng : numpy.random.Generator
    sample_weight : ndarray of shape (n_samples,), default=None
    lowest, note
        See `Intervals`.
    scales : bool, default=True
        Whether there is time for the scale of the errors.

    Returns
    -------
    intervals : Intervals
    """
    predictions = predictions.reshape(len(y), -1)
    errors = y.reshape(len(y), -1) - predictions
    model, scale = None, None
    if scales:
        model, scale = _cross_fitted_scale(
            predictions, X, np.abs(errors), part, rng, sample_weight
        )
    tails = []
    for k, error in enumerate(errors.T):
        best, score = _better_tails(error, np.ones(len(error)), False, sample_weight)
        if scale is not None:
            scaled, of_scaled = _better_tails(error, scale[:, k], True, sample_weight)
            if _is_better(of_scaled, score, sample_weight):
                best = scaled
        tails.append(best)
    if not any(t.is_scaled for t in tails):
        model = None
    return Intervals(tuple(tails), model, lowest, note)


def _cross_fitted_scale(predictions, X, sizes, part, rng, sample_weight):
    """Return the scale model of all rows, and scales by models of the other parts."""
    model = fit_scale(predictions, X, sizes, rng, sample_weight)
    parts = np.unique(part)
    if model is None or len(parts) < 2:
        return None, None
    scale = np.empty(sizes.shape)
    for number in parts:
        inside = part == number
        weight = None if sample_weight is None else sample_weight[~inside]
        of_others = fit_scale(
            predictions[~inside], X[~inside], sizes[~inside], rng, weight
        )
        if of_others is None:
            return None, None
        scale[inside] = of_others.scale(predictions[inside], X[inside])
    return model, scale


def _better_tails(error, scale, is_scaled, sample_weight):
    """Return the better of equal and unequal tails, and its mean interval scores."""
    relative = error / scale
    sizes = SortedScores.of(np.abs(relative), sample_weight)
    equal = Tails(sizes, None, is_scaled)
    unequal = Tails(
        SortedScores.of(relative, sample_weight),
        SortedScores.of(-relative, sample_weight),
        is_scaled,
    )
    score_equal = _interval_scores(equal, error, scale)
    score_unequal = _interval_scores(unequal, error, scale)
    if _is_better(score_unequal, score_equal, sample_weight):
        return unequal, score_unequal
    return equal, score_equal


def _interval_scores(tails, error, scale):
    """Return the interval score of each row, mean over the possible coverages."""
    scores = [np.zeros(len(error))]
    for coverage in JUDGED:
        below, above = tails.distances(coverage)
        if np.isfinite(below) and np.isfinite(above):
            ends = -below * scale, above * scale
            scores.append(interval_score(error, *ends, coverage))
    return np.mean(scores[1:] or scores, axis=0)


def _is_better(scores, others, sample_weight):
    """Whether scores are smaller by more than one standard error of the differences."""
    gains = others - scores
    mean = np.average(gains, weights=sample_weight)
    squares = np.average((gains - mean) ** 2, weights=sample_weight)
    if sample_weight is None:
        n = len(gains)
    else:
        n = sample_weight.sum() ** 2 / (sample_weight**2).sum()
    return bool(mean > np.sqrt(squares / max(n - 1, 1)))


def make_sets(probabilities, y, *, decision=None, sample_weight=None, note=""):
    """Make prediction sets from out-of-fold probabilities.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
        Out-of-fold probabilities.
    y : ndarray of int of shape (n_samples,) or (n_samples, n_labels)
        Indices of the true classes, or indicators.
    decision : float, ndarray or None, default=None
        How classes are predicted.
    sample_weight : ndarray of shape (n_samples,), default=None
    note : str, default=""

    Returns
    -------
    sets : PredictionSets
    """
    rows = np.arange(len(y))
    if y.ndim == 2:
        scores = label_scores(probabilities, decision)
        true = [scores[rows, k, labels] for k, labels in enumerate(y.T)]
    else:
        true = [class_scores(probabilities, decision)[rows, y]]
    return PredictionSets(tuple(SortedScores.of(s, sample_weight) for s in true), note)


def conformal(final, context, budget) -> Intervals | PredictionSets | None:
    """Return what intervals or sets around the final model are made of.

    Parameters
    ----------
    final : FinalModel
    context : EvaluationContext
    budget : Budget
        Of the whole `fit`; without time for it, intervals have a constant width.

    Returns
    -------
    conformal : Intervals, PredictionSets or None
        None without out-of-fold predictions.
    """
    record, dataset = final.out_of_fold, context.dataset
    if record is None:
        return None
    rng = np.random.default_rng(context.seed)
    rows, weight = _calibration_rows(record, dataset, rng)
    if not len(rows):
        return None
    note = ORDERED if context.extrapolation == EXTRAPOLATION_IN_TIME else ""
    if dataset.groups is not None:
        note = f"{note} {GROUPS}".strip()
    predictions, y = record.predictions[rows], record.y[rows]
    if dataset.task.is_classifier:
        return make_sets(
            predictions, y, decision=final.decision, sample_weight=weight, note=note
        )
    numbers = np.unique(record.fold[rows], return_inverse=True)[1]
    return make_intervals(
        predictions,
        y,
        dataset.X[rows],
        part=numbers % N_PARTS,
        rng=rng,
        sample_weight=weight,
        lowest=dataset.task.lowest,
        note=note,
        scales=SCALE_SECONDS <= min(SCALE_SHARE * budget.seconds, budget.remaining()),
    )


def _calibration_rows(record, dataset, rng):
    """Return the rows whose scores are used, copies once, and their weights."""
    rows = np.flatnonzero(record.fold >= 0)
    weight = record.sample_weight
    weight = np.ones(len(record.fold)) if weight is None else weight
    if dataset.copy_of is not None:
        # Copies are not further evidence, but there are more rows like them.
        _, first, inverse = np.unique(
            dataset.copy_of[rows], return_index=True, return_inverse=True
        )
        totals = np.bincount(inverse, weights=weight[rows])
        rows = rows[first]
        weight = weight.copy()
        weight[rows] = totals
    if len(rows) > MAX_CALIBRATION_ROWS:
        rows = np.sort(rng.choice(rows, MAX_CALIBRATION_ROWS, replace=False))
    weight = weight[rows]
    rows, weight = rows[weight > 0], weight[weight > 0]
    return rows, None if (weight == weight[:1]).all() else weight


def usable(known, coverage: float, name, reason) -> Intervals | PredictionSets:
    """Return what intervals or sets are made of, if it serves for a coverage.

    Parameters
    ----------
    known : Intervals, PredictionSets or None
    coverage : float
    name : str
        Name of the estimator, for messages.
    reason : str
        Why there are no out-of-fold predictions, if there are none.

    Returns
    -------
    known : Intervals or PredictionSets

    Raises
    ------
    InvalidParameterError
        If `coverage` is not a number between 0 and 1.
    OutOfFoldError
        If there are no out-of-fold predictions, or too few for `coverage`.
    """
    if not isinstance(coverage, Real) or not 0 < coverage < 1:
        raise InvalidParameterError(
            f"The 'coverage' parameter of {name} must be a float in the range (0.0, "
            f"1.0). Got {coverage!r} instead."
        )
    if known is None:
        raise OutOfFoldError(
            f"{name} knows nothing of its errors on new rows. {reason} Fit with a "
            "search, and with time for the folds."
        )
    n = known.n_rows
    # Rounding must not make ten rows too few for 0.9.
    if n * (1 - coverage) < 1 - 1e-9:
        needed = np.ceil(1 / (1 - float(coverage)) - 1e-9)
        raise OutOfFoldError(
            f"coverage={coverage:g} needs out-of-fold predictions of at least "
            f"1 / (1 - coverage) = {needed:g} rows. Got {n:.4g} (of rows with unequal "
            "weights or of copies, the effective number). Pass a coverage of at most "
            f"{max(0.0, np.floor(1e3 * (1 - 1 / n)) / 1e3):g}, or fit on more rows."
        )
    if known.note:
        warn(known.note)
    return known


def prediction_intervals(known, ensemble, X, coverage) -> np.ndarray:
    """Return the intervals of a fitted regressor.

    Parameters
    ----------
    known : Intervals
    ensemble : WeightedEnsembleRegressor
    X : ndarray or CSR matrix of shape (n_samples, n_features)
        Encoded table.
    coverage : float

    Returns
    -------
    intervals : ndarray of shape (n_samples, 2) or (n_samples, 2, n_outputs)
    """
    return known.around(ensemble.predict(X), X, coverage)


def prediction_sets(known, ensemble, X, coverage) -> np.ndarray:
    """Return the prediction sets of a fitted classifier.

    Parameters
    ----------
    known : PredictionSets
    ensemble : WeightedEnsembleClassifier or _WeightedEnsembleMultilabel
    X : ndarray or CSR matrix of shape (n_samples, n_features)
        Encoded table.
    coverage : float

    Returns
    -------
    sets : ndarray of bool of shape (n_samples, n_classes) or (n_samples, n_labels, 2)
    """
    return known.of(ensemble.predict_proba(X), ensemble.decision_threshold, coverage)
