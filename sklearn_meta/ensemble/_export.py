"""Export the final model as scikit-learn estimators and as arguments of a source."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
from sklearn.pipeline import Pipeline

from sklearn_meta.data._task import EXTRAPOLATION, MultilabelTask
from sklearn_meta.ensemble._weighted_ensemble import (
    WeightedEnsembleClassifier,
    WeightedEnsembleRegressor,
    _WeightedEnsembleMultilabel,
)
from sklearn_meta.evaluation._fit_and_score import (
    candidate_seed,
    schema_of_rows_to_come,
)
from sklearn_meta.evaluation._records import Status

# Packages whose versions are named in the source.
PACKAGES = ("lightgbm", "numpy", "scikit-learn")


def ensemble_of(final, dataset, extrapolation=EXTRAPOLATION):
    """Return the final model as an estimator on the encoded table.

    Parameters
    ----------
    final : FinalModel
    dataset : Dataset
    extrapolation : float, default=EXTRAPOLATION
        See `RegressionTask.limits`.

    Returns
    -------
    ensemble : estimator
        `WeightedEnsembleClassifier`, `WeightedEnsembleRegressor` or, for several
        labels, `_WeightedEnsembleMultilabel`.
    """
    members = [m.models[0] if len(m.models) == 1 else m.models for m in final.members]
    task = dataset.task
    if isinstance(task, MultilabelTask):
        return _WeightedEnsembleMultilabel(
            members, final.combination, task.n_outputs, task.dtype, final.decision
        )
    if task.is_classifier:
        return WeightedEnsembleClassifier(
            members, final.combination, task.classes, final.decision
        )
    limits = task.limits(dataset.y, extrapolation)
    return WeightedEnsembleRegressor(members, final.combination, limits, task.lowest)


def best_estimator(final, ensemble, dataset, encoder):
    """Return the best single candidate as a pipeline on the raw table.

    Parameters
    ----------
    final : FinalModel
    ensemble : estimator
        Ensemble returned by `ensemble_of`.
    dataset : Dataset
    encoder : transformer or None
        Fitted transformer from the raw table to the encoded one; None if they are the
        same.

    Returns
    -------
    pipeline : sklearn.pipeline.Pipeline
        With fold models, its last step is their `VotingClassifier` or
        `VotingRegressor`; for several outputs, the steps are those of the first fold
        model.
    """
    steps = [] if encoder is None else [("encode", encoder)]
    models, task = final.best.models, dataset.task
    # scikit-learn's voting estimators do not support several outputs.
    if task.n_outputs > 1 or (len(models) == 1 and _predicts_labels(models[0], task)):
        return Pipeline([*steps, *models[0].steps])
    return Pipeline([*steps, ("vote", ensemble.vote_of(models))])


def _predicts_labels(model, task):
    """Whether a model predicts labels; that of a fold predicts indices into them."""
    if not task.is_classifier:
        return True
    of_model = np.asarray(model.classes_)
    if (of_model.dtype.kind == "b") != (task.classes.dtype.kind == "b"):
        return False
    return np.array_equal(of_model, task.classes)


def source_arguments(final, context, encoding):
    """Return what the source of a final model is written from, see `source_of`.

    These are the arguments of `to_source` for the best single candidate, with the name
    of the task and the loss instead of the catalog, which is large and therefore not
    stored in fitted estimators; and of each member what differs from them.

    Parameters
    ----------
    final : FinalModel
    context : EvaluationContext
    encoding : Encoding

    Returns
    -------
    arguments : dict or None
        None if the final model is the constant predictor, which is not a pipeline of
        the search space.
    """
    best = final.best.evaluation
    if best.status is not Status.OK and not best.folds:
        return None
    task = context.dataset.task
    tree, random_state, iterations = _of_member(final.best, context)
    members = tuple(_of_member(member, context) for member in final.members)
    return {
        "tree": tree,
        "schema": schema_of_rows_to_come(encoding.schema),
        "task": task.name,
        "loss": task.loss,
        "n_classes": task.n_classes,
        "n_outputs": task.n_outputs,
        "target_scaler": task.target_scaler,
        "random_state": random_state,
        "iterations": iterations,
        "encoder": encoding.encoder,
        "least": task.least,
        "members": members,
        "weighted": context.dataset.sample_weight is not None,
        "versions": {name: version(name) for name in PACKAGES},
    }


def _of_member(member, context):
    """Return tree, seed and number of boosting rounds of a member."""
    candidate = member.evaluation.candidate
    seed = candidate_seed(context.seed, candidate.text)
    return candidate.tree, seed, member.iterations
