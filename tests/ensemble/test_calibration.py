"""Calibration of a single candidate on its out-of-fold predictions."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import log_loss, roc_auc_score

from sklearn_meta.ensemble._calibration import MIN_ROWS, calibrated
from sklearn_meta.ensemble._choose_combination import Choice
from sklearn_meta.ensemble._combination import Combination
from sklearn_meta.ensemble._fold_scores import OutOfTimeError
from tests.contract.small import Favorites, classifier
from tests.ensemble.candidates import softmax


def sampled(rng, n=1_500, n_classes=3, temperature=3.0):
    """Probabilities that are too sure of themselves, and classes."""
    logits = 1.5 * rng.normal(size=(n, n_classes))
    y = np.array([rng.choice(n_classes, p=row) for row in softmax(logits)])
    return softmax(temperature * logits), y


def alone(n, n_folds=5, members=None):
    folds = tuple(np.array_split(np.random.default_rng(0).permutation(n), n_folds))
    members = members or [0] * n_folds
    return Choice(
        Combination.single(0), folds, tuple(Combination.single(m) for m in members)
    )


def is_calibrated(choice):
    kinds = {c.kind for c in (choice.combination, *choice.elsewhere)}
    assert len(kinds) == 1
    return kinds == {"stack"}


@pytest.mark.parametrize("n_classes", [2, 3, 6])
@pytest.mark.parametrize("temperature", [0.4, 3.0])
def test_probabilities_of_new_rows_become_better(rng, n_classes, temperature):
    kwargs = {"n_classes": n_classes, "temperature": temperature}
    p, y = sampled(rng, **kwargs)
    choice = calibrated(alone(len(y)), [p], y)
    assert is_calibrated(choice)
    (weight,) = choice.combination.weights
    assert weight == pytest.approx(1 / temperature, rel=0.25)
    new_p, new_y = sampled(rng, **kwargs)
    better = log_loss(new_y, choice.combination.apply([new_p]))
    assert better < log_loss(new_y, new_p) - 0.01


def test_frequencies_of_classes_are_corrected(rng):
    p, y = sampled(rng, temperature=1.0)
    shifted = p * np.array([4.0, 1.0, 0.5])
    shifted /= shifted.sum(axis=1, keepdims=True)
    choice = calibrated(alone(len(y)), [shifted], y)
    found = choice.combination.apply([shifted])
    frequencies = np.bincount(y) / len(y)
    np.testing.assert_allclose(found.mean(axis=0), frequencies, atol=0.02)


def test_each_fold_is_calibrated_on_the_other_folds(rng):
    p, y = sampled(rng)
    choice = calibrated(alone(len(y)), [p], y)
    changed = y.copy()
    fold = choice.folds[0]
    changed[fold] = (y[fold] + 1) % 3
    again = calibrated(alone(len(y)), [p], changed)
    np.testing.assert_array_equal(
        again.elsewhere[0].weights, choice.elsewhere[0].weights
    )
    assert (again.elsewhere[1].weights != choice.elsewhere[1].weights).all()


def test_folds_may_have_candidates_of_their_own(rng):
    p, y = sampled(rng)
    softer = softmax(0.5 * np.log(p))
    choice = calibrated(alone(len(y), members=[0, 1, 0, 0, 0]), [p, softer], y)
    assert choice.elsewhere[1].members == (1,)
    assert choice.elsewhere[1].weights > 1.5 * choice.elsewhere[0].weights


def test_what_is_calibrated_already_stays_the_same(rng):
    kept = 0
    for _ in range(10):
        p, y = sampled(rng, n=600, temperature=1.0)
        kept += is_calibrated(calibrated(alone(len(y)), [p], y))
    assert kept <= 3


@pytest.mark.parametrize(
    "change",
    [
        {"n": MIN_ROWS - 1},
        {"n": 250, "n_classes": 26},
    ],
)
def test_few_rows_are_not_enough(rng, change):
    p, y = sampled(rng, **change)
    choice = alone(len(y))
    assert calibrated(choice, [p], y) is choice


def test_combinations_of_several_candidates_are_left_alone(rng):
    p, y = sampled(rng)
    average = Combination("average", (0, 1), [0.5, 0.5])
    choice = Choice(average, alone(len(y)).folds, (average,) * 5)
    assert calibrated(choice, [p, p], y) is choice


def test_rows_are_weighted(rng):
    p, y = sampled(rng)
    weight = np.where(rng.uniform(size=len(y)) < 0.5, 1e-6, 1.0)
    # Rows without weight say the opposite.
    wrong = np.where(weight < 1, (y + 1) % 3, y)
    choice = calibrated(alone(len(y)), [p], wrong, sample_weight=weight)
    (weight,) = choice.combination.weights
    assert weight == pytest.approx(1 / 3, rel=0.25)
    assert not is_calibrated(calibrated(alone(len(y)), [p], wrong)) or (
        calibrated(alone(len(y)), [p], wrong).combination.weights < 0.2
    )


def test_another_metric_must_not_become_worse(rng):
    p, y = sampled(rng, n_classes=2)
    choice = alone(len(y))

    def of_certainty(predictions, rows):
        return predictions.max(axis=1).mean()

    assert calibrated(choice, [p], y, score=of_certainty) is choice

    def auc(predictions, rows):
        return roc_auc_score(y[rows], predictions[:, 1])

    assert is_calibrated(calibrated(choice, [p], y, score=auc))


def test_nothing_begins_after_the_deadline(rng):
    p, y = sampled(rng)
    choice = alone(len(y))
    ticks = iter(range(100))
    late = calibrated(choice, [p], y, deadline=3, clock=lambda: next(ticks))
    assert late is choice

    def out_of_time(predictions, rows):
        raise OutOfTimeError

    assert calibrated(choice, [p], y, score=out_of_time) is choice


def test_a_model_of_one_candidate_predicts_calibrated_probabilities():
    X, y = load_breast_cancer(return_X_y=True)
    # Naive Bayes counts columns that say the same several times.
    model = classifier(
        ensemble_size=1,
        max_evaluations=1,
        meta_learner=Favorites(("gaussian_nb(X)",)),
        cv=5,
    ).fit(X[:400], y[:400])
    (weight,) = model.ensemble_.combination.weights
    assert weight < 0.5
    found, plain = model.predict_proba(X), model.best_estimator_.predict_proba(X)
    assert log_loss(y[400:], found[400:]) < 0.6 * log_loss(y[400:], plain[400:])
    # Out-of-fold predictions are calibrated on the other folds.
    out_of_fold = log_loss(y[:400], model.oof_predictions_)
    assert out_of_fold < -model.best_score_
    assert list(model.ensemble_weights_.values()) == [1.0]
