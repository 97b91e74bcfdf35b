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
from sklearn_meta._warnings import ignored_warnings, warn
from sklearn_meta.data._groups import group_numbers
from sklearn_meta.data._task import EXTRAPOLATION_IN_TIME
from sklearn_meta.ensemble._choose_combination import choice_of_one, choose
from sklearn_meta.ensemble._cross_fitted import (
    TOO_LARGE,
    combined_predictions,
    cross_fitted,
)
from sklearn_meta.ensemble._decisions import quick_decision, tune_decision
from sklearn_meta.ensemble._fallbacks import (
    fastest_model,
    screening_model,
    without_candidate,
)
from sklearn_meta.ensemble._fold_scores import TimedScore
from sklearn_meta.ensemble._honest_score import (
    IN_TIME_ORDER,
    NOT_COMBINED,
    Bootstrap,
    HonestScore,
    fast_score,
    honest_score,
    row_metric,
)
from sklearn_meta.ensemble._members import FinalModel, fitted_member, fold_models
from sklearn_meta.ensemble._out_of_fold import out_of_fold
from sklearn_meta.ensemble._refits import Refits
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


def combine_search(result, plan, pool, *, ensemble_size) -> FinalModel:
    """Combine the candidates of a search and fit the final model.

    Parameters
    ----------
    result : SearchResult
    plan : Plan
    pool : Pool
    ensemble_size : int
        Maximum number of members.

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
        final = _combine_within(plan, history, pool, ensemble_size, interrupted)
    except KeyboardInterrupt:
        # Try again within `SECONDS_AFTER_INTERRUPT` and without the workers, which may
        # still be busy with the first attempt.
        reason, interrupted = "interrupted", True
        settings.restore()
        pool = this_process_only(pool, plan.context)
        final = _combine_within(plan, history, pool, ensemble_size, interrupted)
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


def _combine_within(plan, history, pool, ensemble_size, interrupted):
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
        found = _combine(oof, candidates, context, ensemble_size, refits)
        choice, decision, honest = found
        members = [candidates[m] for m in choice.combination.members]
        best = max(candidates, key=lambda i: oof.evaluations[i].score)
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
            return _with_out_of_fold(final, choice, oof, candidates, context)
        candidates = [i for i in candidates if i not in failed]
    final = screening_model(history)
    if final is not None:
        return final
    final = fastest_model(oof.evaluations, refits)
    if final is None:
        return None
    fastest = [i for i in everyone if oof.evaluations[i] is final.best.evaluation]
    choice = _choice_of_one(0, oof, context.dataset)
    return _with_out_of_fold(final, choice, oof, fastest, context)


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


def combine_candidates(
    context, given, size, seconds, last_call, for_honest, clock=time.monotonic
):
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
    for_honest : float
        Seconds after that for estimating the score on new rows.
    clock : callable, default=time.monotonic

    Yields
    ------
    choice : Choice
    decision : float, ndarray or None
        See `tune_decision`; None if the metric does not judge labels.
    honest : HonestScore
        Without an estimate at first. All three come again with it.
    """
    dataset, now = context.dataset, clock()
    weight = (
        None if dataset.sample_weight is None else dataset.sample_weight[given.rows]
    )
    predictions = given.predictions
    if not dataset.task.is_classifier:
        limits = dataset.task.limits(dataset.y, context.extrapolation)
        predictions = tuple(np.clip(p, *limits) for p in predictions)
        given = replace(
            given,
            predictions=predictions,
            repeats=tuple(np.clip(p, *limits) for p in given.repeats),
        )
    y, comparison = dataset.y[given.rows], context.comparison
    choice = choose(
        predictions,
        y,
        task=dataset.task.name,
        score=TimedScore(
            lambda predictions, rows: context.score(
                predictions, given.rows[rows], scoring=comparison
            ),
            clock,
            now + (last_call if size > 1 else SINGLE_SHARE * last_call),
            given.score_seconds if comparison is context.scoring else 0.0,
        ),
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
    yield choice, decision, HonestScore(note=NOT_COMBINED)
    deadline = clock() + for_honest
    yield (
        choice,
        decision,
        _honest(context, given, size, choice, decision, deadline, clock),
    )


def _honest(context, given, size, choice, decision, deadline, clock):
    """Estimate the score of the final model on new rows."""
    if context.extrapolation == EXTRAPOLATION_IN_TIME:
        return HonestScore(note=IN_TIME_ORDER)
    dataset, scoring = context.dataset, context.scoring
    rows, task = given.rows, dataset.task
    fast = fast_score(scoring, dataset)
    weight = None if dataset.sample_weight is None else dataset.sample_weight[rows]

    def score(predictions, chosen):
        if fast is not None:
            w = None if weight is None else weight[chosen]
            return fast(dataset.y[rows[chosen]], predictions, w)
        return context.score(predictions, rows[chosen])

    timed = TimedScore(
        score, clock, deadline, 0.0 if fast is not None else given.score_seconds
    )
    scored = row_metric(scoring)

    def decide(predictions, chosen):
        return quick_decision(predictions, dataset.y[rows[chosen]], timed, chosen)

    problem = Bootstrap(
        predictions=given.predictions,
        repeats=given.repeats,
        numbers=given.numbers,
        y=dataset.y[rows],
        sample_weight=weight,
        units=_units(dataset, rows),
        scores=given.scores,
        kinds=given.kinds,
        size=size,
        classifies=task.is_classifier,
        compared=row_metric(context.comparison),
        scored=scored,
        score=timed,
        by_fold=task.is_classifier and scored is None and not context.judges_labels,
        decide=None if decision is None else decide,
        is_fast=fast is not None and decision is None,
    )
    # A part of a fold may lack a class, on which many metrics are undefined.
    with ignored_warnings():
        return honest_score(
            problem, choice, seed=(context.seed, 1), stop=lambda: clock() >= deadline
        )


def _units(dataset, rows):
    """Return the number of what each row is drawn with: its group, or its copies."""
    if dataset.groups is not None:
        return group_numbers(dataset.groups)[rows]
    return np.arange(len(rows)) if dataset.copy_of is None else dataset.copy_of[rows]


def _combine(oof, candidates, context, ensemble_size, refits):
    """Return the choice among candidates, the tuned decision and the honest score."""
    chosen = [oof.evaluations[i] for i in candidates]
    score_seconds = max(e.score_seconds for e in chosen)
    is_slow = (
        context.objective is None
        and oof.scores is not None
        and score_seconds >= SLOW_SCORE_SECONDS
    )
    given = Combinable(
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
    pool, budget = refits.pool, refits.budget
    remaining = budget.remaining()
    seconds = combine_seconds(remaining, score_seconds)
    last_call = max(seconds, SCORE_SHARE_OF_REST * remaining)
    for_honest = honest_seconds(budget)
    arguments = (given, ensemble_size, seconds, last_call, for_honest)
    best = int(np.argmax(given.scores))
    alone = _choice_of_one(best, oof, context.dataset)
    best_alone = alone, None, HonestScore(note=NOT_COMBINED)
    suspects = getattr(pool, "suspects", ())
    if context.scoring.is_own_code and (
        pool.place is Place.LOST or COMBINE in suspects
    ):
        # It may be what the workers died of.
        return best_alone
    if context.scoring.is_own_code and pool.place is Place.WORKER:
        # A scorer of the user may hang, and a worker can be killed.
        end = last_call + for_honest
        deadline = budget.clock() + end if np.isfinite(end) else None
        task = Task(
            "combine", COMBINE, arguments, deadline, refits.memory_limit, COMBINE
        )
        return run_task(pool, task) or best_alone
    *_, found = combine_candidates(context, *arguments, clock=budget.clock)
    return found


def _decide_seconds(remaining):
    """Return the seconds in which the decision is tuned."""
    reserved = min(DECIDE_SECONDS, DECIDE_MOST_OF_REST * remaining)
    return max(DECIDE_SHARE_OF_REST * remaining, reserved)
