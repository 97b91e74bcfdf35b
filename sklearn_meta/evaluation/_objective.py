"""Objective by which candidates are compared where the metric does not serve.

A metric of labels (F1, balanced accuracy, a cost) depends on the decision as much as on
the probabilities: at one positive in twenty rows, the F1 of the most probable class is
zero for most candidates. The decision is tuned at the end, and the best decision needs
the best probabilities. Candidates are therefore compared by the log loss, a proper
scoring rule. Accuracy is not such a metric, as the most probable class is its best
decision.

With few rows outside of the largest class, any metric that only they enter varies by
chance, and the best of many candidates is the luckiest one. On ten tables of 12 to 30
positives, the best of 12 to 51 candidates by five folds lost, of the AUC on new rows
compared with the best one there, 0.017 in the mean and 0.094 at most by the average
precision, 0.009 and 0.039 by the AUC, and 0.005 and 0.014 by the log loss.
"""

from __future__ import annotations

import numpy as np

from sklearn_meta._sklearn_compat import response_methods
from sklearn_meta._warnings import ignored_warnings
from sklearn_meta.evaluation._cross_validation import lacks_rare_rows, subsample
from sklearn_meta.evaluation._scoring import FastScoring

# Number of rows on which a callable is tried.
TRIAL_ROWS = 500


def objective_of(context) -> FastScoring | None:
    """Return the objective of a search, if it is not the metric itself.

    Parameters
    ----------
    context : EvaluationContext
        With the user's metric, and whether it judges labels.

    Returns
    -------
    objective : FastScoring or None
        The log loss for a metric that judges labels of classes, and for any metric of
        classes if there are too few rows outside of the largest one; else None.
    """
    task = context.dataset.task
    default = FastScoring(task.default_scoring)
    if not task.is_classifier or context.scoring == default:
        return None
    is_needed = context.judges_labels or lacks_rare_rows(context.dataset)
    return default if is_needed else None


def judges_labels(context) -> bool:
    """Whether the metric of classes judges labels, not probabilities.

    Parameters
    ----------
    context : EvaluationContext

    Returns
    -------
    judges : bool
        False for accuracy of one label, and for a metric that is undefined.
    """
    scoring, dataset = context.scoring, context.dataset
    if isinstance(scoring, FastScoring) or not dataset.task.is_classifier:
        return False
    methods = response_methods(scoring.scorer)
    if methods is not None:
        return methods == ("predict",)
    everything, rng = np.arange(dataset.n_samples), np.random.default_rng(0)
    rows = subsample(dataset, everything, TRIAL_ROWS, rng)

    def score(predictions):
        return context.score(predictions, rows)

    return depends_on_labels(score, dataset.y[rows], dataset.task)


def depends_on_labels(score, y, task) -> bool:
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
    depends : bool
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
        with ignored_warnings():
            return bool(np.isclose(score(probabilities), score(labels), rtol=1e-9))
    except (Exception, SystemExit):
        # What a scorer cannot do is said elsewhere.
        return False
