"""Methods of the few-shot benchmark."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import is_classifier, is_regressor

from benchmarks._few_shot_draws import SHOTS, draw_split
from benchmarks._few_shot_methods import METHODS, NETWORKS, SoftmaxSVC
from benchmarks._tables import TASKS
from benchmarks.few_shot import measure


def make_split(task, n_rows):
    """Numbers, a category and gaps; a target that depends on them."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.standard_normal((200, 3)), columns=list("abc"))
    X["kind"] = pd.Categorical(rng.choice(["u", "v", "w"], 200))
    y = X["a"] + (X["kind"] == "u") + 0.1 * rng.standard_normal(200)
    X.loc[rng.random(200) < 0.1, "b"] = np.nan
    if task == "classification":
        y = np.where(y > y.median(), "high", "low").astype(object)
    else:
        y = y.to_numpy()
    shots = n_rows // 2 if task == "classification" else n_rows
    return draw_split(X, y, task=task, table="made", shots=shots, draw=0)


@pytest.mark.parametrize(
    ("task", "method"),
    [(t, m) for t in TASKS for m in METHODS[t] if m not in NETWORKS],
)
def test_methods_learn(task, method):
    result = measure(task, method, make_split(task, 60), seed=0)
    assert result["status"] == "ok", result
    if task == "classification":
        assert result["accuracy"] > 0.7
    else:
        assert result["rmse"] < 0.9


@pytest.mark.parametrize("method", ["logistic_regression_cv", "k_nn", "svm"])
def test_fewest_rows_are_enough_to_tune_with(method):
    shots = min(SHOTS["classification"])
    split = make_split("classification", 2 * shots)
    assert measure("classification", method, split, seed=0)["status"] == "ok"


@pytest.mark.parametrize("task", TASKS)
def test_methods_are_of_their_task(task):
    is_of_task = is_classifier if task == "classification" else is_regressor
    y = make_split(task, 20).y_train
    for name, method in METHODS[task].items():
        if name not in NETWORKS:
            assert is_of_task(method(task, y, 0)), name


def test_softmax_of_decision_values():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 2)), rng.choice(list("abc"), 60)
    X[y == "a"] += 3
    for classes in ("ab", "abc"):
        rows = np.isin(y, list(classes))
        model = SoftmaxSVC(scale=2.0).fit(X[rows], y[rows])
        p = model.predict_proba(X)
        assert np.allclose(p.sum(axis=1), 1)
        assert np.array_equal(model.predict(X), model.svc_.predict(X))
