"""Bagged networks: inputs, gradients, training, and the estimators."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_diabetes, make_friedman1
from sklearn.linear_model import Ridge
from sklearn.metrics import log_loss

from sklearn_meta.mlp import BaggedMLPClassifier, BaggedMLPRegressor, _training
from sklearn_meta.mlp._members import (
    AdamW,
    gradient,
    members_of,
    outputs,
    outputs_and_layers,
    random_members,
    shapes_of,
)
from sklearn_meta.mlp._smooth_columns import LIMIT, MAX_INPUTS, smooth_columns
from sklearn_meta.mlp._training import (
    TEMPERATURES,
    Settings,
    SoftmaxLoss,
    SquaredLoss,
    best_temperature,
    train_members,
)

# Columns


columns = st.lists(
    st.one_of(st.floats(-1e300, 1e300), st.just(np.nan)), min_size=2, max_size=30
)


@given(columns, st.integers(0, 8))
def test_inputs_are_finite_and_bounded(column, n_bins):
    X = np.array(column)[:, None]
    inputs = smooth_columns(X, n_bins).transform(X)
    assert inputs.dtype == np.float32
    assert np.isfinite(inputs).all()
    assert np.abs(inputs).max() <= LIMIT


@given(
    st.lists(st.integers(-50, 50), min_size=3, max_size=30),
    st.sampled_from([0.25, 4.0, 1024.0]),
    st.integers(-8, 8),
)
def test_inputs_do_not_depend_on_the_unit_of_a_column(column, factor, shift):
    # Powers of two and small whole numbers: the arithmetic is exact.
    X = np.array(column, dtype=float)[:, None]
    other = factor * X + shift
    one, two = (smooth_columns(x, 4).transform(x) for x in (X, other))
    np.testing.assert_allclose(one, two, atol=1e-6)


def test_inputs_keep_the_order_of_values():
    X = np.sort(np.random.default_rng(0).standard_cauchy(size=(200, 1)), axis=0)
    inputs = smooth_columns(X, 5).transform(X)
    assert inputs.shape == (200, 6)
    assert (np.diff(inputs, axis=0) >= 0).all()
    # Codes rise from -1 to 1 one after the other.
    codes = inputs[:, 1:]
    assert codes[0].tolist() == [-1] * 5 and codes[-1].tolist() == [1] * 5
    assert (np.diff(codes, axis=1) <= 0).all()


def test_missing_cells_are_zero_and_marked():
    X = np.array([[1.0, 5.0], [np.nan, 6.0], [3.0, 7.0]])
    columns = smooth_columns(X, 0)
    assert columns.transform(X)[:, 0].tolist() == [0, 1, 0]
    assert columns.transform(X)[1, 1] == 0
    # One that had no missing cells before has no mark for them.
    new = columns.transform(np.array([[2.0, np.nan]]))
    assert new.tolist() == [[0, 0, 0]]


def test_columns_that_say_nothing():
    X = np.column_stack([np.full(9, 7.0), np.full(9, np.nan), np.arange(9.0)])
    inputs = smooth_columns(X, 3).transform(X)
    # A mark, three columns, three codes of the last one.
    assert inputs.shape == (9, 7)
    assert inputs[:, 0].all() and not inputs[:, 1:3].any()


def test_few_codes_for_many_columns():
    X = np.random.default_rng(0).normal(size=(20, 300))
    assert smooth_columns(X, 8).transform(X).shape[1] <= MAX_INPUTS
    assert smooth_columns(X, 8).transform(X).shape[1] == 3 * 300
    wide = np.random.default_rng(0).normal(size=(5, MAX_INPUTS))
    assert smooth_columns(wide, 8).transform(wide).shape[1] == MAX_INPUTS


# Gradients


def make_members(widths, n_outputs, seed=0):
    rng = np.random.default_rng(seed)
    shapes = shapes_of(3, 5, widths, n_outputs)
    return shapes, random_members(shapes, rng), rng


@pytest.mark.parametrize("widths", [(), (4,), (6, 4)])
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_gradients_are_those_of_torch(widths, task):
    torch = pytest.importorskip("torch")
    shapes, members, rng = make_members(widths, 3)
    members.tensors["s"][:] = rng.normal(size=(3, 1, 5))
    x = rng.normal(size=(3, 7, 5)).astype(np.float32)
    masks = [(rng.uniform(size=(3, 7, w)) > 0.3) / np.float32(0.7) for w in widths]
    masks = [mask.astype(np.float32) for mask in masks]
    if task == "classification":
        prior = np.log(np.array([0.5, 0.3, 0.2], dtype=np.float32))
        loss, target = SoftmaxLoss(prior), np.eye(3)[rng.integers(3, size=(3, 7))]
    else:
        loss, target = SquaredLoss(-9.0, 9.0), rng.normal(size=(3, 7, 3))
    target = target.astype(np.float32)

    ours = members_of(shapes)
    out, layers = outputs_and_layers(members.tensors, x, masks)
    gradient(members.tensors, layers, loss.derivative(out, target), ours.tensors)

    theirs = {
        name: torch.tensor(tensor, dtype=torch.float64, requires_grad=True)
        for name, tensor in members.tensors.items()
    }
    h = torch.tensor(x, dtype=torch.float64) * theirs["s"]
    for i, mask in enumerate(masks):
        u = h @ theirs[f"w{i}"] / h.shape[-1] ** 0.5 + theirs[f"c{i}"]
        h = torch.nn.functional.silu(u) * torch.tensor(mask)
    expected = h @ theirs["w_out"] / h.shape[-1] ** 0.5 + theirs["c_out"]
    np.testing.assert_allclose(out, expected.detach(), atol=1e-5)
    y = torch.tensor(target, dtype=torch.float64)
    if task == "classification":
        logs = torch.log_softmax(expected + torch.tensor(prior), dim=-1)
        total = -(logs * y).sum(-1).mean(1).sum()
    else:
        total = ((expected - y) ** 2).sum(-1).mean(1).sum()
    total.backward()
    for name, tensor in theirs.items():
        np.testing.assert_allclose(ours.tensors[name], tensor.grad, atol=1e-5)


def test_steps_are_those_of_torch():
    torch = pytest.importorskip("torch")
    _, members, rng = make_members((4,), 2)
    weight = torch.tensor(members.tensors["w0"].copy(), requires_grad=True)
    optimizer = torch.optim.AdamW(
        [weight], lr=0.05, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1
    )
    ours = AdamW(members, weight_decay=0.1)
    slopes = members_of(shapes_of(3, 5, (4,), 2))
    for _ in range(5):
        slopes.vector[:] = rng.normal(size=len(slopes.vector))
        weight.grad = torch.tensor(slopes.tensors["w0"].copy())
        optimizer.step()
        ours.step(slopes.vector, 0.05)
    # Theirs shrinks the weights before the step, ours at once.
    np.testing.assert_allclose(members.tensors["w0"], weight.detach(), atol=2e-3)
    assert np.abs(members.tensors["w0"] - weight.detach().numpy()).max() > 0


def test_far_off_values_are_no_error():
    _, members, _ = make_members((4,), 2)
    x = np.full((1, 1, 5), 1e30, dtype=np.float32)
    members.tensors["w0"][:] = -1.0
    with np.errstate(all="raise", under="ignore"):
        assert np.isfinite(outputs(members.tensors, x)).all()


# Training


def make_settings(**changes):
    values = {
        "hidden_layer_sizes": (8,), "dropout": 0.1, "alpha": 0.01, "batch_size": 16,
        "learning_rate_init": 0.02, "max_iter": 20, "max_steps": 200,
    }  # fmt: skip
    return Settings(**{**values, **changes})


def make_problem():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(60, 3)).astype(np.float32)
    targets = (inputs[:, :1] + 0.3 * rng.normal(size=(60, 1))).astype(np.float32)
    return inputs, targets, np.arange(60) % 4, SquaredLoss(-9.0, 9.0)


def test_a_member_does_not_learn_from_its_own_fold():
    inputs, targets, folds, loss = make_problem()
    other = np.where(folds[:, None] == 1, 5.0, targets).astype(np.float32)
    one, two = (
        train_members(
            inputs, y, folds, loss, make_settings(max_steps=1), np.random.default_rng(0)
        ).tensors["w0"]
        for y in (targets, other)
    )
    np.testing.assert_array_equal(one[1], two[1])
    assert all((one[k] != two[k]).any() for k in (0, 2, 3))


def test_members_are_kept_at_their_best():
    inputs, targets, folds, loss = make_problem()
    trained = train_members(
        inputs, targets, folds, loss, make_settings(), np.random.default_rng(0)
    )
    assert trained.n_steps == 200
    for k in range(4):
        rows = folds == k
        out = outputs(trained.tensors, inputs[None, rows])[k]
        np.testing.assert_allclose(out, trained.held_out[k], atol=1e-5)
    best = (loss.values(trained.held_out, trained.targets) * trained.weights).sum(1)
    # The best look of each is at least as good as any look at all of them.
    assert best.mean() <= trained.losses.min() + 1e-9
    assert trained.losses.min() < trained.losses[0]


def test_folds_of_different_sizes_count_each_row_once():
    inputs, targets, _, loss = make_problem()
    folds = np.r_[np.zeros(7, int), np.ones(53, int)]
    trained = train_members(
        inputs, targets, folds, loss, make_settings(), np.random.default_rng(0)
    )
    np.testing.assert_allclose(trained.weights.sum(axis=1), 1)
    assert (trained.weights[0] > 0).sum() == 7
    np.testing.assert_array_equal(trained.targets[0][:7], targets[:7])


def test_of_many_rows_some_from_all_over_the_table_are_looked_at(monkeypatch):
    monkeypatch.setattr(_training, "MAX_LOOKED_AT", 4)
    inputs, _, folds, loss = make_problem()
    targets = np.arange(60, dtype=np.float32)[:, None]
    trained = train_members(
        inputs, targets, folds, loss, make_settings(), np.random.default_rng(0)
    )
    assert trained.targets.shape == (4, 4, 1)
    assert trained.targets[0, :, 0].tolist() == [0, 16, 32, 48]


def test_the_temperature_is_the_best_of_those_tried():
    rng = np.random.default_rng(0)
    loss = SoftmaxLoss(np.zeros(2))
    logits = rng.normal(scale=2.0, size=(1, 5000, 1)) * [1.0, -1.0]
    p = 1 / (1 + np.exp(-2 * logits[..., 0]))
    y = np.eye(2)[(rng.uniform(size=p.shape) > p).astype(int)]
    weights = np.full((1, 5000), 1 / 5000)
    inputs, targets, folds, squared = make_problem()
    trained = train_members(
        inputs, targets, folds, squared, make_settings(), np.random.default_rng(0)
    )
    for sharpness in (1.0, 2.0):
        said = type(trained)(
            trained.tensors, trained.losses, sharpness * logits, y, weights, 1
        )
        found = best_temperature(loss, said)
        assert found in TEMPERATURES
        assert found == pytest.approx(sharpness, rel=0.12)


def test_predicting_says_what_training_says():
    _, members, _ = make_members((7, 4), 2)
    x = 100 * np.random.default_rng(0).normal(size=(1, 50, 5)).astype(np.float32)
    for dtype in (np.float32, np.float64):
        tensors = {n: t.astype(dtype) for n, t in members.tensors.items()}
        said, _ = outputs_and_layers(tensors, x.astype(dtype), None)
        np.testing.assert_allclose(outputs(tensors, x.astype(dtype)), said, rtol=1e-4)


# Estimators

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
