"""Stacks are the posterior modes that they say they are."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import approx_fprime, nnls
from sklearn.linear_model import QuantileRegressor
from sklearn.metrics import mean_pinball_loss

from sklearn_meta.ensemble import Combination, nonnegative_stack
from sklearn_meta.ensemble._stacking import (
    fit_linear_pool,
    fit_linear_pools,
    log_linear_objective,
)
from tests.ensemble.candidates import class_candidates, softmax, target_candidates


def test_gradient_of_the_log_linear_pool():
    rng = np.random.default_rng(1)
    y, p = class_candidates(rng, n=40, n_classes=4)
    logs, rows = np.log(np.stack(p)), rng.random(40)
    prior = np.concatenate([[0.5, 0.3, 0.2], np.zeros(4)])
    point = np.abs(rng.normal(size=7))
    arguments = (logs, y, rows, prior, 0.3)
    _, gradient = log_linear_objective(point, *arguments)
    numeric = approx_fprime(
        point, lambda x: log_linear_objective(x, *arguments)[0], 1e-7
    )
    assert_allclose(gradient, numeric, rtol=1e-4, atol=1e-6)


def test_linear_stack_without_a_prior_is_nonnegative_least_squares():
    rng = np.random.default_rng(2)
    y, f = target_candidates(rng, noise=(1.0, 2.0, 0.5))
    f.append(f[2] + 2 * (f[2] - y))  # its weight would be negative
    y, f = y - 100, [g - 100 for g in f]
    weight = rng.random(len(y))
    w, b = nonnegative_stack(
        f, y, center=np.full(4, 0.25), scale=1e6, sample_weight=weight
    )
    # The intercept of either sign as two columns.
    design = np.column_stack([*f, np.ones(len(y)), -np.ones(len(y))])
    root = np.sqrt(weight)
    expected, _ = nnls(design * root[:, None], y * root)
    assert_allclose(w, expected[:4], atol=1e-5)
    assert_allclose(b, expected[4] - expected[5], atol=1e-4)
    assert w.min() == 0


@pytest.mark.parametrize("kind", ["classes", "targets"])
def test_a_narrow_prior_keeps_the_center(kind):
    rng = np.random.default_rng(4)
    make = class_candidates if kind == "classes" else target_candidates
    y, p = make(rng)
    center = np.array([0.2, 0.3, 0.5])
    w, b = nonnegative_stack(p, y, center=center, scale=1e-5)
    assert_allclose(w, center, atol=1e-3)
    assert_allclose(b, 0, atol=1e-2)


@pytest.mark.parametrize("kind", ["classes", "targets"])
def test_stack_finds_the_useful_member(kind):
    rng = np.random.default_rng(5)
    make = class_candidates if kind == "classes" else target_candidates
    y, p = make(rng, n=2000, noise=(0.3, 5.0, 5.0))
    w, _ = nonnegative_stack(p, y, center=np.full(3, 1 / 3), scale=1.0)
    assert w[0] > 5 * max(w[1], w[2])
    assert (w >= 0).all()


def test_log_linear_pool_sharpens_timid_probabilities():
    rng = np.random.default_rng(6)
    logits = rng.normal(size=(4000, 3))
    y = np.array([rng.choice(3, p=p) for p in softmax(2 * logits)])
    w, b = nonnegative_stack([softmax(logits)], y, center=np.ones(1), scale=10.0)
    assert_allclose(w, 2, atol=0.15)
    assert_allclose(b - b.mean(), 0, atol=0.1)


def test_stack_of_a_perfect_average_is_the_average():
    y = np.arange(10.0)
    w, b = nonnegative_stack([y, y], y, center=np.array([0.5, 0.5]), scale=1.0)
    assert_allclose(w, 0.5)
    assert_allclose(b, 0, atol=1e-12)


def test_units_of_the_target_do_not_change_the_weights():
    rng = np.random.default_rng(7)
    y, f = target_candidates(rng, noise=(1.0, 1.5, 2.0))
    center = np.full(3, 1 / 3)
    w, b = nonnegative_stack(f, y, center=center, scale=0.2)
    other = [1e6 * g + 5e7 for g in f]
    w2, b2 = nonnegative_stack(other, 1e6 * y + 5e7, center=center, scale=0.2)
    assert_allclose(w2, w, atol=1e-6)
    stacked = Combination("stack", (0, 1, 2), w, b).apply(f)
    assert_allclose(
        Combination("stack", (0, 1, 2), w2, b2).apply(other), 1e6 * stacked + 5e7
    )


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_a_pool_of_quantiles_is_a_quantile_regression(level):
    rng = np.random.default_rng(8)
    y, f = target_candidates(rng, n=600, noise=(1.0, 1.0))
    rows = rng.integers(1, 4, size=600).astype(float)
    w, b = fit_linear_pool(np.stack(f), y, rows, np.full(2, 0.5), 1e3, level)
    model = QuantileRegressor(quantile=level, alpha=0)
    model.fit(np.stack(f).T, y, sample_weight=rows)

    def loss(weights, intercept):
        pooled = weights @ np.stack(f) + intercept
        return mean_pinball_loss(y, pooled, alpha=level, sample_weight=rows)

    assert loss(w, b) <= 1.005 * loss(model.coef_, model.intercept_)
    # A narrow prior keeps the average, and the unit of the target is only that.
    w, b = fit_linear_pool(np.stack(f), y, rows, np.full(2, 0.5), 1e-5, level)
    assert_allclose(w, 0.5, atol=1e-3)
    w, b = fit_linear_pool(np.stack(f), y, rows, np.full(2, 0.5), 0.3, level)
    other = [1e6 * g + 5e7 for g in f]
    w2, b2 = fit_linear_pool(
        np.stack(other), 1e6 * y + 5e7, rows, np.full(2, 0.5), 0.3, level
    )
    assert_allclose(w2, w, atol=1e-3)


def test_pools_of_quantiles_for_several_outputs():
    rng = np.random.default_rng(9)
    y = rng.normal(size=(800, 2)) * [1.0, 100.0]
    f = np.zeros((1, 800, 2))
    w, b = fit_linear_pools(f, y, np.ones(800), np.ones(1), 1e3, 0.9)
    assert_allclose(np.mean(y <= b, axis=0), 0.9, atol=0.04)
