"""Greedy selection, stacks, the choice between them, and the fitted ensemble."""

import itertools
import pickle
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import approx_fprime, nnls
from sklearn.base import (
    BaseEstimator,
    RegressorMixin,
    clone,
    is_classifier,
    is_regressor,
)
from sklearn.datasets import make_classification, make_regression
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_score
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from sklearn_meta.data._task import RegressionTask
from sklearn_meta.ensemble import (
    Combination,
    LogLoss,
    SquaredError,
    WeightedEnsembleClassifier,
    WeightedEnsembleRegressor,
    combine,
    greedy_selection,
    nonnegative_stack,
)
from sklearn_meta.ensemble._combination import AVERAGE
from sklearn_meta.ensemble._stacking import log_linear_objective

# Made-up candidates whose predictions are the truth seen through noise.


def softmax(logits):
    z = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return z / z.sum(axis=-1, keepdims=True)


def class_candidates(rng, n=300, n_classes=3, noise=(1.0, 1.0, 1.0)):
    """Targets, and candidates that each see the true logits plus noise."""
    logits = 1.5 * rng.normal(size=(n, n_classes))
    y = np.array([rng.choice(n_classes, p=p) for p in softmax(logits)])
    return y, [softmax(logits + s * rng.normal(size=logits.shape)) for s in noise]


def target_candidates(rng, n=300, noise=(1.0, 1.0, 1.0)):
    """Targets, and candidates that are the targets plus noise."""
    y = 3.0 * rng.normal(size=n) + 100.0
    return y, [y + s * rng.normal(size=n) for s in noise]


def strided_folds(n, n_folds=5):
    return [np.arange(i, n, n_folds) for i in range(n_folds)]


def combine_classes(y, predictions, **arguments):
    arguments = {"folds": strided_folds(len(y)), "metric": "neg_log_loss"} | arguments
    return combine(
        predictions,
        y,
        task="classification",
        score=lambda p, rows: LogLoss(y[rows])(p),
        **arguments,
    )


def combine_targets(y, predictions, **arguments):
    arguments = {
        "folds": strided_folds(len(y)),
        "metric": "neg_mean_squared_error",
    } | arguments
    return combine(
        predictions,
        y,
        task="regression",
        score=lambda f, rows: SquaredError(y[rows])(f),
        **arguments,
    )


# Greedy selection


def brute_force_path(predictions, score, size):
    """Greedy selection written as its definition."""
    chosen, best, best_score = [], None, -np.inf
    for _ in range(size):
        scores = [
            score(np.mean([predictions[i] for i in [*chosen, m]], axis=0))
            for m in range(len(predictions))
        ]
        chosen.append(int(np.argmax(scores)))
        if max(scores) > best_score:
            best, best_score = list(chosen), max(scores)
    return np.bincount(best, minlength=len(predictions))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("weighted", ["unweighted", "weighted"])
def test_fast_paths_make_the_choices_of_the_definition(seed, weighted):
    rng = np.random.default_rng(seed)
    weight = rng.random(60) if weighted == "weighted" else None
    y, p = class_candidates(rng, n=60, noise=(0.8, 1.0, 1.2, 2.0))
    score = LogLoss(y, weight)
    assert_array_equal(
        greedy_selection(p, score, size=5), brute_force_path(p, score, 5)
    )
    y, f = target_candidates(rng, n=60, noise=(0.8, 1.0, 1.2, 2.0))
    score = SquaredError(y, weight)
    assert_array_equal(
        greedy_selection(f, score, size=5), brute_force_path(f, score, 5)
    )


def test_fast_and_callable_scores_select_the_same():
    rng = np.random.default_rng(3)
    y, p = class_candidates(rng, noise=(0.7, 0.9, 1.1, 1.3, 1.5))
    fast = greedy_selection(p, LogLoss(y), size=25)
    slow = greedy_selection(p, lambda q: LogLoss(y)(q), size=25)
    assert_array_equal(fast, slow)
    assert np.count_nonzero(fast) > 1


def test_two_candidates_get_their_best_mixture():
    # Errors of variance 1 and 4: the best weight of the first is 4 / (1 + 4).
    rng = np.random.default_rng(0)
    y, f = target_candidates(rng, n=20_000, noise=(1.0, 2.0))
    counts = greedy_selection(f, SquaredError(y), size=50)
    assert_allclose(counts / counts.sum(), [0.8, 0.2], atol=0.03)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 12))
