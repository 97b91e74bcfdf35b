"""Build the final model from the evaluations of a search, within the time left.

The steps are: collect out-of-fold predictions, combine candidates, tune the decision
between classes, fit the members on all rows, and repeat without those members that
could not be fitted. If no candidate is left, the final model is one of
`sklearn_meta.ensemble._fallbacks`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from sklearn_meta._warnings import warn
from sklearn_meta.ensemble._choose_combination import combine
from sklearn_meta.ensemble._combination import as_pairs, of_pairs
from sklearn_meta.ensemble._decisions import tune_decision
from sklearn_meta.ensemble._fallbacks import (
    fastest_model,
    screening_model,
    without_candidate,
)
from sklearn_meta.ensemble._members import FinalModel, fitted_member, fold_models
from sklearn_meta.ensemble._out_of_fold import out_of_fold
from sklearn_meta.ensemble._refits import Refits
from sklearn_meta.evaluation._budget import DECIDE_SECONDS
from sklearn_meta.evaluation._objective import judges_labels
from sklearn_meta.exceptions import SearchInterruptedWarning
from sklearn_meta.parallel._imports import can_import
from sklearn_meta.parallel._in_process import InProcessPool

# Share of the time left that combining candidates may take; the fits take the rest.
COMBINE_SHARE_OF_REST = 0.3
# Share of the time left after that in which the decision between classes is tuned, and
# the largest share for the time that was reserved for it.
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
    interrupted = result.interrupted
    try:
        final = _combine_within(plan, history, pool, ensemble_size, interrupted)
    except KeyboardInterrupt:
        # Try again within `SECONDS_AFTER_INTERRUPT` and without the workers, which may
        # still be busy with the first attempt.
        reason, interrupted = "interrupted", True
        pool = InProcessPool(state=plan.context, clock=plan.budget.clock)
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
    refits = Refits(context, pool, budget, memory_limit)
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
        combination, members, decision = _combine(
            oof, candidates, context, ensemble_size, budget
        )
        best = max(candidates, key=lambda i: oof.evaluations[i].score)
        # Members by decreasing weight; the best candidate last if it is not a member.
        wanted = list(dict.fromkeys([*members, best]))
        refits.run([oof.evaluations[i] for i in wanted])
        fitted = {i: fitted_member(oof.evaluations[i], refits) for i in wanted}
        failed = [i for i in members if fitted[i] is None]
        if not failed:
            ranked = sorted(members, key=lambda i: -oof.evaluations[i].score)
            best = next(i for i in [best, *ranked] if fitted[i] is not None)
            return FinalModel(
                tuple(fitted[i] for i in members),
                combination,
                fitted[best],
                refits.seconds,
                decision=decision,
            )
        candidates = [i for i in candidates if i not in failed]
    return screening_model(history) or fastest_model(oof.evaluations, context, budget)


def _combine(oof, candidates, context, ensemble_size, budget):
    """Return a combination, the indices of its members, and the tuned decision."""
    dataset = context.dataset
    y = dataset.y[oof.rows]
    X = dataset.X[oof.rows]
    weight = None if dataset.sample_weight is None else dataset.sample_weight[oof.rows]

    def score(predictions, rows, scoring=context.comparison):
        return scoring(
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
        metric=context.comparison.name,
        scores=[oof.evaluations[i].score for i in candidates],
        kinds=[oof.evaluations[i].candidate.tree.operator for i in candidates],
        sample_weight=weight,
        size=ensemble_size,
        deadline=budget.clock() + COMBINE_SHARE_OF_REST * budget.remaining(),
        clock=budget.clock,
    )
    decision = None
    if context.objective is not None and judges_labels(context.scoring, dataset):
        decision = tune_decision(
            _combined(combination, [predictions[m] for m in combination.members], y),
            y,
            score=partial(score, scoring=context.scoring),
            folds=oof.folds,
            deadline=budget.clock() + _decide_seconds(budget.remaining()),
            clock=budget.clock,
        )
    return combination, [candidates[m] for m in combination.members], decision


def _decide_seconds(remaining):
    """Return the seconds in which the decision is tuned."""
    reserved = min(DECIDE_SECONDS, DECIDE_MOST_OF_REST * remaining)
    return max(DECIDE_SHARE_OF_REST * remaining, reserved)


def _combined(combination, predictions, y):
    """Return the combined probabilities of classes or labels."""
    if y.ndim == 1:
        return combination.apply(predictions)
    return of_pairs(combination.apply([as_pairs(p) for p in predictions]))
