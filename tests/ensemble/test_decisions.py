"""Decisions between classes, tuned on out-of-fold probabilities."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import (
    balanced_accuracy_score,
    f1_score,
    recall_score,
)

from sklearn_meta.ensemble._decisions import (
    N_QUICK,
    decide,
    quick_decision,
    tune_decision,
    untuned_decision,
)
from tests.ensemble.candidates import softmax, some_labels


def rare_class(rng, n=2_000, offset=-3.5):
    """Calibrated probabilities of a class of about one row in fifteen."""
    positive = expit(1.5 * rng.normal(size=n) + offset)
    y = (rng.uniform(size=n) < positive).astype(int)
    return np.column_stack([1 - positive, positive]), y


def some_classes(rng, n=2_000, offsets=(2.0, 0.0, -0.5)):
    """Calibrated probabilities of classes of different frequencies."""
    p = softmax(1.2 * rng.normal(size=(n, len(offsets))) + np.array(offsets))
    return p, np.array([rng.choice(len(offsets), p=row) for row in p])


def of_labels(metric, y, **kwargs):
    """Return a score that decides for the most probable class or labels."""

    def score(predictions, rows):
        hard = predictions > 0.5 if y.ndim == 2 else np.argmax(predictions, axis=1)
        return metric(y[rows], hard, **kwargs)

    return score


def folds_of(y, n_folds=5):
    return np.array_split(np.random.default_rng(0).permutation(len(y)), n_folds)


def tuned(p, y, score, n_folds=5, **kwargs):
    return tune_decision(p, y, score=score, folds=folds_of(y, n_folds), **kwargs)


@pytest.mark.parametrize("n_folds", [1, 5])
@pytest.mark.parametrize("metric", [f1_score, balanced_accuracy_score])
def test_a_threshold_helps_on_new_rows(rng, metric, n_folds):
    p, y = rare_class(rng)
    threshold = tuned(p, y, of_labels(metric, y), n_folds)
    assert isinstance(threshold, float) and 0 < threshold < 0.4
    new_p, new_y = rare_class(rng)
    gain = metric(new_y, decide(new_p, threshold)) - metric(new_y, decide(new_p))
    assert gain > 0.05


def test_a_cost_finds_its_threshold(rng):
    p, y = rare_class(rng, n=6_000)

    def cost(y, hard):
        return -np.mean(19 * (y > hard) + (y < hard))

    # For calibrated probabilities, the best threshold is 1 / (1 + 19).
    assert 0.02 < tuned(p, y, of_labels(cost, y)) < 0.1


@pytest.mark.parametrize("metric", ["f1_macro", "balanced_accuracy"])
def test_offsets_of_several_classes_favor_rare_ones(rng, metric):
    p, y = some_classes(rng)

    def value(y, hard):
        if metric == "f1_macro":
            return f1_score(y, hard, average="macro")
        return balanced_accuracy_score(y, hard)

    offsets = tuned(p, y, of_labels(value, y))
    assert offsets.shape == (3,) and offsets.sum() == pytest.approx(0)
    assert offsets[0] < offsets[1:].min()
    new_p, new_y = some_classes(rng)
    assert value(new_y, decide(new_p, offsets)) > value(new_y, decide(new_p)) + 0.01


def test_a_cost_of_one_class_moves_the_offset_of_that_class(rng):
    # What no power of the frequencies describes: the second class must not be missed.
    p, y = some_classes(rng, offsets=(0.0, 0.0, 0.0))

    def cost(y, hard):
        return -np.mean(np.where(y == 1, 10, 1) * (y != hard))

    offsets = tuned(p, y, of_labels(cost, y))
    assert offsets[1] > max(offsets[0], offsets[2]) + 0.5


def test_each_label_has_its_threshold(rng):
    p, y = some_labels(rng)
    score = of_labels(f1_score, y, average="macro", zero_division=0)
    thresholds = tuned(p, y, score)
    assert thresholds.shape == (3,)
    assert thresholds[1:].max() < 0.4
    assert thresholds[0] == pytest.approx(0.4, abs=0.2)


def test_accuracy_of_calibrated_probabilities_keeps_the_most_probable_class(rng):
    p, y = some_classes(rng, offsets=(0.0, 0.0))

    def accuracy(y, hard):
        return np.mean(y == hard)

    threshold = tuned(p, y, of_labels(accuracy, y))
    assert threshold is None or threshold == pytest.approx(0.5, abs=0.15)


def test_what_helps_on_chosen_folds_only_is_not_kept(rng):
    kept = 0
    for _ in range(10):
        p = rng.dirichlet(np.ones(2), size=300)
        y = rng.integers(2, size=300)
        # There is nothing to gain: each decision is right in half of the rows.
        kept += tuned(p, y, of_labels(balanced_accuracy_score, y)) is not None
    assert kept < 6


def test_a_constant_prediction_has_no_decision(rng):
    y = (rng.uniform(size=200) < 0.1).astype(int)
    p = np.tile([0.9, 0.1], (200, 1))
    assert tuned(p, y, of_labels(f1_score, y, zero_division=0)) is None


@pytest.mark.parametrize("failing", ["some", "all"])
def test_folds_on_which_the_metric_is_undefined_are_left_out(rng, failing):
    p, y = rare_class(rng)
    folds = folds_of(y)

    def score(predictions, rows):
        if failing == "all" or rows is folds[0]:
            raise ValueError("Undefined.")
        return f1_score(y[rows], np.argmax(predictions, axis=1))

    threshold = tune_decision(p, y, score=score, folds=folds)
    assert threshold is None if failing == "all" else 0 < threshold < 0.4


@pytest.mark.parametrize("n_calls, is_tuned", [(3, False), (150, True), (1e6, True)])
def test_scores_are_computed_until_the_deadline_only(rng, n_calls, is_tuned):
    p, y = rare_class(rng)
    now = [0.0]

    def slow(predictions, rows):
        now[0] += 1.0
        return f1_score(y[rows], np.argmax(predictions, axis=1))

    threshold = tuned(p, y, slow, deadline=n_calls, clock=lambda: now[0])
    assert now[0] <= n_calls
    assert (threshold is not None) == is_tuned


@pytest.mark.parametrize("make", [rare_class, some_classes, some_labels])
def test_a_metric_is_called_some_hundred_times_at_most_per_fold(rng, make):
    p, y = make(rng, n=400)
    counts = []

    def score(predictions, rows):
        counts.append(len(rows))
        hard = predictions > 0.5 if y.ndim == 2 else np.argmax(predictions, axis=1)
        return recall_score(y[rows], hard, average="macro", zero_division=0)

    tuned(p, y, score)
    assert len(counts) < 5 * 130


@pytest.mark.parametrize(
    "classes, decision",
    [
        (np.array(["a", "b"]), 0.5),
        (np.arange(3), np.zeros(3)),
        ([np.arange(2)] * 4, np.full(4, 0.5)),
    ],
)
def test_the_untuned_decision_is_the_most_probable_class(rng, classes, decision):
    np.testing.assert_array_equal(untuned_decision(classes), decision)
    if not isinstance(classes, list):
        p = rng.dirichlet(np.ones(len(classes)), size=50)
        np.testing.assert_array_equal(decide(p, decision), decide(p))


def test_offsets_are_finite_where_a_probability_is_zero():
    p = np.array([[0.0, 0.6, 0.4], [1.0, 0.0, 0.0]])
    np.testing.assert_array_equal(decide(p, np.array([9.0, -1.0, 0.0])), [2, 0])


@pytest.mark.parametrize("kind", ["two classes", "classes", "labels"])
def test_a_quick_decision_gains_on_other_rows(rng, kind):
    make = {"two classes": rare_class, "classes": some_classes, "labels": some_labels}
    p, y = make[kind](rng)
    average = {"average": "binary" if kind == "two classes" else "macro"}
    some = rng.integers(0, len(y), size=len(y))  # with repetitions
    seen = []

    def score(predictions, rows):
        seen.append(rows)
        return of_labels(f1_score, y, **average)(predictions, rows)

    decide_quickly = quick_decision(p[some], y[some], score, some)
    assert all(rows is some for rows in seen) and len(seen) <= N_QUICK + 1
    others = np.setdiff1d(np.arange(len(y)), some)
    hard = decide_quickly(p[others])
    assert np.isin(hard, (0, 1)).all()
    untuned = of_labels(f1_score, y, **average)(p[others], others)
    assert of_labels(f1_score, y, **average)(hard, others) > untuned + 0.01


def test_a_quick_decision_that_helps_nothing_is_the_most_probable_class(rng):
    p, y = rare_class(rng, n=50)
    decide_quickly = quick_decision(p, y, lambda predictions, rows: 1.0, np.arange(50))
    np.testing.assert_array_equal(decide_quickly(p), np.eye(2)[p.argmax(axis=1)])