def test_greedy_is_never_worse_in_sample_than_the_best_candidate(seed, m, size):
    rng = np.random.default_rng(seed)
    y, p = class_candidates(rng, n=25, noise=rng.uniform(0.1, 4, size=m))
    counts = greedy_selection(p, LogLoss(y), size=size)
    average = np.tensordot(counts / counts.sum(), np.stack(p), axes=1)
    assert 1 <= counts.sum() <= size
    assert LogLoss(y)(average) >= max(LogLoss(y)(q) for q in p) - 1e-12


def test_size_one_is_the_best_candidate():
    rng = np.random.default_rng(0)
    y, f = target_candidates(rng, noise=(2.0, 1.0, 3.0))
    assert_array_equal(greedy_selection(f, SquaredError(y), size=1), [0, 1, 0])


def test_start_is_kept_or_improved():
    rng = np.random.default_rng(0)
    y, f = target_candidates(rng, noise=(1.0, 1.0, 30.0))
    counts = greedy_selection(f, SquaredError(y), size=12, start=[0, 0, 1])
    assert counts[2] == 1
    assert counts[0] > 1 and counts[1] > 1
    perfect = [y, y + 1.0]
    start = greedy_selection(perfect, SquaredError(y), size=9, start=[2, 0])
    assert_array_equal(start, [2, 0])


def test_stop_ends_after_the_first_step():
    rng = np.random.default_rng(0)
    y, f = target_candidates(rng)
    counts = greedy_selection(f, SquaredError(y), size=20, stop=lambda: True)
    assert counts.sum() == 1


def test_candidates_without_a_score_are_not_chosen():
    rng = np.random.default_rng(0)
    y, f = target_candidates(rng)

    def score(prediction):
        return np.nan if np.allclose(prediction, f[0]) else SquaredError(y)(prediction)

    assert greedy_selection(f, score, size=1)[0] == 0
    with pytest.raises(ValueError, match="finite score"):
        greedy_selection(f, lambda prediction: np.nan, size=3)


@pytest.mark.parametrize(("predictions", "size"), [([], 3), ([np.zeros(2)], 0)])
def test_greedy_names_what_it_needs(predictions, size):
    with pytest.raises(ValueError, match=f"{len(predictions)} candidates.*size={size}"):
        greedy_selection(predictions, SquaredError(np.zeros(2)), size=size)


# Stacks


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


# Combination


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


# Combine


@pytest.mark.parametrize("seed", range(3))
def test_independent_candidates_are_combined_and_gain_on_new_rows(seed):
    rng = np.random.default_rng(seed)
    y, p = class_candidates(rng, n=1200, noise=(1.0,) * 6)
    y_new, p_new = y[600:], [q[600:] for q in p]
    combination = combine_classes(y[:600], [q[:600] for q in p])
    combined = combination.apply([p_new[m] for m in combination.members])
    assert len(combination.members) > 3
    assert LogLoss(y_new)(combined) > max(LogLoss(y_new)(q) for q in p_new) + 0.02
    y, f = target_candidates(rng, n=400, noise=(1.0,) * 6)
    combination = combine_targets(y[:200], [g[:200] for g in f])
    combined = combination.apply([f[m][200:] for m in combination.members])
    error = np.mean((combined - y[200:]) ** 2)
    # Six independent errors of variance 1 average to 1 / 6.
    assert error == pytest.approx(1 / 6, rel=0.3)


def test_a_clear_gain_on_a_small_table_is_taken():
    rng = np.random.default_rng(0)
    taken = 0
    for _ in range(20):
        y, f = target_candidates(rng, n=40, noise=(1.0, 1.0, 1.0))
        taken += combine_targets(y, f).kind != "single"
    assert taken >= 18


def test_noise_beside_a_good_candidate_gets_no_say():
    rng = np.random.default_rng(0)
    worse = 0
    for _ in range(20):
        y, p = class_candidates(rng, n=600, noise=(0.3, 6.0, 6.0, 6.0, 6.0))
        combination = combine_classes(y[:300], [q[:300] for q in p])
        assert combination.members[0] == 0
        combined = combination.apply([p[m][300:] for m in combination.members])
        loss = LogLoss(y[300:])
        worse += loss(combined) < loss(p[0][300:]) - 0.01
    assert worse <= 2


