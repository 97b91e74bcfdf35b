"""Objective by which candidates are compared where the metric judges labels.

A metric of labels (F1, balanced accuracy, a cost) depends on the decision as much as on
the probabilities: at one positive in twenty rows, the F1 of the most probable class is
zero for most candidates. The decision is tuned at the end, and the best decision needs
the best probabilities. Candidates are therefore compared by the log loss, a proper
scoring rule. Accuracy is not such a metric, as the most probable class is its best
decision.
"""

from __future__ import annotations

import warnings

import numpy as np

from sklearn_meta._sklearn_compat import response_methods
from sklearn_meta.evaluation._cross_validation import subsample
from sklearn_meta.evaluation._scoring import FastScoring

# Number of rows on which a callable is tried.
TRIAL_ROWS = 500


def objective_of(context) -> FastScoring | None:
    """Return the objective of a search, if it is not the metric itself.

    Parameters
    ----------
    context : EvaluationContext
        With the user's metric; its stages are not used.

    Returns
    -------
    objective : FastScoring or None
        The log loss for a metric that judges labels of classes; None for others.
    """
    scoring, dataset = context.scoring, context.dataset
    task = dataset.task
    if not task.is_classifier or isinstance(scoring, FastScoring):
        return None
    methods = response_methods(scoring.scorer)
    if methods is None:
        rows = subsample(
            dataset,
            np.arange(dataset.n_samples),
            TRIAL_ROWS,
            np.random.default_rng(0),
        )
        judges = judges_labels(
            lambda predictions: context.score(predictions, rows), dataset.y[rows], task
        )
    else:
        judges = methods == ("predict",)
    return FastScoring(task.default_scoring) if judges else None


def judges_labels(score, y, task) -> bool:
    """Whether a score of probabilities depends on the most probable labels only.

    Parameters
    ----------
    score : callable
        ``score(predictions) -> float``.
    y : ndarray of int of shape (n_samples,) or (n_samples, n_labels)
        Indices of the true classes, or indicators of several labels.
    task : ClassificationTask or MultilabelTask

    Returns
    -------
    judges : bool
        False if the score is undefined.
    """
    rng = np.random.default_rng(0)
    if y.ndim == 1:
        truth = np.eye(task.n_classes)[y]
        probabilities = 0.2 * truth + 0.8 * rng.dirichlet(
            np.ones(task.n_classes), len(y)
        )
        labels = np.eye(task.n_classes)[np.argmax(probabilities, axis=1)]
    else:
        probabilities = 0.2 * y + 0.8 * rng.uniform(size=y.shape)
        labels = (probabilities > 0.5).astype(np.float64)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return bool(np.isclose(score(probabilities), score(labels), rtol=1e-9))
    except Exception:
        # What a scorer cannot do is said elsewhere.
        return False
