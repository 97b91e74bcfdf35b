"""Scores of held-back rows are those of scikit-learn's scorers."""

import numpy as np
import pytest
from sklearn.metrics import get_scorer

from sklearn_meta.evaluation._scoring import make_scoring
from sklearn_meta.inspection.report._held_out_score import (
    bootstrap_interval,
    score_of,
    score_of_rows,
)
from sklearn_meta.inspection.report._predicted import of_table, task_of


@pytest.mark.parametrize(
    ("name", "scoring"),
    [
        ("classes", "neg_log_loss"),
        ("classes", "roc_auc"),
        ("classes", "accuracy"),
        ("tuned", "f1_macro"),
        ("tuned", "balanced_accuracy"),
        ("number", "r2"),
        ("number", "neg_median_absolute_error"),
        ("numbers", "neg_root_mean_squared_error"),
        ("labels", "f1_micro"),
        ("labels", "roc_auc"),
    ],
)
def test_scores_are_those_of_the_scorer(cases, name, scoring):
    case = cases[name]
    predicted, _ = of_table(case.model, case.X, case.y)
    found = score_of(make_scoring(scoring, task_of(case.model)), predicted)
    expected = get_scorer(scoring)(case.model, case.X, case.y)
    assert found == pytest.approx(expected, rel=1e-6)


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution(rng):
    values = rng.normal(size=400)
    low, high = bootstrap_interval(lambda rows: values[rows].mean(), 400, 2000)
    width = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - width, abs=0.02)
    assert high == pytest.approx(values.mean() + width, abs=0.02)


def test_the_interval_is_the_same_every_time(rng):
    values = rng.normal(size=50)
    first, second = (
        bootstrap_interval(lambda rows: values[rows].mean(), 50, 60) for _ in range(2)
    )
    assert first == second


def test_where_most_samples_have_no_score_there_is_no_interval():
    def undefined(rows):
        raise ValueError("one class")

    assert np.isnan(bootstrap_interval(undefined, 10, 50)).all()
    assert np.isnan(bootstrap_interval(lambda rows: 1.0, 1, 50)).all()


def test_undefined_scores_are_said_without_values_of_the_table(cases):
    case = cases["classes"]
    rows = np.flatnonzero(np.asarray(case.y) == "yes")
    predicted, _ = of_table(case.model, case.X.iloc[rows], np.asarray(case.y)[rows])
    scoring = make_scoring("average_precision", task_of(case.model))

    def fail(*args, **kwargs):
        raise ValueError("yes is not no")

    object.__setattr__(scoring, "scorer", fail)
    found = score_of_rows(case.model, scoring, predicted)
    assert np.isnan(found.score)
    assert found.note == "the score is not defined for these rows (ValueError)"


def test_the_constant_is_that_of_fit(cases):
    case = cases["classes"]
    predicted, _ = of_table(case.model, case.X, case.y)
    found = score_of_rows(
        case.model, make_scoring(None, task_of(case.model)), predicted
    )
    shares = np.asarray(case.model._fit_record.guess)
    expected = np.log(shares[predicted.y]).mean()
    assert found.constant == pytest.approx(expected)