def test_pure_noise_is_mostly_left_alone():
    rng = np.random.default_rng(0)
    losses = []
    for _ in range(20):
        y = rng.normal(size=400)
        # Candidates that know nothing but the mean, and are uncertain of it.
        f = [0.3 * rng.normal(size=400) for _ in range(10)]
        combination = combine_targets(y[:200], [g[:200] for g in f])
        combined = combination.apply([f[m][200:] for m in combination.members])
        losses.append(np.mean((combined - y[200:]) ** 2) / np.var(y[200:]))
    # A single one loses 9 %; averaging them away is right, following them is not.
    assert np.mean(losses) < 1.06


def test_copies_of_one_candidate_stay_single():
    rng = np.random.default_rng(0)
    y, p = class_candidates(rng, noise=(0.5,))
    copies = [p[0], p[0].copy(), (p[0] + 1e-5).astype(np.float32)]
    combination = combine_classes(y, copies)
    assert len(combination.members) == 1


def test_size_one_returns_the_best_mean_score():
    rng = np.random.default_rng(0)
    y, p = class_candidates(rng, noise=(1.5, 0.5, 1.0))
    combination = combine_classes(y, p, size=1)
    assert (combination.kind, combination.members) == ("single", (1,))
    assert_array_equal(combination.weights, [1.0])


@pytest.mark.parametrize("size", [2, 3, 5])
def test_size_bounds_the_members(size):
    rng = np.random.default_rng(0)
    y, f = target_candidates(rng, noise=(1.0,) * 10)
    assert 1 < len(combine_targets(y, f, size=size).members) <= size


def test_many_members_of_small_shares_are_kept():
    rng = np.random.default_rng(0)
    y, f = target_candidates(rng, n=2000, noise=(5.0,) * 40)
    combination = combine_targets(y, f, size=40)
    assert len(combination.members) > 2
    assert combination.shares.sum() == pytest.approx(1)


def test_members_of_an_average_have_a_share_that_matters():
    rng = np.random.default_rng(2)
    y, p = class_candidates(rng, noise=(0.5, 0.6, 1.2, 1.4, 1.6, 1.8, 2.0))
    combination = combine_classes(y, p)
    assert len(combination.members) > 1
    assert combination.shares.min() >= 0.05


def test_order_of_candidates_does_not_matter():
    rng = np.random.default_rng(1)
    y, p = class_candidates(rng, noise=(0.8, 0.9, 1.0, 1.1, 1.2))
    expected = combine_classes(y, p)
    order = [3, 0, 4, 1, 2]
    combination = combine_classes(y, [p[i] for i in order])
    assert combination.kind == expected.kind
    assert tuple(order[m] for m in combination.members) == expected.members
    assert_allclose(combination.weights, expected.weights, atol=1e-6)


def test_any_score_can_be_optimized():
    rng = np.random.default_rng(2)
    y, p = class_candidates(rng, n=800, n_classes=2, noise=(1.5,) * 4)

    def auc(q, rows):
        return roc_auc_score(y[rows], q[:, 1])

    combination = combine(
        [q[:400] for q in p], y[:400], task="classification", score=auc,
        folds=strided_folds(400),
    )  # fmt: skip
    combined = combination.apply([p[m][400:] for m in combination.members])
    assert len(combination.members) > 1
    assert roc_auc_score(y[400:], combined[:, 1]) > max(
        roc_auc_score(y[400:], q[400:, 1]) for q in p
    )


def test_folds_where_the_score_is_undefined_take_no_part():
    rng = np.random.default_rng(2)
    y, p = class_candidates(rng, n=200, n_classes=2, noise=(1.5,) * 4)
    order = np.argsort(y, kind="stable")
    folds = [order[:20], *(order[20 + i :: 4] for i in range(4))]

    def auc(q, rows):
        if len(np.unique(y[rows])) < 2:
            raise ValueError("Only one class is present.")
        return roc_auc_score(y[rows], q[:, 1])

    combination = combine(p, y, task="classification", score=auc, folds=folds)
    assert len(combination.members) > 1


