"""Combinations are the formulas of their kinds."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose

from sklearn_meta.ensemble import Combination
from tests.ensemble.candidates import class_candidates, target_candidates


def test_apply_is_the_formula_of_each_kind():
    rng = np.random.default_rng(0)
    _, p = class_candidates(rng, n=7)
    _, f = target_candidates(rng, n=7)
    assert_allclose(Combination.single(4).apply([p[1]]), p[1])
    average = Combination("average", (2, 0), np.array([0.75, 0.25]))
    assert_allclose(average.apply(p[:2]), 0.75 * p[0] + 0.25 * p[1])
    assert_allclose(average.apply(f[:2]), 0.75 * f[0] + 0.25 * f[1])
    intercept = np.array([0.1, -0.2, 0.0])
    stack = Combination("stack", (0, 1), np.array([1.5, 0.4]), intercept)
    q = [np.maximum(x, 1e-4) for x in p[:2]]
    pool = np.exp(intercept) * q[0] ** 1.5 * q[1] ** 0.4
    assert_allclose(stack.apply(p[:2]), pool / pool.sum(axis=1, keepdims=True))
    stack = Combination("stack", (0, 1), np.array([1.5, 0.4]), np.asarray(3.0))
    assert_allclose(stack.apply(f[:2]), 1.5 * f[0] + 0.4 * f[1] + 3.0)


probabilities = arrays(
    np.float32, (4, 3), elements=st.sampled_from([0.0, 1e-30, 0.2, 0.5, 1.0])
)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(probabilities, min_size=1, max_size=3),
    st.sampled_from(["average", "stack"]),
    st.floats(0.1, 5),
)
def test_probabilities_are_finite_and_sum_to_one(predictions, kind, scale):
    intercept = np.zeros(3) if kind == "stack" else None
    weights = np.full(len(predictions), scale)
    members = tuple(range(len(predictions)))
    combined = Combination(kind, members, weights, intercept).apply(predictions)
    assert (combined >= 0).all()
    assert_allclose(combined.sum(axis=1), 1)


def test_order_of_members_does_not_matter():
    rng = np.random.default_rng(0)
    _, p = class_candidates(rng, n=20)
    weights, intercept = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.0, -0.1])
    for kind, order in itertools.product(
        ["average", "stack"], itertools.permutations(range(3))
    ):
        b = intercept if kind == "stack" else None
        expected = Combination(kind, (0, 1, 2), weights, b).apply(p)
        permuted = Combination(kind, order, weights[list(order)], b)
        assert_allclose(permuted.apply([p[i] for i in order]), expected)


def test_members_without_weight_are_not_looked_at():
    rng = np.random.default_rng(0)
    _, f = target_candidates(rng, n=5)
    combination = Combination("average", (0, 1), np.array([0.0, 1.0]))
    assert_allclose(combination.apply([None, f[1]]), f[1])


@pytest.mark.parametrize(
    ("kind", "members", "weights", "message"),
    [
        ("vote", (0,), [1.0], "'single', 'average' or 'stack'"),
        ("average", (), [], "there must be a member"),
        ("average", (0, 1), [1.0], "one entry for each of the 2"),
        ("average", (0, 1), [1.0, -0.1], "not negative"),
        ("average", (0,), [0.0], "one of them positive"),
        ("average", (0,), [np.nan], "finite"),
    ],
)
def test_a_wrong_combination_is_refused(kind, members, weights, message):
    with pytest.raises(ValueError, match=message):
        Combination(kind, members, np.array(weights))


def test_apply_wants_one_prediction_for_each_member():
    with pytest.raises(ValueError, match="each of the 1 members. Got 2"):
        Combination.single(0).apply([np.zeros(3), np.zeros(3)])
