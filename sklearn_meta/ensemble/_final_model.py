"""Build the final model from the evaluations of a search, within the time left."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.pipeline import Pipeline

from sklearn_meta._warnings import warn
from sklearn_meta.ensemble._choice import combine
from sklearn_meta.ensemble._combination import Combination
from sklearn_meta.ensemble._out_of_fold import out_of_fold
from sklearn_meta.ensemble._refits import Refits, mean_iterations
from sklearn_meta.evaluation._records import Candidate, Evaluation, Status
from sklearn_meta.exceptions import NoCandidateError, SearchInterruptedWarning
from sklearn_meta.parallel._imports import can_import
from sklearn_meta.parallel._in_process import InProcessPool
from sklearn_meta.parallel._pickled import UnpicklingError, loads
from sklearn_meta.pipelines._tree import X
from sklearn_meta.timing._refits import refit_seconds

# Choosing the combination may take this share of the time left; fits take the rest.
COMBINE_SHARE_OF_REST = 0.3

# After Ctrl-C, fitting the final model may take this long.
SECONDS_AFTER_INTERRUPT = 3.0


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
    stop_reason : str
        Why the search ended.
    """

    members: tuple[Member, ...]
    combination: Combination
    best: Member
    refit_seconds: float = 0.0
    stop_reason: str = ""

    @property
    def weights(self) -> dict[int, float]:
        """Share of each member in the final model, by the number of its evaluation."""
        shares = self.combination.shares
        return {
            member.evaluation.number: float(share)
            for member, share in zip(self.members, shares, strict=True)
        }

    @property
    def best_score(self) -> float:
        """Mean cross-validated score of the best single candidate; NaN without any."""
        best = self.best.evaluation
        is_zero_shot = best.status is Status.OK and not best.folds
        return float("nan") if is_zero_shot else best.score


def combine_search(result, plan, pool, *, ensemble_size) -> FinalModel:
    """Combine what a search has found, and fit it.

    Parameters
    ----------
    result : SearchResult
    plan : Plan
    pool : Pool
    ensemble_size : int
        Largest number of members.

    Returns
    -------
    model : FinalModel
        A constant predictor, with a warning, if no candidate was finished in time.

    Raises
    ------
    NoCandidateError
        If candidates failed for other reasons than time.
    KeyboardInterrupt
        If the search was interrupted before anything could be used.
    """
    history, reason, interrupted = (
        result.history,
        result.stop_reason,
        result.interrupted,
    )
    try:
        final = _combine_within(plan, history, pool, ensemble_size, interrupted)
    except KeyboardInterrupt:
        # Again, with what little time is left and without the workers, which may still
        # be busy with the first try.
        reason, interrupted = "interrupted", True
        final = _combine_within(
            plan, history, in_process_pool(plan), ensemble_size, interrupted
        )
    if final is None:
        if interrupted:
            raise KeyboardInterrupt
        return replace(without_candidate(history, plan), stop_reason=reason)
    if interrupted:
        warn(
            f"Interrupted after {len(history)} evaluations: the model is made of what "
            "had been found by then.",
            SearchInterruptedWarning,
        )
    return replace(final, stop_reason=reason)


def in_process_pool(plan) -> InProcessPool:
    """Return a pool of this process for the tasks of a plan."""
    return InProcessPool(state=plan.context, clock=plan.budget.clock)


def _combine_within(plan, history, pool, ensemble_size, interrupted):
    """Build the final model in the time left, which is little after an interrupt."""
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
    """Choose, combine and fit the final model within what is left of the budget.

    Parameters
    ----------
    history : History
    context : EvaluationContext
    ensemble_size : int
    pool : Pool
    budget : Budget
    memory_limit : int or None, default=None
        Bytes that one fit may use; None for no limit.
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
    for evaluation in sorted(with_model, key=lambda e: -e.screening[0].score):
        if models := _load_all([evaluation.screening[0].model]):
            member = Member(evaluation, models)
            return FinalModel((member,), Combination.single(0), member)
    return None


def _quickest(evaluations, context, budget):
    """Fit the candidate that is fitted soonest, though the time is over.

    The last resort on a machine that was much busier in the end than before: a fit of
    a moment too much is better than all the work lost.
    """
    for evaluation in sorted(evaluations, key=lambda e: refit_seconds(e, context)):
        pool = InProcessPool(state=context, clock=budget.clock)
        refits = Refits(context, pool, replace(budget, seconds=np.inf))
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
    """Return the fitted member of a candidate, or None."""
    model = refits.model(evaluation)
    models = (model,) if model is not None else _load_all(fold_models(evaluation))
    return Member(evaluation, models, mean_iterations(evaluation)) if models else None


def _load_all(pickled):
    """Load pickled models; one that cannot be loaded costs them all."""
    try:
        return tuple(loads(data) for data in pickled)
    except UnpicklingError:
        return ()


def without_candidate(history, plan) -> FinalModel:
    """Return the constant predictor, with a warning, where time was the reason.

    Parameters
    ----------
    history : History
    plan : Plan

    Returns
    -------
    model : FinalModel

    Raises
    ------
    NoCandidateError
        If half of the candidates or more failed for other reasons.
    """
    check_candidates(history)
    warn(
        f"No candidate was finished within the time budget of "
        f"{plan.budget.seconds:g} s: the model predicts a constant. Raise time_budget."
    )
    return constant_model(plan.context.dataset, len(history))


def check_candidates(history):
    """Raise if candidates failed for other reasons than time.

    Raises
    ------
    NoCandidateError
        If half of them or more did.
    """
    failures = (Status.FAILED, Status.MEMORY, Status.CRASHED)
    causes = Counter((e.status, e.reason) for e in history if e.status in failures)
    if causes.total() >= max(1, len(history) / 2):
        text = ", ".join(
            f"{count} × {reason or status}"
            for (status, reason), count in causes.most_common(5)
        )
        raise NoCandidateError(
            f"None of the {len(history)} candidates could be fitted: {text}."
        )


def constant_model(dataset, number) -> FinalModel:
    """Return the model that predicts a constant, as evaluation `number`."""
    dummy = DummyClassifier() if dataset.task.is_classifier else DummyRegressor()
    model = Pipeline([("dummy", dummy)]).fit(
        np.zeros((dataset.n_samples, 1)), dataset.task.decode(dataset.y)
    )
    candidate = Candidate(X, "dummy", "fallback")
    member = Member(Evaluation(number, candidate, Status.TIMEOUT), (model,))
    return FinalModel((member,), Combination.single(0), member)
