"""Fallbacks of the final model: models of subsamples, a late fit, a constant."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.pipeline import Pipeline

from sklearn_meta._warnings import warn
from sklearn_meta.ensemble._combination import Combination
from sklearn_meta.ensemble._members import (
    FinalModel,
    Member,
    fitted_member,
    load_models,
)
from sklearn_meta.ensemble._refits import Refits
from sklearn_meta.evaluation._places import NOT_SAFE
from sklearn_meta.evaluation._records import Candidate, Evaluation, Status
from sklearn_meta.exceptions import NoCandidateError
from sklearn_meta.parallel._local_pool import this_process_only
from sklearn_meta.pipelines._tree import X
from sklearn_meta.timing._refits import refit_seconds


def screening_model(history):
    """Return the best model that was fitted on a subsample of the rows.

    Parameters
    ----------
    history : History

    Returns
    -------
    model : FinalModel or None
        None if no screening model can be loaded.
    """
    with_model = [e for e in history if any(f.model is not None for f in e.screening)]
    for evaluation in sorted(with_model, key=lambda e: -e.screening[0].score):
        if models := load_models([evaluation.screening[0].model]):
            member = Member(evaluation, models)
            return FinalModel((member,), Combination.single(0), member)
    return None


def fastest_model(evaluations, refits):
    """Fit the candidate with the shortest predicted time, even beyond the budget.

    This is the last resort if the machine has become much slower during the search:
    exceeding the budget by a short fit is better than returning no model. It is fitted
    in this process, unless it has hung or crashed in a worker.

    Parameters
    ----------
    evaluations : sequence of Evaluation
    refits : Refits
        The earlier fits.

    Returns
    -------
    model : FinalModel or None
        None if no candidate can be fitted.
    """
    context, budget = refits.context, replace(refits.budget, seconds=np.inf)
    for evaluation in sorted(evaluations, key=lambda e: refit_seconds(e, context)):
        pool = this_process_only(refits.pool, context)
        late = Refits(context, pool, budget, may_fit=refits.may_fit)
        late.run([evaluation])
        member = fitted_member(evaluation, late)
        if member is not None:
            return FinalModel((member,), Combination.single(0), member, late.seconds)
    return None


def without_candidate(history, plan) -> FinalModel:
    """Return a constant predictor, with a warning that says why.

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
        If at least half of the candidates failed for other reasons than time.
    """
    check_candidates(history)
    if n_finished := len(history.finished()):
        warn(
            f"None of the {n_finished} candidates that were finished could be fitted "
            "on all rows and loaded, within the time budget and what the system "
            "allows: the model predicts a constant. Raise time_budget, and the limits "
            "on processes, open files and memory."
        )
    else:
        warn(
            f"No candidate was finished within the time budget of "
            f"{plan.budget.seconds:g} s: the model predicts a constant. Raise "
            "time_budget."
        )
    return constant_model(plan.context.dataset, len(history))


def check_candidates(history):
    """Raise an error if candidates failed for other reasons than time.

    Parameters
    ----------
    history : History

    Raises
    ------
    NoCandidateError
        If at least half of the candidates did. The message counts the most frequent
        causes.
    """
    failures = (Status.FAILED, Status.MEMORY, Status.CRASHED)
    causes = Counter(
        (e.status, e.reason)
        for e in history
        if e.status in failures or e.reason == NOT_SAFE
    )
    if causes.total() >= max(1, len(history) / 2):
        text = ", ".join(
            f"{count} × {reason or status}"
            for (status, reason), count in causes.most_common(5)
        )
        raise NoCandidateError(
            f"None of the {len(history)} candidates could be fitted: {text}. Check X, "
            "y, scoring and the search space against these causes."
        )


def constant_model(dataset, number) -> FinalModel:
    """Return a model that predicts the most frequent class, or the best number.

    That is the mean target, or the constant with the smallest loss.

    Parameters
    ----------
    dataset : Dataset
    number : int
        Number of the evaluation that is recorded for the model.

    Returns
    -------
    model : FinalModel
    """
    dummy = DummyClassifier() if dataset.task.is_classifier else _dummy(dataset)
    model = Pipeline([("dummy", dummy)]).fit(
        np.zeros((dataset.n_samples, 1)), dataset.task.decode(dataset.y)
    )
    candidate = Candidate(X, "dummy", "fallback")
    member = Member(Evaluation(number, candidate, Status.TIMEOUT), (model,))
    return FinalModel((member,), Combination.single(0), member)


def _dummy(dataset):
    """Return the regressor that predicts the constant with the smallest loss."""
    loss = dataset.task.loss
    if loss is None:
        return DummyRegressor()
    y = dataset.y if dataset.y.ndim == 2 else dataset.y[:, None]
    constant = [loss.constant(column) for column in y.T]
    return DummyRegressor(strategy="constant", constant=constant)
