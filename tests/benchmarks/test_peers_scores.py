"""Predictions are scored as by scikit-learn, and what is no prediction is refused."""

import numpy as np
import pytest
from sklearn.metrics import (
    balanced_accuracy_score,
    log_loss,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)

from benchmarks.peers._scores import METRICS, constant_scores, mean_auc, score


@pytest.fixture
def three_classes(rng):
    y = rng.choice(["a", "b", "c"], size=60).astype(object)
    p = rng.dirichlet(np.ones(3), size=60)
    classes = np.array(["a", "b", "c"])
    return y, {
        "probabilities": p,
        "classes": classes,
        "predicted": classes[p.argmax(axis=1)],
    }


def test_classification(three_classes):
    y, predictions = three_classes
    p = predictions["probabilities"]
    assert score("classification", y, predictions) == pytest.approx(
        {
            "log_loss": log_loss(y, p),
            "roc_auc": roc_auc_score(y, p, multi_class="ovr"),
            "balanced_accuracy": balanced_accuracy_score(y, predictions["predicted"]),
        },
        rel=1e-5,
    )


def test_the_order_of_the_classes_does_not_matter(three_classes, rng):
    y, predictions = three_classes
    order = rng.permutation(3)
    other = predictions | {
        "probabilities": predictions["probabilities"][:, order],
        "classes": predictions["classes"][order],
    }
    expected = score("classification", y, predictions)
    assert score("classification", y, other) == pytest.approx(expected)


def test_regression(rng):
    y, predicted = rng.normal(size=(2, 40))
    assert score("regression", y, {"predicted": predicted}) == pytest.approx(
        {"rmse": root_mean_squared_error(y, predicted), "r2": r2_score(y, predicted)}
    )


def test_a_class_that_only_one_part_has(three_classes):
    y, predictions = three_classes
    # No row of class c to score ...
    some = y != "c"
    part = {k: v if k == "classes" else v[some] for k, v in predictions.items()}
    assert np.isfinite(list(score("classification", y[some], part).values())).all()
    # ... and a class that the system has never seen.
    two = predictions | {
        "probabilities": predictions["probabilities"][:, :2],
        "classes": predictions["classes"][:2],
    }
    assert np.isfinite(list(score("classification", y, two).values())).all()


def test_the_auc_of_two_classes_and_of_one():
    p = np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.8, 0.2]])
    y = np.array(["no", "no", "yes", "yes"], dtype=object)
    classes = ["no", "yes"]
    assert mean_auc(y, p, classes) == pytest.approx(roc_auc_score(y == "yes", p[:, 1]))
    assert mean_auc(y[:2], p[:2], classes) is None


@pytest.mark.parametrize(
    ("predictions", "message"),
    [
        ({"predicted": np.zeros(3)}, r"shape \(4,\) were expected. Got \(3,\)"),
        ({"predicted": np.array([0, 1, np.nan, 2])}, "not finite"),
        ({"predicted": np.array([0, 1, np.inf, 2])}, "not finite"),
    ],
)
def test_what_is_no_prediction(predictions, message):
    with pytest.raises(ValueError, match=message):
        score("regression", np.arange(4.0), predictions)


def test_what_is_no_probability(three_classes):
    y, predictions = three_classes
    p = predictions["probabilities"]
    with pytest.raises(ValueError, match=r"shape \(60, 3\) were expected"):
        score("classification", y, predictions | {"probabilities": p[:, :2]})
    p[3, 1] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        score("classification", y, predictions)


def test_constants_are_the_best_that_knows_no_column(rng):
    y = np.array(["a"] * 30 + ["b"] * 10, dtype=object)
    expected = {
        "log_loss": -(0.75 * np.log(0.75) + 0.25 * np.log(0.25)),
        "roc_auc": 0.5,
        "balanced_accuracy": 0.5,
    }
    assert constant_scores("classification", y, y) == pytest.approx(expected)
    y = rng.normal(size=50)
    expected = {"rmse": y.std(), "r2": 0.0}
    assert constant_scores("regression", y, y) == pytest.approx(expected)


def test_every_score_is_a_metric(three_classes):
    y, predictions = three_classes
    found = {
        *score("classification", y, predictions),
        *score("regression", np.arange(3.0), {"predicted": np.zeros(3)}),
    }
    assert found == set(METRICS)
