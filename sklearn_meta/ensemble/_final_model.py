"""Combine: from evaluations to the fitted final model, within the time left."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace

import numpy as np

from sklearn_meta.ensemble import Combination, combine
from sklearn_meta.ensemble._refits import Refits, mean_iterations, refit_seconds
from sklearn_meta.evaluation._history import has_predictions
from sklearn_meta.evaluation._records import Evaluation, Status

# At most this share of the budget is set aside for combining and fitting again;
# what cannot be fitted in it is replaced by its fold models.
MAX_RESERVE_SHARE = 0.3
# Seconds that combining takes besides the fits, and the share of the budget that it
# may grow to on large tables.
COMBINE_SECONDS = 0.35
# Choosing the combination may take this share of the time left; fits take the rest.
COMBINE_SHARE_OF_REST = 0.3
# The reserve counts the fits of this many of the best candidates.
RESERVED_MEMBERS = 4


@dataclass(frozen=True)
class Member:
    """One fitted part of the final model.

    Parameters
    ----------
    evaluation : Evaluation
    models : tuple of fitted pipelines
        One, fitted on all rows; or the fold models, whose predictions are averaged.
    iterations : int or None
        Boosting rounds of the fit on all rows, where early stopping chose them.
    """

    evaluation: Evaluation
    models: tuple
    iterations: int | None = None


@dataclass(frozen=True)
class FinalModel:
    """Fitted members and how their predictions are combined.

    Parameters
    ----------
    members : tuple of Member
    combination : Combination
    best : Member
        The best single candidate, a member or not.
    refit_seconds : float
        What the fits on all rows took, of all workers together.
    """

    members: tuple[Member, ...]
    combination: Combination
    best: Member
    refit_seconds: float = 0.0


@dataclass(frozen=True)
class OutOfFold:
    """Out-of-fold predictions of several candidates on the same rows.

    Parameters
    ----------
    evaluations : tuple of Evaluation
    rows : ndarray of int
        Row indices in the dataset.
    predictions : tuple of ndarray
        One for each evaluation, aligned with `rows`.
    folds : tuple of ndarray of int
        Positions in `rows` of disjoint validation folds.
    """

    evaluations: tuple[Evaluation, ...]
    rows: np.ndarray
    predictions: tuple[np.ndarray, ...]
    folds: tuple[np.ndarray, ...]


def reserve_seconds(history, context, budget, n_workers):
    """Return the seconds to set aside for the end of `fit`.

    Parameters
    ----------
    history : History
    context : EvaluationContext
    budget : Budget
    n_workers : int

    Returns
    -------
    seconds : float
    """
    if budget.seconds == np.inf:
        return 0.0
    best = sorted(history.finished(), key=lambda e: -e.score)[:RESERVED_MEMBERS]
    fits = [refit_seconds(e, context) for e in best]
    seconds = max(sum(fits) / n_workers, max(fits, default=0.0))
    return min(
        COMBINE_SECONDS + 0.01 * budget.seconds + seconds,
        MAX_RESERVE_SHARE * budget.seconds,
    )


def out_of_fold(history, context):
    """Collect the out-of-fold predictions that can be combined.

    If no candidate has finished every fold, the candidates with the most finished
    folds are compared on those.
    """
    usable = [e for e in history if has_predictions(e)]
    finished = [e for e in usable if e.status is Status.OK]
    chosen = finished or usable
    if not chosen:
        return None
    n_folds = max(len(e.folds) for e in chosen)
    chosen = [e for e in chosen if len(e.folds) >= n_folds]
    first = context.n_screening
    valid = [s.validation for s in context.stages[first : first + n_folds]]
    rows, inverse = np.unique(np.concatenate(valid), return_inverse=True)
    positions = np.split(inverse, np.cumsum([len(v) for v in valid])[:-1])
    counts = np.bincount(inverse)
    disjoint, covered = [], np.zeros(len(rows), dtype=bool)
    for fold in positions:
        if not covered[fold].any():
            disjoint.append(fold)
            covered[fold] = True
    return OutOfFold(
        tuple(chosen),
        rows,
        tuple(_average(e.folds[:n_folds], positions, counts) for e in chosen),
        tuple(disjoint),
    )


def _average(folds, positions, counts):
    """Mean of the predictions that each row got (several in repeated splits)."""
    first = folds[0].predictions
    total = np.zeros((len(counts), *first.shape[1:]))
    for fold, where in zip(folds, positions, strict=True):
        # A row occurs at most once in one fold.
        total[where] += fold.predictions
    return total / counts.reshape(-1, *[1] * (first.ndim - 1))


def build_final_model(
    history, context, *, ensemble_size, pool, budget, is_usable=lambda evaluation: True
) -> FinalModel | None:
    """Choose, combine and fit the final model within what is left of the budget.

    Parameters
    ----------
    history : History
    context : EvaluationContext
    ensemble_size : int
    pool : WorkerPool or None
    budget : Budget
    is_usable : callable
        ``is_usable(evaluation)``: whether the models of a candidate can be loaded in
        the time left; where that is so of none, all are used. All by default.

    Returns
    -------
    model : FinalModel or None
        None if nothing was fitted that could be used.
    """
    oof = out_of_fold(history, context)
    if oof is None:
        return _from_screening(history)
    everyone = range(len(oof.evaluations))
    candidates = [i for i in everyone if is_usable(oof.evaluations[i])]
    candidates = candidates or list(everyone)
    refits = Refits(context, pool, budget)
    while candidates:
        candidates = [
            i
            for i in candidates
            if refits.model(oof.evaluations[i]) is not None
            or fold_models(oof.evaluations[i])
            or refits.may_start(oof.evaluations[i])
        ]
        if not candidates:
            break
        combination, members = _combine(oof, candidates, context, ensemble_size, budget)
        best = max(candidates, key=lambda i: oof.evaluations[i].score)
        # The heaviest members first, the best candidate last if it is none of them.
        wanted = list(dict.fromkeys([*members, best]))
        refits.run([oof.evaluations[i] for i in wanted])
        fitted = {i: _member(oof.evaluations[i], refits) for i in wanted}
        failed = [i for i in members if fitted[i] is None]
        if not failed:
            ranked = sorted(members, key=lambda i: -oof.evaluations[i].score)
            best = next(i for i in [best, *ranked] if fitted[i] is not None)
            return FinalModel(
                tuple(fitted[i] for i in members),
                combination,
                fitted[best],
                refits.seconds,
            )
        candidates = [i for i in candidates if i not in failed]
    return _from_screening(history) or _quickest(oof.evaluations, context, budget)


def _combine(oof, candidates, context, ensemble_size, budget):
    """Combine some candidates; returns the combination and its members' indices."""
    dataset = context.dataset
    y = dataset.y[oof.rows]
    X = dataset.X[oof.rows]
    weight = None if dataset.sample_weight is None else dataset.sample_weight[oof.rows]

    def score(predictions, rows):
        return context.scoring(
            predictions,
            X[rows],
            y[rows],
            None if weight is None else weight[rows],
            metadata=dataset.metadata_of(oof.rows[rows]),
        )

    predictions = [oof.predictions[i] for i in candidates]
    if not dataset.task.is_classifier:
        limits = dataset.task.limits(dataset.y)
        predictions = [np.clip(p, *limits) for p in predictions]
    combination = combine(
        predictions,
        y,
        task=dataset.task.name,
        score=score,
        folds=oof.folds,
        metric=context.scoring.name,
        scores=[oof.evaluations[i].score for i in candidates],
        kinds=[oof.evaluations[i].candidate.tree.operator for i in candidates],
        sample_weight=weight,
        size=ensemble_size,
        deadline=budget.clock() + COMBINE_SHARE_OF_REST * budget.remaining(),
        clock=budget.clock,
    )
    return combination, [candidates[m] for m in combination.members]


