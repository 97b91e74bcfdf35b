"""Build the final model from the evaluations of a search, within the time left.

The steps are: collect out-of-fold predictions, combine candidates, tune the decision
between classes, fit the members on all rows, and repeat without those members that
could not be fitted. If no candidate is left, the final model is one of
`sklearn_meta.ensemble._fallbacks`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from sklearn_meta._cleanup import ThreadSettings
from sklearn_meta._warnings import warn
from sklearn_meta.ensemble._calibration import calibrated
from sklearn_meta.ensemble._choose_combination import choice_of_one, choose
from sklearn_meta.ensemble._cross_fitted import (
    TOO_LARGE,
    combined_predictions,
    cross_fitted,
)
from sklearn_meta.ensemble._decisions import tune_decision
from sklearn_meta.ensemble._estimate_score import (
    NOT_COMBINED,
    NOT_FINISHED,
    estimate_score,
)
from sklearn_meta.ensemble._fallbacks import (
    fastest_model,
    screening_model,
    without_candidate,
)
from sklearn_meta.ensemble._fold_scores import TimedScore
from sklearn_meta.ensemble._honest_score import HonestScore
from sklearn_meta.ensemble._members import FinalModel, fitted_member, fold_models
from sklearn_meta.ensemble._out_of_fold import out_of_fold
from sklearn_meta.ensemble._refits import Refits
from sklearn_meta.ensemble._usage_limits import NO_LIMITS
from sklearn_meta.evaluation._budget import (
    DECIDE_SECONDS,
    combine_seconds,
    honest_seconds,
)
from sklearn_meta.evaluation._places import may_fit
from sklearn_meta.exceptions import SearchInterruptedWarning
from sklearn_meta.parallel._imports import can_import
from sklearn_meta.parallel._local_pool import this_process_only
from sklearn_meta.parallel._pool import Place, Task
from sklearn_meta.parallel._run_tasks import run_task
from sklearn_meta.pipelines.catalog._losses import without_log_target
from sklearn_meta.timing._forecast import SLOW_SCORE_SECONDS

COMBINE = "sklearn_meta.ensemble._final_model:combine_candidates"
ESTIMATE = "sklearn_meta.ensemble._estimate_score:estimate_score"

# The estimate of the score on new rows is killed after this many times its seconds.
KILLED_AFTER = 1.5

# Share of the time left within which the last call of the scorer must end. A usual one
# takes milliseconds.
SCORE_SHARE_OF_REST = 0.6

# Share of it for the scores of single candidates, where nothing is combined.
SINGLE_SHARE = 0.1

# Share of the time left after combining in which the decision between classes is tuned,
# and the largest share for the time that was reserved for it.
DECIDE_SHARE_OF_REST, DECIDE_MOST_OF_REST = 0.2, 0.5

# Seconds for fitting the final model after an interrupt with Ctrl-C.
SECONDS_AFTER_INTERRUPT = 3.0


def combine_search(result, plan, pool, *, ensemble_size, usage=NO_LIMITS) -> FinalModel:
    """Combine the candidates of a search and fit the final model.

    Parameters
    ----------
    result : SearchResult
    plan : Plan
    pool : Pool
    ensemble_size : int
        Maximum number of members.
    usage : UsageLimits or NoLimits, default=NO_LIMITS
        Limits that the model is to keep.

    Returns
    -------
    model : FinalModel
        A constant predictor, with a warning, if no candidate was finished in time.

    Raises
    ------
    NoCandidateError
        If candidates failed for other reasons than time.
    KeyboardInterrupt
        If the search was interrupted before any candidate could be used.
    """
    history, reason = result.history, result.stop_reason
    interrupted, settings = result.interrupted, ThreadSettings.now()
    try:
        final = _combine_within(plan, history, pool, ensemble_size, interrupted, usage)
    except KeyboardInterrupt:
        # Try again within `SECONDS_AFTER_INTERRUPT` and without the workers, which may
        # still be busy with the first attempt.
        reason, interrupted = "interrupted", True
        settings.restore()
        pool = this_process_only(pool, plan.context)
        final = _combine_within(plan, history, pool, ensemble_size, interrupted, usage)
    if final is None:
        if interrupted:
            raise KeyboardInterrupt
        return replace(without_candidate(history, plan), stop_reason=reason)
    if interrupted:
        warn(
            f"Interrupted after {len(history)} evaluations: the final model combines "
            "the candidates that were evaluated by then.",
            SearchInterruptedWarning,
        )
    return replace(final, stop_reason=reason)


def _combine_within(plan, history, pool, ensemble_size, interrupted, usage):
    """Build the final model within the budget, or shortly after an interrupt."""
    budget = plan.budget
    if interrupted:
        seconds = budget.elapsed() + SECONDS_AFTER_INTERRUPT
        budget = replace(budget, seconds=min(budget.seconds, seconds))
    return build_final_model(
        history,
        plan.context,
        ensemble_size=ensemble_size,
        pool=pool,
        budget=budget,
        memory_limit=plan.limits.memory_limit,
        is_usable=lambda evaluation: can_import(
            plan.packages(evaluation), budget.remaining()
        ),
        may_fit=partial(may_fit, plan.forecast),
        usage=usage,
    )


def build_final_model(
    history,
    context,
    *,
    ensemble_size,
    pool,
    budget,
    memory_limit=None,
    is_usable=lambda evaluation: True,
    may_fit=lambda tree, place: True,
    usage=NO_LIMITS,
) -> FinalModel | None:
    """Select, combine and fit the members of the final model within a budget.

    Parameters
    ----------
    history : History
    context : EvaluationContext
    ensemble_size : int
        Maximum number of members.
    pool : Pool
    budget : Budget
    memory_limit : int or None, default=None
        Memory limit of one fit in bytes; None for no limit.
    is_usable : callable, default=always True
        ``is_usable(evaluation) -> bool``: whether the models of a candidate can be
        loaded in the time left. If this holds for no candidate, all are used.
    may_fit : callable, default=always True
        See `Refits`.
    usage : UsageLimits or NoLimits, default=NO_LIMITS
        Limits that the model is to keep.

    Returns
    -------
    model : FinalModel or None
        None if no candidate could be fitted and no fold model can be used.
    """
    oof = out_of_fold(history, context)
    if oof is None:
        return screening_model(history)
    everyone = range(len(oof.evaluations))
    candidates = [i for i in everyone if is_usable(oof.evaluations[i])]
    candidates = candidates or list(everyone)
    refits = Refits(context, pool, budget, memory_limit, may_fit)
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
        combined = usage.allowed(oof, candidates, refits)
        found = _combine(oof, combined, context, ensemble_size, refits)
        weights = _weights(found[0], combined)
        if lighter := usage.lighter(oof, combined, weights, refits):
            combined = lighter
            found = _combine(oof, combined, context, ensemble_size, refits)
        choice, decision, _ = found
        honest = _estimate(oof, combined, found, context, ensemble_size, refits)
        members = list(_weights(choice, combined))
        best = max(
            usage.for_best(members, combined), key=lambda i: oof.evaluations[i].score
        )
        # Members by decreasing weight; the best candidate last if it is not a member.
        wanted = list(dict.fromkeys([*members, best]))
        refits.run([oof.evaluations[i] for i in wanted])
        fitted = {i: fitted_member(oof.evaluations[i], refits) for i in wanted}
        failed = [i for i in members if fitted[i] is None]
        if not failed:
            ranked = sorted(members, key=lambda i: -oof.evaluations[i].score)
            best = next(i for i in [best, *ranked] if fitted[i] is not None)
            final = FinalModel(
                tuple(fitted[i] for i in members),
                choice.combination,
                fitted[best],
                refits.seconds,
                decision=decision,
                honest=honest,
            )
            final = _with_out_of_fold(final, choice, oof, combined, context)
            if usage.accepts(final, context):
                return final
        candidates = [i for i in candidates if i not in failed]
    final = screening_model(history)
    if final is not None:
        return final
    final = fastest_model(oof.evaluations, refits)
    if final is None:
        return None
    fastest = [i for i in everyone if oof.evaluations[i] is final.best.evaluation]
    choice = _choice_of_one(0, oof, context.dataset)
    final = replace(final, honest=HonestScore(note=NOT_COMBINED))
    return _with_out_of_fold(final, choice, oof, fastest, context)


def _weights(choice, candidates):
    """Return the weight of each member, by its index among all candidates."""
    combination = choice.combination
    members = [candidates[m] for m in combination.members]
    return dict(zip(members, combination.weights, strict=True))


def _choice_of_one(member, oof, dataset):
    """Return the choice of a candidate without an alternative."""
    copy_of = None if dataset.copy_of is None else dataset.copy_of[oof.rows]
    return choice_of_one(member, dataset.y[oof.rows], oof.folds, copy_of)


def _with_out_of_fold(final, choice, oof, candidates, context):
    """Return a final model with its out-of-fold predictions."""
    predictions = [oof.predictions[i] for i in candidates]
    record = cross_fitted(choice, predictions, oof.rows, context)
    reason = TOO_LARGE if record is None else ""
    return replace(final, out_of_fold=record, no_out_of_fold=reason)


@dataclass(frozen=True)
class Combinable:
    """Candidates to combine, as a worker gets them.

    Parameters
    ----------
    predictions : tuple of ndarray
        Out-of-fold predictions of each candidate.
    rows : ndarray of int
        Their rows in the dataset.
    folds : tuple of ndarray of int
        Positions in `rows`.
    scores : tuple of float
        Score of each candidate.
    kinds : tuple of str
        Operator at the root of each candidate.
    known_scores : ndarray of shape (n_candidates, n_folds) or None
        Scores on the folds, if computing them again takes long.
    score_seconds : float
        Seconds of one call of the scorer.
    fold_scores : ndarray of shape (n_candidates, n_folds)
    repeats : tuple of ndarray
    numbers : ndarray
        See `OutOfFold`.
    """

    predictions: tuple[np.ndarray, ...]
    rows: np.ndarray
    folds: tuple[np.ndarray, ...]
    scores: tuple[float, ...]
    kinds: tuple[str, ...]
    known_scores: np.ndarray | None
    score_seconds: float
    fold_scores: np.ndarray
    repeats: tuple[np.ndarray, ...]
    numbers: np.ndarray


def combine_candidates(context, given, size, seconds, last_call, clock=time.monotonic):
    """Combine candidates and tune the decision, in a worker or in this process.

    Parameters
    ----------
    context : EvaluationContext
    given : Combinable
    size : int
        Maximum number of members.
    seconds : float
        Seconds after which no further combination is begun.
    last_call : float
        Seconds within which the last call of the scorer must end.
    clock : callable, default=time.monotonic

    Yields
    ------
    choice : Choice
    decision : float, ndarray or None
        See `tune_decision`; None if the metric does not judge labels.
    """
    dataset, now = context.dataset, clock()
    weight = (
        None if dataset.sample_weight is None else dataset.sample_weight[given.rows]
    )
    predictions = given.predictions
    if not dataset.task.is_classifier:
        limits = dataset.task.limits(dataset.y, context.extrapolation)
        predictions = tuple(np.clip(p, *limits) for p in predictions)
    y, comparison = dataset.y[given.rows], context.comparison
    score = TimedScore(
        lambda predictions, rows: context.score(
            predictions, given.rows[rows], scoring=comparison
        ),
        clock,
        now + (last_call if size > 1 else SINGLE_SHARE * last_call),
        given.score_seconds if comparison is context.scoring else 0.0,
    )
    choice = choose(
        predictions,
        y,
        task=dataset.task.name,
        score=score,
        folds=given.folds,
        metric=comparison.name,
        scores=given.scores,
        loss=dataset.task.loss,
        kinds=given.kinds,
        sample_weight=weight,
        copy_of=None if dataset.copy_of is None else dataset.copy_of[given.rows],
        size=size,
        deadline=now + seconds,
        clock=clock,
        known_scores=given.known_scores,
        fold_scores_known=given.fold_scores,
    )
    if dataset.task.stratifies:
        choice = calibrated(
            choice,
            predictions,
            y,
            score=None if comparison.name == "neg_log_loss" else score,
            sample_weight=weight,
            deadline=now + seconds,
            clock=clock,
        )
    combination, decision = choice.combination, None
    if context.judges_labels:
        members = [predictions[m] for m in combination.members]
        decision = tune_decision(
            combined_predictions(combination, members, dataset.task),
            y,
            score=lambda predictions, rows: context.score(
                predictions, given.rows[rows]
            ),
            folds=given.folds,
            deadline=clock() + max(0.0, _decide_seconds(now + last_call - clock())),
            clock=clock,
        )
    yield choice, decision


def _combine(oof, candidates, context, ensemble_size, refits):
    """Return the choice, the tuned decision, and why nothing was compared, if so."""
    given = _combinable(oof, candidates, context)
    found = _choose(given, context, ensemble_size, refits)
    if found is not None:
        return *found, ""
    best = int(np.argmax(given.scores))
    return _choice_of_one(best, oof, context.dataset), None, NOT_COMBINED


def _estimate(oof, candidates, found, context, ensemble_size, refits):
    """Return the score that is expected on new rows of what `_combine` has found."""
    choice, decision, note = found
    if note:
        return HonestScore(note=note)
    given = _combinable(oof, candidates, context)
    seconds = honest_seconds(refits.budget)
    arguments = (given, ensemble_size, choice, decision, seconds)
    # What a scorer takes beyond its time is the end of the estimate.
    limit = KILLED_AFTER * seconds
    honest = _call(ESTIMATE, estimate_score, arguments, limit, context, refits)
    return honest or HonestScore(note=NOT_FINISHED)


def _combinable(oof, candidates, context):
    """Return candidates as a worker gets them."""
    chosen = [oof.evaluations[i] for i in candidates]
    score_seconds = max(e.score_seconds for e in chosen)
    is_slow = (
        context.objective is None
        and oof.scores is not None
        and score_seconds >= SLOW_SCORE_SECONDS
    )
    return Combinable(
        tuple(oof.predictions[i] for i in candidates),
        oof.rows,
        oof.folds,
        tuple(e.score for e in chosen),
        tuple(without_log_target(e.candidate.tree).operator for e in chosen),
        oof.scores[candidates] if is_slow else None,
        score_seconds,
        oof.fold_scores[candidates],
        tuple(oof.repeats[i] for i in candidates) if oof.repeats else (),
        oof.numbers,
    )


def _choose(given, context, ensemble_size, refits):
    """Return the choice and the tuned decision; None if they could not be made."""
    remaining = refits.budget.remaining()
    seconds = combine_seconds(remaining, given.score_seconds)
    last_call = max(seconds, SCORE_SHARE_OF_REST * remaining)
    arguments = (given, ensemble_size, seconds, last_call)
    return _call(COMBINE, combine_candidates, arguments, last_call, context, refits)


def _call(path, function, arguments, seconds, context, refits):
    """Call a function that calls the scorer; None if it may harm or takes too long."""
    pool, budget = refits.pool, refits.budget
    if context.scoring.is_own_code:
        if pool.place is Place.LOST or path in getattr(pool, "suspects", ()):
            # It may be what the workers died of.
            return None
        if pool.place is Place.WORKER:
            # A scorer of the user may hang, and a worker can be killed.
            deadline = budget.clock() + seconds if np.isfinite(seconds) else None
            name = path.rpartition(":")[2]
            task = Task(name, path, arguments, deadline, refits.memory_limit, path)
            return run_task(pool, task)
    (found,) = function(context, *arguments, clock=budget.clock)
    return found


def _decide_seconds(remaining):
    """Return the seconds in which the decision is tuned."""
    reserved = min(DECIDE_SECONDS, DECIDE_MOST_OF_REST * remaining)
    return max(DECIDE_SHARE_OF_REST * remaining, reserved)
