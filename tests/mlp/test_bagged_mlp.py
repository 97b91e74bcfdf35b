"""The estimators."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_diabetes, make_friedman1
from sklearn.linear_model import Ridge
from sklearn.metrics import log_loss

from sklearn_meta.mlp import BaggedMLPClassifier, BaggedMLPRegressor
from sklearn_meta.mlp._early_stopping import train_members

QUICK = {"n_estimators": 4, "max_steps": 300, "random_state": 0}


def test_probabilities_are_near_the_best_possible():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 4))
    p = 1 / (1 + np.exp(-3 * X[:, 0] * X[:, 1] - X[:, 2]))
    y = (rng.uniform(size=3000) < p).astype(int)
    X[::7, 3] = np.nan
    clf = BaggedMLPClassifier(**QUICK).fit(X[:1000], y[:1000])
    X_test, y_test, best = X[1000:], y[1000:], log_loss(y[1000:], p[1000:])
    assert log_loss(y_test, clf.predict_proba(X_test)) < 1.1 * best < 0.95 * np.log(2)
    assert clf.n_iter_ == 300
    assert clf.loss_curve_.shape == (64,)


def test_smooth_functions_and_steps():
    X, y = make_friedman1(600, noise=0.5, random_state=0)
    reg = BaggedMLPRegressor(**QUICK).fit(X[:400], y[:400])
    assert reg.score(X[400:], y[400:]) > 0.93 > Ridge().fit(X, y).score(X, y)
    steps = 3.0 * (X[:, 0] > 0.6) + 2.0 * (X[:, 1] < 0.2)
    without, with_codes = (
        BaggedMLPRegressor(**QUICK, n_bins=n)
        .fit(X[:400], steps[:400])
        .score(X[400:], steps[400:])
        for n in (0, 10)
    )
    assert without < with_codes


def test_predictions_stay_within_the_targets():
    X, y = load_diabetes(return_X_y=True)
    reg = BaggedMLPRegressor(**QUICK).fit(X, y)
    far = reg.predict(1e6 * X)
    assert y.min() <= far.min() and far.max() <= y.max()


def test_a_row_is_predicted_alike_in_any_company():
    X, y = load_diabetes(return_X_y=True)
    reg = BaggedMLPRegressor(**QUICK).fit(X, y)
    one_by_one = np.concatenate([reg.predict(X[i : i + 1]) for i in range(20)])
    np.testing.assert_allclose(reg.predict(X)[:20], one_by_one, rtol=1e-10)


@pytest.mark.parametrize("make", [BaggedMLPClassifier, BaggedMLPRegressor])
def test_copies_of_a_row_are_in_one_fold(make, monkeypatch):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3)), np.arange(40) % 2
    rows = np.repeat(np.arange(40), 1 + np.arange(40) % 3)
    seen = []

    def train(inputs, targets, folds, *others):
        seen.append(folds)
        return train_members(inputs, targets, folds, *others)

    monkeypatch.setattr("sklearn_meta.mlp._bagged_mlp.train_members", train)
    make(**QUICK).fit(X[rows], y[rows])
    make(**QUICK).fit(X, y)
    repeated, once = seen
    np.testing.assert_array_equal(repeated, once[rows])


@pytest.mark.parametrize("n", [2, 3, 5, 9])
def test_a_handful_of_rows(n):
    X = np.arange(2.0 * n).reshape(n, 2)
    clf = BaggedMLPClassifier(**QUICK).fit(X, np.arange(n) % 2)
    np.testing.assert_allclose(clf.predict_proba(X).sum(axis=1), 1)
    reg = BaggedMLPRegressor(**QUICK).fit(X, np.full(n, 3.5))
    assert reg.predict(X).tolist() == [3.5] * n


def test_a_class_of_one_row():
    X, y = load_breast_cancer(return_X_y=True)
    labels = np.where(y == 1, "benign", "malignant").astype(object)
    labels[0] = "unknown"
    clf = BaggedMLPClassifier(**QUICK).fit(X, labels)
    assert clf.classes_.tolist() == ["benign", "malignant", "unknown"]
    assert clf.predict_proba(X[:3]).shape == (3, 3)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**31 - 1))
def test_the_seed_decides_all(seed):
    X, y = make_friedman1(40, random_state=0)
    one, two = (
        BaggedMLPRegressor(max_steps=20, random_state=seed).fit(X, y).predict(X)
        for _ in range(2)
    )
    np.testing.assert_array_equal(one, two)


def test_hidden_layers_are_checked():
    X, y = make_friedman1(40, random_state=0)
    for wrong in [(8, -1), (8.5,), ("wide",)]:
        with pytest.raises(ValueError, match="'hidden_layer_sizes'.*positive ints"):
            BaggedMLPRegressor(hidden_layer_sizes=wrong).fit(X, y)
    linear = BaggedMLPRegressor(hidden_layer_sizes=(), **QUICK).fit(X, y)
    assert linear.score(X, y) > 0.5


def test_torch_is_not_needed():
    code = (
        "import sys; from sklearn_meta.mlp import BaggedMLPRegressor as R;"
        "R(max_steps=2).fit([[0.0], [1.0]], [0.0, 1.0]).predict([[0.5]]);"
        "print(sorted({'torch', 'skorch'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert out.stdout.decode().strip() == "[]"
