"""The estimators: what they learn, symmetries, kinds of tables, continuing."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris, load_wine, make_classification
from sklearn.metrics import log_loss
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_meta.maml import (
    MAMLClassifier,
    MAMLRegressor,
    load_initialization,
)
from sklearn_meta.maml.training._inner_loop import adapt
from sklearn_meta.maml.training._support_loss import support_loss

BOTH = [MAMLClassifier, MAMLRegressor]


@parametrize_with_checks([MAMLClassifier(), MAMLRegressor()])
def test_sklearn_contract(estimator, check):
    check(estimator)


def table(estimator, n_rows=40, n_columns=4, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n_columns))
    y = X[:, 0] - X[:, 1] + 0.3 * rng.normal(size=n_rows)
    if estimator is MAMLClassifier:
        y = np.digitize(y, [-1, 1])
    return X, y


def output(model, X):
    return model.predict_proba(X) if hasattr(model, "classes_") else model.predict(X)


@pytest.fixture(scope="module", params=BOTH, ids=lambda e: e.__name__)
def fitted(request):
    X, y = table(request.param)
    return request.param(random_state=0).fit(X, y), X, y


# What it learns


def test_few_rows_of_each_class_suffice():
    X, y = load_iris(return_X_y=True)
    model = MAMLClassifier(random_state=0).fit(X[::10], y[::10])
    assert model.score(X, y) > 0.9
    assert log_loss(y, model.predict_proba(X)) < 0.3


def test_few_rows_of_a_regression_suffice():
    X, y = load_diabetes(return_X_y=True)
    model = MAMLRegressor(random_state=0).fit(X[:60], y[:60])
    assert model.score(X[60:], y[60:]) > 0.3


def test_units_of_target_and_columns_do_not_matter():
    X, y = table(MAMLRegressor)
    expected = MAMLRegressor(random_state=0).fit(X, y).predict(X)
    scaled = MAMLRegressor(random_state=0).fit(1000 * X + 5, 1e6 * y + 1e8)
    # The folds are others, as the rows are.
    np.testing.assert_allclose(
        (scaled.predict(1000 * X + 5) - 1e8) / 1e6, expected, atol=0.1
    )


def test_a_constant_target_is_predicted():
    X, _ = table(MAMLRegressor)
    model = MAMLRegressor(random_state=0).fit(X, np.full(len(X), 7.0))
    np.testing.assert_allclose(model.predict(X), 7.0, atol=0.2)


# Adaptation


def context_parameters(model):
    """Context and the initial parameters, in the precision of the module."""
    start = load_initialization(model._task)
    parameters = {k: v.double() for k, v in start.parameters.items()}
    return start, parameters, model.net_.module_.context


@pytest.mark.parametrize("estimator", BOTH)
def test_steps_are_those_of_the_inner_loop(estimator):
    X, y = table(estimator)
    model = estimator(random_state=0, n_adaptation_steps=3).fit(X, y)
    start, parameters, context = context_parameters(model)
    network = start.network().double()
    expected = adapt(
        lambda p: support_loss(network, p, context),
        parameters,
        {k: v.double() for k, v in start.rates.items()},
        3,
        second_order=False,
    )
    found = model.net_.module_.network.state_dict()
    assert any(not torch.equal(found[k], parameters[k]) for k in parameters)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("estimator", BOTH)
def test_no_step_is_the_plain_network(estimator):
    X, y = table(estimator)
    model = estimator(random_state=0, n_adaptation_steps=0).fit(X, y)
    start, parameters, context = context_parameters(model)
    network = start.network().double()
    cells, missing = model._canon.transform(X[:5])
    with torch.no_grad():
        expected = network(
            context, torch.tensor(cells).double(), torch.tensor(missing)
        ).numpy()
    np.testing.assert_allclose(model._forward(X[:5]), expected, atol=1e-6)
    assert model.n_iter_ == 0
    assert len(model.loss_curve_) == 1


@pytest.mark.parametrize("estimator", BOTH)
def test_steps_lower_the_loss_of_rows_that_are_left_out(estimator):
    X, y = table(estimator)
    model = estimator(random_state=0, n_adaptation_steps=10, learning_rate=0.3)
    model.fit(X, y)
    assert model.n_iter_ == 10
    assert model.loss_curve_[-1] < model.loss_curve_[0]


@pytest.mark.parametrize("estimator", BOTH)
def test_harmful_steps_are_taken_back(estimator):
    X, y = table(estimator)
    wild = estimator(random_state=0, learning_rate=1e6).fit(X, y)
    assert not wild.loss_curve_[-1] <= wild.loss_curve_[0]
    plain = estimator(random_state=0, n_adaptation_steps=0).fit(X, y)
    np.testing.assert_allclose(output(wild, X), output(plain, X))


@pytest.mark.parametrize(
    "fine_tune, parts", [("head", {"head"}), ("all", {"head", "body"})]
)
def test_what_is_fine_tuned(fine_tune, parts):
    X, y = table(MAMLClassifier)
    model = MAMLClassifier(fine_tune=fine_tune, random_state=0, learning_rate=0.1)
    model.fit(X, y)
    _, parameters, _ = context_parameters(model)
    found = model.net_.module_.network.state_dict()
    changed = {
        k.split(".")[0] for k in found if not torch.equal(found[k], parameters[k])
    }
    assert changed == parts
    assert model.loss_curve_[-1] < model.loss_curve_[0]


def test_large_tables_adapt_in_batches():
    X, y = make_classification(800, 6, n_informative=4, random_state=0)
    model = MAMLClassifier(
        max_support_rows=60, batch_size=50, n_adaptation_steps=7, random_state=0
    ).fit(X, y)
    assert model.n_support_rows_ <= 60
    assert len(model.net_.module_.train_y) == model.n_support_rows_ + 50
    batches = model.net_.history[-1]["batches"]
    assert [b["train_batch_size"] for b in batches][:2] == [50, 50]
    assert model.score(X, y) > 0.75


def test_random_parameters_are_a_start_too():
    X, y = table(MAMLClassifier)
    models = [MAMLClassifier("random", random_state=i).fit(X, y) for i in (0, 0, 1)]
    first, same, other = (m.predict_proba(X) for m in models)
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)
    assert models[0].score(X, y) > 0.7


@pytest.mark.parametrize("how", ["path", "object"])
def test_an_initialization_of_ones_own(tmp_path, how):
    X, y = table(MAMLClassifier)
    start = load_initialization("classification")
    start.save(tmp_path / "ours")
    init = tmp_path / "ours" if how == "path" else start
    own = MAMLClassifier(init, random_state=0).fit(X, y)
    expected = MAMLClassifier(random_state=0).fit(X, y)
    np.testing.assert_array_equal(own.predict_proba(X), expected.predict_proba(X))


# Tables


def test_a_frame_of_all_kinds():
    rng = np.random.default_rng(0)
    n = 60
    color = rng.choice(["red", "green", "blue"], n)
    X = pd.DataFrame(
        {
            "color": pd.Categorical(color),
            "name": rng.choice(["a", "b", None], n),
            "number": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
            "flag": rng.random(n) < 0.5,
            "date": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(n), "D"),
        }
    )
    y = np.where(color == "red", "warm", "cold")
    model = MAMLClassifier(random_state=0).fit(X, y)
    assert model.score(X, y) > 0.95
    assert model.feature_names_in_.tolist() == list(X.columns)
    new = X.iloc[:2].assign(color=pd.Categorical(["violet", None]))
    np.testing.assert_allclose(model.predict_proba(new).sum(axis=1), 1)


def test_codes_in_an_array_are_marked():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 12, 120)
    y = np.isin(codes, [1, 4, 6, 10]) ^ (rng.random(120) < 0.1)
    numbers, other_names = rng.normal(size=120), rng.permutation(12)

    def probabilities(codes, marked):
        X = np.column_stack([numbers, codes])
        model = MAMLClassifier(categorical_features=marked, random_state=0)
        return model.fit(X, y).predict_proba(X)[:, 1]

    def change(one, other):
        pairs = (probabilities(c, m) for c, m in ((codes, one), (renamed, other)))
        return np.abs(np.subtract(*pairs)).mean()

    # Codes are names: which number stands for which level matters little. (Not
    # nothing: the rows are dealt into other folds.)
    renamed = other_names[codes]
    assert change([1], [False, True]) < 0.5 * change(None, None)


@pytest.mark.parametrize("wrong", [[0.5], [[1]], [True], "abc"])
def test_marks_that_make_no_sense(wrong):
    X, y = table(MAMLClassifier)
    with pytest.raises(ValueError, match="categorical_features"):
        MAMLClassifier(categorical_features=wrong).fit(X, y)


def test_marks_in_a_frame_are_refused():
    X, y = table(MAMLClassifier)
    with pytest.raises(ValueError, match="categorical dtype"):
        MAMLClassifier(categorical_features=[0]).fit(
            pd.DataFrame(X, columns=[*"abcd"]), y
        )


@pytest.mark.parametrize("estimator", BOTH)
def test_sparse_tables_are_tables(estimator):
    X, y = table(estimator)
    X[X < 0] = 0
    dense = estimator(random_state=0, n_adaptation_steps=0).fit(X, y)
    model = estimator(random_state=0, n_adaptation_steps=0).fit(sparse.csr_array(X), y)
    np.testing.assert_allclose(
        model._forward(sparse.csc_matrix(X)), dense._forward(X), atol=1e-6
    )


@pytest.mark.parametrize("n_columns", [1, 2000])
def test_from_one_to_two_thousand_columns(n_columns):
    X, y = table(MAMLClassifier, n_rows=50, n_columns=max(n_columns, 2))
    X = X[:, :n_columns]
    model = MAMLClassifier(random_state=0).fit(X, y)
    assert model.net_.module_.context_x.shape[1] <= 64
    assert model.score(X, y) > 0.5


def test_one_hundred_classes():
    rng = np.random.default_rng(0)
    centers = 5 * rng.normal(size=(100, 8))
    y = np.arange(300) % 100
    X = centers[y] + rng.normal(size=(300, 8))
    new = centers + rng.normal(size=(100, 8))
    model = MAMLClassifier(random_state=0).fit(X, y)
    probabilities = model.predict_proba(new)
    assert probabilities.shape == (100, 100)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert model.score(new, np.arange(100)) > 0.8


def test_a_rare_class_of_a_large_table_is_not_lost():
    rng = np.random.default_rng(0)
    y = np.zeros(4000, int)
    y[:20] = 1
    X = rng.normal(size=(4000, 3))
    X[y == 1] += 6
    model = MAMLClassifier(max_support_rows=100, random_state=0).fit(X, y)
    probabilities = model.predict_proba(X[:200])[:, 1]
    assert probabilities[:20].mean() > 0.5
    assert probabilities[20:].mean() < 0.02


def test_a_class_of_one_row():
    X, y = table(MAMLClassifier)
    y = np.minimum(y, 1)
    y[0] = 2
    model = MAMLClassifier(random_state=0).fit(X, y)
    assert model.predict_proba(X).shape == (40, 3)
    # All classes have one row: nothing can be left out, and nothing is adapted.
    few = MAMLClassifier(random_state=0).fit(X[:3], ["a", "b", "c"])
    assert few.n_iter_ == 0 and few.temperature_ == 1.0
    assert few.predict(X[:3]).tolist() == ["a", "b", "c"]


@pytest.mark.parametrize("estimator", BOTH)
def test_a_table_without_information(estimator):
    X, y = table(estimator)
    model = estimator(random_state=0).fit(np.ones_like(X), y)
    values = output(model, X)
    assert np.isfinite(values).all()
    np.testing.assert_allclose(values, values[:1].repeat(len(X), axis=0), atol=1e-6)


# Symmetries


@pytest.mark.parametrize("estimator", BOTH)
def test_the_order_of_the_rows_does_not_matter(estimator):
    X, y = table(estimator)
    order = np.random.default_rng(1).permutation(len(X))
    one = estimator(random_state=0).fit(X, y)
    other = estimator(random_state=0).fit(X[order], y[order])
    np.testing.assert_allclose(output(one, X), output(other, X), atol=1e-12)


@pytest.mark.parametrize("estimator", BOTH)
def test_the_order_of_the_columns_does_not_matter(estimator):
    X, y = table(estimator)
    order = [2, 0, 3, 1]
    one = estimator(random_state=0, n_adaptation_steps=0).fit(X, y)
    other = estimator(random_state=0, n_adaptation_steps=0).fit(X[:, order], y)
    np.testing.assert_allclose(one._forward(X), other._forward(X[:, order]), atol=1e-6)


def test_the_names_of_the_classes_do_not_matter():
    X, y = table(MAMLClassifier)
    model = MAMLClassifier(random_state=0, n_adaptation_steps=0).fit(X, y)
    turned = clone(model).fit(X, np.array(["c", "b", "a"])[y])
    np.testing.assert_allclose(
        model._forward(X), turned._forward(X)[:, ::-1], atol=1e-6
    )


@pytest.mark.parametrize("estimator", BOTH)
def test_weights_are_repetitions(estimator):
    X, y = table(estimator)
    weight = np.random.default_rng(1).integers(0, 3, len(X))
    one = estimator(random_state=0).fit(X, y, sample_weight=weight)
    other = estimator(random_state=0).fit(X.repeat(weight, axis=0), y.repeat(weight))
    np.testing.assert_allclose(output(one, X), output(other, X), atol=1e-12)


# Continuing


@pytest.mark.parametrize("estimator", BOTH)
def test_partial_fit_learns_from_all_rows(estimator):
    X, y = table(estimator, 60)
    kw = {"classes": [0, 1, 2]} if estimator is MAMLClassifier else {}
    model = estimator(random_state=0).partial_fit(X[:20], y[:20], **kw)
    before = model.net_.module_.network.head.weights.clone()
    model.partial_fit(X[20:40], y[20:40]).partial_fit(X[40:], y[40:])
    assert model.n_support_rows_ == 60
    assert not torch.equal(model.net_.module_.network.head.weights, before)
    assert model.score(X, y) > 0.6


def test_partial_fit_keeps_a_bounded_sample():
    X, y = table(MAMLRegressor, 300)
    model = MAMLRegressor(max_support_rows=30, batch_size=20, random_state=0)
    for start in range(0, 300, 60):
        model.partial_fit(X[start : start + 60], y[start : start + 60])
        assert len(model._kept) == 50
    assert model.n_support_rows_ == 30
    assert model.score(X, y) > 0.5


def test_partial_fit_of_unknown_classes():
    X, y = table(MAMLClassifier)
    model = MAMLClassifier(random_state=0).partial_fit(X, np.minimum(y, 1))
    with pytest.raises(ValueError, match=r"classes that the first call.*\[2\]"):
        model.partial_fit(X, y)
    with pytest.raises(ValueError, match="classes that the first call"):
        MAMLClassifier().partial_fit(X, y, classes=[0, 1])


@pytest.mark.parametrize("estimator", BOTH)
def test_a_warm_start_goes_on(estimator):
    X, y = table(estimator)
    warm = estimator(random_state=0, n_adaptation_steps=2, warm_start=True)
    cold = estimator(random_state=0, n_adaptation_steps=2)
    curves = [m.fit(X, y).fit(X, y).loss_curve_ for m in (warm, cold)]
    first = cold.loss_curve_
    np.testing.assert_allclose(curves[0][0], first[-1], rtol=1e-6)
    np.testing.assert_allclose(curves[1], first)


# Manners


def test_fitted_models_can_be_pickled(fitted):
    model, X, _ = fitted
    data = pickle.dumps(model)
    assert len(data) < 1_000_000
    np.testing.assert_allclose(output(pickle.loads(data), X), output(model, X))


def test_fitted_models_need_no_pickle(fitted):
    skops_io = pytest.importorskip("skops.io")
    model, X, _ = fitted
    data = skops_io.dumps(model)
    trusted = skops_io.get_untrusted_types(data=data)
    # Nothing of torch and skorch, which unpickle bytes.
    packages = {name.split(".")[0] for name in trusted}
    assert packages <= {"collections", "functools", "numpy", "sklearn", "sklearn_meta"}
    loaded = skops_io.loads(data, trusted=trusted)
    np.testing.assert_array_equal(output(loaded, X), output(model, X))


@pytest.mark.parametrize("estimator", BOTH)
def test_loaded_models_go_on_like_the_saved_ones(estimator):
    X, y = table(estimator)
    model = estimator(random_state=0, n_adaptation_steps=2).fit(X[::2], y[::2])
    loaded = pickle.loads(pickle.dumps(model))
    for other in (model, loaded):
        other.partial_fit(X[1::2], y[1::2])
    np.testing.assert_array_equal(loaded.loss_curve_, model.loss_curve_)
    np.testing.assert_array_equal(output(loaded, X), output(model, X))


def test_fit_and_predict_leave_no_trace(fitted):
    model, X, y = fitted
    torch.set_num_threads(2)
    try:
        state = torch.random.get_rng_state(), np.random.get_state()[1].copy()
        output(clone(model).set_params(init="random").fit(X, y), X)
        assert torch.get_num_threads() == 2
        assert torch.equal(torch.random.get_rng_state(), state[0])
        np.testing.assert_array_equal(np.random.get_state()[1], state[1])
    finally:
        torch.set_num_threads(1)


def test_a_seed_decides_everything(fitted):
    model, X, y = fitted
    np.testing.assert_array_equal(output(clone(model).fit(X, y), X), output(model, X))


def test_predictions_do_not_depend_on_chunks(fitted, monkeypatch):
    from sklearn_meta.maml import _table_module

    model, X, _ = fitted
    expected = output(model, X)
    monkeypatch.setattr(_table_module, "MAX_ARRAY_ELEMENTS", 1)
    assert model.net_.module_.chunk_rows == 1
    np.testing.assert_allclose(output(model, X), expected, rtol=1e-9)


def test_probabilities_are_calibrated():
    X, y = load_wine(return_X_y=True)
    rng = np.random.default_rng(0)
    y = np.where(rng.random(len(y)) < 0.4, rng.integers(0, 3, len(y)), y)
    train, test = np.arange(0, 178, 2), np.arange(1, 178, 2)
    model = MAMLClassifier(random_state=0).fit(X[train], y[train])
    probabilities = model.predict_proba(X[test])
    confidence = probabilities.max(axis=1).mean()
    assert abs(confidence - model.score(X[test], y[test])) < 0.12


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there():
    X, y = table(MAMLClassifier)
    with pytest.raises(ValueError, match="'device' must be 'auto'"):
        MAMLClassifier(device="cuda").fit(X, y)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("estimator", BOTH)
def test_a_gpu_computes_the_same(estimator):
    X, y = table(estimator)
    here = estimator(device="cpu", random_state=0).fit(X, y)
    there = estimator(device="cuda", random_state=0).fit(X, y)
    assert there.net_.module_.context_x.is_cuda
    np.testing.assert_allclose(output(here, X), output(there, X), atol=1e-6)
    again = pickle.loads(pickle.dumps(there))
    np.testing.assert_allclose(output(again, X), output(there, X), atol=1e-6)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.filterwarnings("ignore::skorch.exceptions.DeviceWarning")
@pytest.mark.parametrize("estimator", BOTH)
def test_what_a_gpu_fitted_is_loaded_where_there_is_none(estimator):
    X, y = table(estimator)
    model = estimator(device="cpu", random_state=0).fit(X, y)
    expected = output(model, X)
    model.net_.device = "cuda"  # as it was where it was fitted
    again = pickle.loads(pickle.dumps(model))
    assert str(again.net_.device) == "cpu"
    np.testing.assert_allclose(output(again, X), expected, atol=1e-6)


def test_initializations_that_do_not_fit(tmp_path):
    X, y = table(MAMLClassifier)
    with pytest.raises(ValueError, match="for classification. Got one for regression"):
        MAMLClassifier(load_initialization("regression")).fit(X, y)
    with pytest.raises(FileNotFoundError, match="nothing.json"):
        MAMLClassifier(tmp_path / "nothing").fit(X, y)


def test_nothing_is_warned_about(fitted):
    model, X, y = fitted
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        output(clone(model).fit(X, y), X)