def _from_screening(history):
    """Fall back on the best model that was fitted on a subsample of rows."""
    with_model = [e for e in history if any(f.model is not None for f in e.screening)]
    best = max(with_model, key=lambda e: e.screening[0].score, default=None)
    if best is None:
        return None
    member = Member(best, (pickle.loads(best.screening[0].model),))
    return FinalModel((member,), Combination.single(0), member)


def _quickest(evaluations, context, budget):
    """Fit the candidate that is fitted soonest, though the time is over.

    The last resort on a machine that was much busier in the end than before: a fit of
    a moment too much is better than all the work lost.
    """
    for evaluation in sorted(evaluations, key=lambda e: refit_seconds(e, context)):
        refits = Refits(context, None, replace(budget, seconds=np.inf))
        refits.run([evaluation])
        member = _member(evaluation, refits)
        if member is not None:
            return FinalModel((member,), Combination.single(0), member, refits.seconds)
    return None


def fold_models(evaluation):
    """Return the pickled fold models of an evaluation, if all were kept."""
    models = [f.model for f in evaluation.folds]
    return models if models and all(m is not None for m in models) else []


def _member(evaluation, refits):
    model = refits.model(evaluation)
    iterations = mean_iterations(evaluation)
    if model is not None:
        return Member(evaluation, (model,), iterations)
    if models := fold_models(evaluation):
        return Member(evaluation, tuple(pickle.loads(m) for m in models), iterations)
    return None