@pytest.mark.parametrize("n_folds", [1, 2])
def test_few_folds_are_replaced_by_blocks_of_rows(n_folds):
    rng = np.random.default_rng(0)
    y, f = target_candidates(rng, noise=(1.0,) * 4)
    folds = strided_folds(len(y), n_folds)
    assert len(combine_targets(y, f, folds=folds).members) > 1


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_a_handful_of_rows_does_not_break(n):
    rng = np.random.default_rng(0)
    y, p = class_candidates(rng, n=n)
    combined = combine_classes(y, p, folds=strided_folds(n, min(n, 5)))
    assert combined.members
    y, f = target_candidates(rng, n=n)
    assert combine_targets(y, f, folds=strided_folds(n, min(n, 5))).members


def test_rows_outside_of_the_folds_are_not_used():
    rng = np.random.default_rng(0)
    y, f = target_candidates(rng, n=100, noise=(1.0, 1.0, 1.0))
    folds = [fold[fold < 80] for fold in strided_folds(100)]
    hidden = [np.where(np.arange(100) < 80, g, np.nan) for g in f]
    expected = combine_targets(y[:80], [g[:80] for g in f])
    combination = combine_targets(y, hidden, folds=folds)
    assert combination.members == expected.members
    assert_allclose(combination.weights, expected.weights, atol=1e-6)


def test_candidates_that_are_not_finite_are_left_out():
    rng = np.random.default_rng(0)
    y, f = target_candidates(rng, noise=(0.1, 1.0, 1.0))
    f[0][7] = np.nan
    assert 0 not in combine_targets(y, f).members
    f = [np.full_like(y, np.inf)] * 2
    with pytest.raises(ValueError, match="None of the 2 candidates"):
        combine_targets(y, f)


@pytest.mark.parametrize("folds", [[], [np.array([], dtype=int)]])
def test_combine_wants_rows(folds):
    with pytest.raises(ValueError, match="one fold with rows"):
        combine_targets(np.zeros(3), [np.zeros(3)], folds=folds)


def test_sample_weights_reach_the_fits():
    rng = np.random.default_rng(0)
    n = 600
    y = rng.normal(size=n)
    half = np.arange(n) % 2 == 0
    # Each candidate is good on its half of the rows.
    f = [y + np.where(half, 0.1, 3.0) * rng.normal(size=n) for _ in range(1)]
    f.append(y + np.where(half, 3.0, 0.1) * rng.normal(size=n))
    weight = np.where(half, 1.0, 1e-6)
    combination = combine(
        f, y, task="regression", folds=strided_folds(n),
        score=lambda g, rows: SquaredError(y[rows], weight[rows])(g),
        metric="neg_mean_squared_error", sample_weight=weight,
    )  # fmt: skip
    assert combination.members[0] == 0
    assert combination.shares[0] > 0.99


def test_rows_without_weight_alone_in_a_fold_do_not_break():
    rng = np.random.default_rng(0)
    y, f = target_candidates(rng, n=100)
    weight = np.where(np.arange(100) % 5 == 0, 1.0, 0.0)  # only one fold has any
    combination = combine_targets(y, f, sample_weight=weight)
    assert np.isfinite(combination.weights).all()


def test_known_scores_rank_the_candidates():
    rng = np.random.default_rng(0)
    y, f = target_candidates(rng)
    assert combine_targets(y, f, scores=[0.1, 0.2, 0.9], size=1).members == (2,)


def test_a_candidate_gone_wild_does_no_harm():
    rng = np.random.default_rng(0)
    y, f = target_candidates(rng)
    wild = np.float32(3e38) * np.sign(rng.normal(size=len(y))).astype(np.float32)
    combination = combine_targets(y, [*f, wild])
    assert 3 not in combination.members


def test_a_passed_deadline_gives_the_best_single():
    rng = np.random.default_rng(0)
    y, f = target_candidates(rng)
    assert combine_targets(y, f, deadline=1.0, clock=lambda: 2.0).kind == "single"


@pytest.mark.parametrize("ticks", range(1, 40, 3))
def test_a_deadline_at_any_moment_leaves_a_combination(ticks):
    rng = np.random.default_rng(0)
    y, f = target_candidates(rng, noise=(1.0,) * 4)
    times = iter(range(10_000))
    combination = combine_targets(y, f, deadline=ticks, clock=lambda: next(times))
    assert np.isfinite(combination.apply([f[m] for m in combination.members])).all()


