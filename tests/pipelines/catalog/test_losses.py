"""Learners of quantiles, deviances and logarithms of the target."""

from itertools import chain

import numpy as np
import pytest
from sklearn.metrics import mean_pinball_loss, mean_tweedie_deviance

from sklearn_meta.data._loss import Loss
from sklearn_meta.pipelines import SearchSpace, compile_pipeline, default_catalog, parse
from sklearn_meta.pipelines._compile import bounds_predictions
from sklearn_meta.pipelines._schema import Schema
from sklearn_meta.pipelines.catalog._losses import (
    all_loss_operators,
    is_positive,
    loss_operators,
    without_log_target,
)
from sklearn_meta.testing import operator_checks, parametrize_with_checks

POWERS = (1.0, 1.5, 2.0, 3.0)


@parametrize_with_checks(
    chain.from_iterable(
        operator_checks(operator)
        for operator in loss_operators(Loss("quantile", level=0.5))
    )
)
@pytest.mark.filterwarnings("ignore")
def test_common_checks(plugin, check):
    check(plugin)


def fitted(text, loss, X, y, **arguments):
    catalog = SearchSpace().catalog("regression", loss)
    pipeline = compile_pipeline(
        parse(text, catalog=catalog),
        Schema(X.shape[1]),
        catalog=catalog,
        n_classes=1,
        random_state=0,
        **arguments,
    )
    return pipeline.fit(X, y)


def table(n=200):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 2))
    return X, rng.poisson(np.exp(X[:, 0])).astype(float)


def test_they_are_in_no_other_search():
    names = {o.name for o in all_loss_operators()}
    assert not names & {o.name for o in default_catalog("regression")}
    plain = [o.name for o in SearchSpace().catalog("regression")]
    assert plain == [o.name for o in default_catalog("regression")]
    with_them = SearchSpace().catalog("regression", Loss("quantile", level=0.2))
    assert [o.name for o in with_them if o.name not in names] == plain
    assert {o.name for o in with_them} & names == {
        "quantile_linear",
        "quantile_lightgbm",
        "quantile_hist_gradient_boosting",
        "quantile_gradient_boosting",
    }


def test_a_search_space_may_name_them():
    loss = Loss("quantile", level=0.2)
    space = SearchSpace(exclude=["quantile_linear"])
    assert space.catalog("regression", loss).find("quantile_linear") is None
    assert space.catalog("regression")
    space = SearchSpace(include=["quantile_linear"])
    assert [o.name for o in space.catalog("regression", loss)] == ["quantile_linear"]
    # Only what is named is included.
    space = SearchSpace(include=["ridge"])
    assert [o.name for o in space.catalog("regression", loss)] == ["ridge"]


@pytest.mark.parametrize("level", [0.1, 0.9])
@pytest.mark.parametrize(
    "operator", [o.name for o in loss_operators(Loss("quantile", level=0.5))]
)
def test_each_learner_of_quantiles_is_fitted_to_the_level(operator, level):
    X, y = table(600)
    y = y + np.random.default_rng(1).normal(size=600)
    model = fitted(f"{operator}(X)", Loss("quantile", level=level), X[:400], y[:400])
    predicted = model.predict(X[400:])
    # Boosting of a hundred rounds overfits here.
    assert abs(np.mean(y[400:] <= predicted) - level) < 0.16
    constant = np.full(200, np.quantile(y[:400], level))
    assert mean_pinball_loss(y[400:], predicted, alpha=level) < mean_pinball_loss(
        y[400:], constant, alpha=level
    )


@pytest.mark.parametrize("power", POWERS)
def test_each_learner_of_a_deviance_is_positive_and_better_than_a_constant(power):
    X, y = table()
    y = y if power < 2 else y + 0.1
    for operator in loss_operators(Loss("tweedie", power=power)):
        assert is_positive(operator.name)
        model = fitted(f"{operator.name}(X)", Loss("tweedie", power=power), X, y)
        predicted = model.predict(X)
        assert predicted.min() > 0
        constant = np.full(len(y), y.mean())
        assert mean_tweedie_deviance(y, predicted, power=power) < mean_tweedie_deviance(
            y, constant, power=power
        )


@pytest.mark.parametrize("power", POWERS)
def test_the_unit_of_the_target_changes_only_the_unit(power):
    X, y = table()
    y = y if power < 2 else y + 0.1
    for operator in loss_operators(Loss("tweedie", power=power)):
        if operator.name == "poisson_hist_gradient_boosting":
            # scikit-learn's bound of the second derivatives is in units of the target.
            continue
        text = f"{operator.name}(X)"
        model, other = (
            fitted(text, Loss("tweedie", power=power), X, unit * y)
            for unit in (1.0, 1e-5)
        )
        np.testing.assert_allclose(
            1e5 * other.predict(X), model.predict(X), rtol=0.01, err_msg=text
        )


def test_targets_of_both_signs_have_ordinary_learners_only():
    assert loss_operators(Loss("tweedie", power=-1.0)) == ()


def test_the_logarithm_of_the_target_is_what_is_fitted():
    X, y = table()
    model = fitted("log_target(ridge(X))", Loss("squared_log"), X, y)
    plain = fitted("ridge(X)", None, X, np.log1p(y))
    np.testing.assert_allclose(np.log1p(model.predict(X)), plain.predict(X))


def test_kind_below_the_logarithm():
    catalog = SearchSpace().catalog("regression", Loss("squared_log"))
    for text, kind in [
        ("log_target(ridge(X))", "ridge"),
        ("ridge(X)", "ridge"),
        ("bagging(ridge(X))", "bagging"),
    ]:
        assert without_log_target(parse(text, catalog=catalog)).operator == kind


@pytest.mark.parametrize("least", [0.5, (0.5, 0.25)])
def test_predictions_of_other_learners_are_bounded(least):
    X, y = table()
    several = isinstance(least, tuple)
    y = np.stack([y, y], axis=1) if several else y
    loss = Loss("tweedie", power=1.0)
    n_outputs = 2 if several else 1
    model = fitted("ridge(X)", loss, X, y, least=least, n_outputs=n_outputs)
    plain = fitted("ridge(X)", loss, X, y, n_outputs=n_outputs)
    assert (plain.predict(X) < least).any()
    np.testing.assert_allclose(model.predict(X), np.maximum(plain.predict(X), least))


def test_learners_of_the_deviance_need_no_bound():
    catalog = SearchSpace().catalog("regression", Loss("tweedie", power=1.0))
    assert not bounds_predictions(parse("poisson_linear(X)", catalog=catalog), 0.1)
    assert bounds_predictions(parse("ridge(X)", catalog=catalog), 0.1)
    assert not bounds_predictions(parse("ridge(X)", catalog=catalog), None)
