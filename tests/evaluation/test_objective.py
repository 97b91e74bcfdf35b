"""The objective that takes the place of a metric of labels."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, make_scorer, roc_auc_score

from sklearn_meta.data._dataset import Dataset
from sklearn_meta.data._task import (
    ClassificationTask,
    MultilabelTask,
    RegressionTask,
)
from sklearn_meta.evaluation._fit_and_score import EvaluationContext
from sklearn_meta.evaluation._objective import (
    depends_on_labels,
    judges_labels,
    objective_of,
)
from sklearn_meta.evaluation._scoring import FastScoring, make_scoring
from sklearn_meta.pipelines import Schema


def dataset(task, y):
    X = np.random.default_rng(0).normal(size=(len(y), 2))
    return Dataset(X, y, Schema(2), task)


TWO = dataset(ClassificationTask(np.array(["no", "yes"])), np.arange(60) % 2)
THREE = dataset(ClassificationTask(np.arange(3)), np.arange(60) % 3)
LABELS = dataset(
    MultilabelTask(2, np.dtype(int)),
    np.column_stack([np.arange(60) % k for k in (2, 2)]),
)
NUMBERS = dataset(RegressionTask(), np.arange(60.0))


def cost(estimator, X, y):
    """A metric of the user's own, of labels."""
    return -np.mean((estimator.predict(X) != y) * np.where(y == y[0], 5, 1))


def ranking(estimator, X, y):
    """A metric of the user's own, of probabilities."""
    return roc_auc_score(y, estimator.predict_proba(X)[:, 1])


def failing(estimator, X, y):
    raise RuntimeError("No.")


@pytest.mark.parametrize(
    "data, scoring, objective",
    [
        (TWO, None, None),
        (TWO, "accuracy", None),
        (TWO, "roc_auc", None),
        (TWO, "average_precision", None),
        (TWO, "neg_brier_score", None),
        (TWO, "balanced_accuracy", "neg_log_loss"),
        (TWO, "matthews_corrcoef", "neg_log_loss"),
        (TWO, make_scorer(f1_score, pos_label="yes"), "neg_log_loss"),
        (TWO, make_scorer(roc_auc_score, response_method="predict_proba"), None),
        (TWO, cost, "neg_log_loss"),
        (TWO, ranking, None),
        (TWO, failing, None),
        (THREE, "f1_macro", "neg_log_loss"),
        (THREE, "roc_auc_ovr", None),
        (LABELS, "f1_samples", "neg_binary_log_loss"),
        (LABELS, "roc_auc", None),
        (NUMBERS, "r2", None),
        (NUMBERS, "neg_mean_absolute_error", None),
    ],
)
def test_metrics_of_labels_have_a_proper_objective(data, scoring, objective):
    context = EvaluationContext(data, (), make_scoring(scoring, data.task))
    context = replace(context, judges_labels=judges_labels(context))
    found = objective_of(context)
    assert found == (None if objective is None else FastScoring(objective))


@pytest.mark.parametrize("data", [TWO, THREE, LABELS])
def test_a_score_of_probabilities_differs_from_that_of_labels(data):
    def accuracy(predictions):
        hard = predictions > 0.5 if data is LABELS else np.argmax(predictions, axis=1)
        return accuracy_score(data.y, hard)

    assert depends_on_labels(accuracy, data.y, data.task)
    assert not depends_on_labels(lambda p: float(np.mean(p**2)), data.y, data.task)


@pytest.mark.parametrize("n_rare, objective", [(99, "neg_log_loss"), (100, None)])
@pytest.mark.parametrize("scoring", ["average_precision", "roc_auc", ranking])
def test_metrics_of_few_positives_have_a_proper_objective(scoring, n_rare, objective):
    data = dataset(TWO.task, (np.arange(3_000) < n_rare).astype(int))
    made = make_scoring(scoring, data.task)
    context = EvaluationContext(data, (), made)
    found = objective_of(context)
    assert found == (None if objective is None else FastScoring(objective))
    # There is no decision to be tuned.
    assert not judges_labels(context)
    assert objective_of(replace(context, scoring=make_scoring(None, data.task))) is None


def test_few_rows_of_a_small_table_are_not_rare():
    data = dataset(TWO.task, (np.arange(400) < 60).astype(int))
    context = EvaluationContext(data, (), make_scoring("roc_auc", data.task))
    assert objective_of(context) is None
    rare = dataset(TWO.task, (np.arange(400) < 19).astype(int))
    assert objective_of(replace(context, dataset=rare)) == FastScoring("neg_log_loss")