def test_two_hundred_candidates_are_combined_quickly():
    rng = np.random.default_rng(0)
    n, k = 5000, 10
    logits = 1.5 * rng.normal(size=(n, k))
    y = np.argmax(logits + rng.gumbel(size=(n, k)), axis=1)
    p = [
        softmax(logits + s * rng.normal(size=(n, k))).astype(np.float32)
        for s in rng.uniform(0.5, 3, size=60)
    ]
    p = [q for q in p for _ in range(4)][:200]
    began = time.process_time()
    combination = combine_classes(y, p)
    seconds = time.process_time() - began
    assert len(combination.members) > 3
    # Measured 0.9 s on one core; the bound leaves room for a busy machine.
    assert seconds < 8


# The fitted ensemble


@pytest.fixture
def classifiers():
    X, y = make_classification(200, 8, n_informative=5, n_classes=3, random_state=0)
    members = [
        LogisticRegression().fit(X, y),
        [
            DecisionTreeClassifier(max_depth=3, random_state=i).fit(X[i::2], y[i::2])
            for i in range(2)
        ],
    ]
    return X, y, members


def test_classifier_combines_probabilities(classifiers):
    X, _, members = classifiers
    combination = Combination("average", (4, 9), np.array([0.7, 0.3]))
    labels = np.array(["a", "b", "c"])
    ensemble = WeightedEnsembleClassifier(members, combination, labels)
    trees = np.mean([tree.predict_proba(X) for tree in members[1]], axis=0)
    expected = 0.7 * members[0].predict_proba(X) + 0.3 * trees
    assert_allclose(ensemble.predict_proba(X), expected)
    assert_array_equal(ensemble.predict(X), labels[np.argmax(expected, axis=1)])
    assert_array_equal(ensemble.classes_, labels)
    assert is_classifier(ensemble)
    assert ensemble.n_features_in_ == 8


def test_members_that_predict_labels_need_no_classes():
    X, y = make_classification(60, 5, random_state=0)
    y = np.array(["no", "yes"])[y]
    ensemble = WeightedEnsembleClassifier(
        [LogisticRegression().fit(X, y)], Combination.single(0)
    )
    assert_array_equal(ensemble.classes_, ["no", "yes"])
    assert ensemble.score(X, y) > 0.8


def test_a_model_that_has_not_seen_a_class_gives_it_nothing(classifiers):
    X, y, members = classifiers
    partial = LogisticRegression().fit(X[y != 1], y[y != 1])
    ensemble = WeightedEnsembleClassifier(
        [partial], Combination.single(0), np.array([10, 20, 30])
    )
    probabilities = ensemble.predict_proba(X)
    assert probabilities.shape == (200, 3)
    assert_array_equal(probabilities[:, 1], 0)
    assert set(ensemble.predict(X)) == {10, 30}
    # A member that lacks a class does not take it from the others.
    both = WeightedEnsembleClassifier(
        [partial, members[0]],
        Combination("average", (0, 1), np.array([0.5, 0.5])),
        np.arange(3),
    )
    assert 1 in both.predict(X)


class _Silent(LogisticRegression):
    """A model that must not be asked."""

    def predict_proba(self, X):
        raise AssertionError("asked a member without weight")


def test_members_without_weight_are_not_asked(classifiers):
    X, _, members = classifiers
    ensemble = WeightedEnsembleClassifier(
        [members[0], _Silent()],
        Combination("average", (0, 1), np.array([1.0, 0.0])),
        np.arange(3),
    )
    assert_allclose(ensemble.predict_proba(X), members[0].predict_proba(X))


def test_ensemble_pickles_and_predicts_in_threads(classifiers):
    X, _, members = classifiers
    combination = Combination(
        "stack", (0, 1), np.array([0.9, 0.2]), np.array([0.1, 0.0, -0.1])
    )
    ensemble = WeightedEnsembleClassifier(members, combination, np.arange(3))
    expected = ensemble.predict_proba(X)
    dumped = pickle.dumps(ensemble)
    assert len(dumped) < len(pickle.dumps(members)) + 2000
    assert_array_equal(pickle.loads(dumped).predict_proba(X), expected)
    with ThreadPoolExecutor(4) as threads:
        for result in threads.map(ensemble.predict_proba, [X] * 8):
            assert_array_equal(result, expected)


