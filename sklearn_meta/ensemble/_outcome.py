"""What a run gives: the final model, the history, and where the seconds went."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.pipeline import Pipeline

from sklearn_meta.data._task import MultilabelTask
from sklearn_meta.ensemble import (
    Combination,
    WeightedEnsembleClassifier,
    WeightedEnsembleRegressor,
)
from sklearn_meta.ensemble._estimators import _WeightedEnsembleMultilabel
from sklearn_meta.ensemble._final_model import FinalModel, Member
from sklearn_meta.evaluation._fit_and_score import (
    EvaluationContext,
    candidate_seed,
    schema_of_rows_to_come,
)
from sklearn_meta.evaluation._records import GIVEN_UP, Candidate, Evaluation, Status
from sklearn_meta.exceptions import NoCandidateError
from sklearn_meta.pipelines._tree import X

# Statuses of evaluations in which no seconds were lost.
NOT_CUT_SHORT = (Status.OK, *GIVEN_UP, Status.SKIPPED)


@dataclass(frozen=True)
class Outcome:
    """What a run gives.

    Parameters
    ----------
    history : tuple of Evaluation
        Without predictions, models and trees.
    best : Evaluation
        The best single candidate.
    final : FinalModel
    ensemble : WeightedEnsembleClassifier or -Regressor, or the one of several labels
    n_splits : int
    stop_reason : str
    time_report : dict of str to float
    context : EvaluationContext
    """

    history: tuple[Evaluation, ...]
    best: Evaluation
    final: FinalModel
    ensemble: object
    n_splits: int
    stop_reason: str
    time_report: dict
    context: EvaluationContext

    @property
    def best_score(self):
        """Mean cross-validated score of the best single candidate; NaN without any."""
        is_zero_shot = self.best.status is Status.OK and not self.best.folds
        return float("nan") if is_zero_shot else self.best.score

    @property
    def ensemble_weights(self):
        """Share of each member in the final model, by the number of its evaluation."""
        shares = self.final.combination.shares
        return {
            member.evaluation.number: float(share)
            for member, share in zip(self.final.members, shares, strict=True)
        }

    def source_arguments(self, encoding):
        """Return what `to_source` needs for the best single pipeline.

        The name of the task takes the place of the catalog, which is large and in no
        fitted model. None if no
        candidate was finished: the constant predictor is no pipeline of the search.
        """
        if self.best.status is not Status.OK and not self.best.folds:
            return None
        candidate, task = self.best.candidate, self.context.dataset.task
        return {
            "tree": candidate.tree,
            "schema": schema_of_rows_to_come(encoding.schema),
            "task": task.name,
            "n_classes": task.n_classes,
            "n_outputs": task.n_outputs,
            "random_state": candidate_seed(self.context.seed, candidate.text),
            "iterations": self.final.best.iterations,
            "encoder": encoding.encoder,
        }

    def best_estimator(self, encoder):
        """Return the best single pipeline, from raw table to prediction."""
        steps = [] if encoder is None else [("encode", encoder)]
        models = self.final.best.models
        # scikit-learn has no vote of models of several outputs: then it is the first.
        if len(models) == 1 or self.context.dataset.task.n_outputs > 1:
            return Pipeline([*steps, *models[0].steps])
        return Pipeline([*steps, ("vote", self.ensemble.vote_of(models))])


def ensemble_of(final, dataset):
    """Return the final model as an estimator of the encoded table."""
    members = [m.models[0] if len(m.models) == 1 else m.models for m in final.members]
    task = dataset.task
    if isinstance(task, MultilabelTask):
        return _WeightedEnsembleMultilabel(
            members, final.combination, task.n_outputs, task.dtype
        )
    if task.is_classifier:
        return WeightedEnsembleClassifier(members, final.combination, task.classes)
    return WeightedEnsembleRegressor(members, final.combination, task.limits(dataset.y))


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


def seconds_in_candidates(history):
    """Return the workers' seconds inside candidates.

    Returns
    -------
    finished, cut_short : float
        Of all workers together: of finished fits and predictions, and of what was cut
        short (killed at a deadline, crashed, or raised).
    """
    finished = cut_short = 0.0
    for evaluation in history:
        results = (*evaluation.folds, *evaluation.screening)
        inside = sum(r.fit_seconds + r.predict_seconds for r in results)
        finished += inside
        if evaluation.status not in NOT_CUT_SHORT:
            cut_short += max(0.0, evaluation.seconds - inside)
    return finished, cut_short