def test_regressor_combines_targets():
    X, y = make_regression(100, 5, noise=10, random_state=0)
    members = [Ridge().fit(X, y), DecisionTreeRegressor(max_depth=3).fit(X, y)]
    ensemble = WeightedEnsembleRegressor(
        members, Combination("stack", (3, 1), np.array([0.8, 0.3]), np.asarray(2.0))
    )
    expected = 2.0 + 0.8 * members[0].predict(X) + 0.3 * members[1].predict(X)
    assert_allclose(ensemble.predict(X), expected)
    assert is_regressor(ensemble)


def test_a_clone_fits_its_members_anew(classifiers):
    X, y, members = classifiers
    combination = Combination("average", (0, 1), np.array([0.5, 0.5]))
    labels = np.array(["a", "b", "c"])
    ensemble = WeightedEnsembleClassifier(members, combination, labels)
    copy = clone(ensemble)
    with pytest.raises(NotFittedError):
        copy.predict(X)
    copy.fit(X[:150], labels[y[:150]])
    assert copy.score(X[150:], labels[y[150:]]) > 0.5
    assert cross_val_score(ensemble, X, labels[y], cv=3).mean() > 0.5
    with pytest.raises(NotFittedError):
        WeightedEnsembleRegressor().predict(X)


def test_a_stack_is_not_fitted_to_other_classes(classifiers):
    X, y, members = classifiers
    combination = Combination("stack", (0, 1), np.array([0.5, 0.5]), np.zeros(3))
    ensemble = WeightedEnsembleClassifier(members, combination, np.arange(3))
    with pytest.raises(ValueError, match="3 classes.*Got 2"):
        clone(ensemble).fit(X, y > 0)


def test_vote_of_fold_models_is_plain_scikit_learn(classifiers):
    X, y, members = classifiers
    labels = np.array(["a", "b", "c"])
    ensemble = WeightedEnsembleClassifier(members, Combination.single(0), labels)
    lacking = LogisticRegression().fit(X[y != 1], y[y != 1])
    vote = ensemble.vote_of([*members[1], lacking])
    assert type(vote).__module__.startswith("sklearn.")
    trees = np.mean([tree.predict_proba(X) for tree in members[1]], axis=0)
    assert_allclose(vote.predict_proba(X), trees)
    assert_array_equal(vote.predict(X), labels[np.argmax(trees, axis=1)])
    regressors = [Ridge(a).fit(X, y) for a in (0.1, 100.0)]
    vote = WeightedEnsembleRegressor().vote_of(regressors)
    assert_allclose(
        vote.predict(X), np.mean([r.predict(X) for r in regressors], axis=0)
    )


class _Says(RegressorMixin, BaseEstimator):
    """Predicts a constant."""

    def __init__(self, value=0.0):
        self.value = value

    def fit(self, X, y):
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X):
        return np.full(len(X), self.value)


def test_a_member_that_extrapolates_wildly_is_cut_off():
    X, y = np.zeros((4, 1)), np.array([35.0, 46.0, 40.0, 41.0])
    sane, wild = _Says(40.0).fit(X, y), _Says(6.0).fit(X, y)
    limits = RegressionTask().limits(y)
    assert limits == (35 - 0.25 * 11, 46 + 0.25 * 11)
    mean = Combination(AVERAGE, (0, 1), np.array([0.8, 0.2]))
    ensemble = WeightedEnsembleRegressor([sane, wild], mean, limits)
    assert_allclose(ensemble.predict(X), 0.8 * 40 + 0.2 * limits[0])
    unlimited = WeightedEnsembleRegressor([sane, wild], mean)
    assert_allclose(unlimited.predict(X), 0.8 * 40 + 0.2 * 6)
    # The best single pipeline predicts what it predicts without us.
    alone = WeightedEnsembleRegressor([wild], Combination.single(0), limits)
    assert_allclose(alone.predict(X), 6.0)


def test_limits_are_those_of_each_output():
    y = np.array([[0.0, 100.0], [4.0, 500.0]])
    low, high = RegressionTask(n_outputs=2).limits(y)
    assert_allclose(low, [-1.0, 0.0])
    assert_allclose(high, [5.0, 600.0])
