"""The choice between one candidate, an average and a stack."""

import time

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import roc_auc_score

from sklearn_meta.data._loss import Loss
from sklearn_meta.ensemble import LogLoss, SquaredError, combine
from sklearn_meta.ensemble._fold_scores import (
    OutOfTimeError,
    TimedScore,
    blocks_of_rows,
)
from tests.ensemble.candidates import class_candidates, softmax, target_candidates


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


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyError, SystemExit])
def test_whatever_a_scorer_raises_the_best_single_candidate_is_left(error):
    def raises(q, rows):
        raise error

    y, p = class_candidates(np.random.default_rng(0), n=100)
    combination = combine(
        p, y, task="classification", score=raises, folds=strided_folds(100),
        scores=[0.1, 0.3, 0.2],
    )  # fmt: skip
    assert combination.members == (1,)


def test_ctrl_c_in_a_scorer_is_not_swallowed():
    def interrupted(q, rows):
        raise KeyboardInterrupt

    y, p = class_candidates(np.random.default_rng(0), n=100)
    with pytest.raises(KeyboardInterrupt):
        combine(
            p, y, task="classification", score=interrupted, folds=strided_folds(100)
        )


def test_one_fold_with_a_score_is_not_enough_to_compare():
    y, p = class_candidates(np.random.default_rng(0), n=100, noise=(1.0,) * 4)
    folds = strided_folds(100)

    def score(q, rows):
        return LogLoss(y[rows])(q) if rows[0] == 0 else np.nan

    combination = combine(p, y, task="classification", score=score, folds=folds)
    assert len(combination.members) == 1


def test_blocks_replace_folds_on_none_of_which_the_score_is_defined():
    y, p = class_candidates(
        np.random.default_rng(2), n=200, n_classes=2, noise=(1.5,) * 4
    )

    def auc(q, rows):
        return roc_auc_score(y[rows], q[:, 1]) if len(rows) > 1 else 1 / 0

    one_by_one = [np.array([i]) for i in range(200)]
    combination = combine(
        p, y, task="classification", score=auc, folds=one_by_one, scores=[1, 2, 3, 4]
    )
    assert len(combination.members) > 1


def slow_score(y, clock):
    """A proper loss whose calls take a second, and the number of its calls."""
    calls = []

    def score(q, rows):
        calls.append(len(rows))
        clock.now += 1.0
        return LogLoss(y[rows])(q)

    return score, calls


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize("seconds", [0.5, 3.0, 20.5, 100.0])
def test_no_call_of_a_slow_scorer_ends_late(seconds):
    clock = Clock()
    y, p = class_candidates(np.random.default_rng(0), noise=(1.0,) * 4)
    score, calls = slow_score(y, clock)
    timed = TimedScore(score, clock, seconds, 1.0)
    combination = combine(
        p, y, task="classification", score=timed, folds=strided_folds(len(y)),
        scores=[4, 3, 2, 1], clock=clock, deadline=seconds,
    )  # fmt: skip
    assert clock.now <= seconds and combination.members
    assert len(calls) == int(min(seconds, clock.now))


def test_slower_calls_are_expected_again():
    clock = Clock()
    score, calls = slow_score(np.zeros(4, dtype=int), clock)
    timed = TimedScore(score, clock, 1.5, 0.0)
    rows = np.arange(4)
    assert np.isfinite(timed(np.ones((4, 2)) / 2, rows))
    with pytest.raises(OutOfTimeError):
        timed(np.ones((4, 2)) / 2, rows)
    assert calls == [4]


def test_known_scores_of_the_folds_leave_time_for_the_combinations():
    clock = Clock()
    y, p = class_candidates(np.random.default_rng(0), noise=(1.0,) * 4)
    folds = strided_folds(len(y))
    known = [[LogLoss(y[f])(q[f]) for f in folds] for q in p]
    score, calls = slow_score(y, clock)
    combination = combine(
        p, y, task="classification", score=TimedScore(score, clock, 10.0, 1.0),
        folds=folds, clock=clock, deadline=10.0, known_scores=known,
        scores=np.mean(known, axis=1),
    )  # fmt: skip
    assert len(combination.members) > 1
    # On the folds only: the members are selected by the proper loss.
    assert set(calls) == {len(f) for f in folds} and len(calls) == 2 * len(folds)


@pytest.mark.parametrize("n_folds", [1, 2])
def test_few_folds_are_replaced_by_blocks_of_rows(n_folds):
    rng = np.random.default_rng(0)
    y, f = target_candidates(rng, noise=(1.0,) * 4)
    folds = strided_folds(len(y), n_folds)
    assert len(combine_targets(y, f, folds=folds).members) > 1


def test_blocks_of_rows_keep_copies_together():
    rng = np.random.default_rng(0)
    copy_of = rng.permutation(np.repeat(np.arange(30), 3))
    y = np.arange(30)[copy_of] % 2
    rows = np.flatnonzero(copy_of >= 7)
    blocks = blocks_of_rows(y, rows, copy_of)
    assert_array_equal(np.sort(np.concatenate(blocks)), rows)
    assert len(blocks) == 5
    for block in blocks:
        assert_array_equal(np.bincount(copy_of[block])[np.unique(copy_of[block])], 3)
        assert 0.3 < y[block].mean() < 0.7


def test_a_combination_is_not_judged_on_copies():
    rng = np.random.default_rng(0)
    copy_of = np.repeat(np.arange(40), 10)
    y = rng.normal(size=40)[copy_of]
    f = list(rng.normal(size=(4, 40))[:, copy_of])
    seen = []

    def score(predictions, rows):
        seen.append(frozenset(copy_of[rows]))
        return SquaredError(y[rows])(predictions)

    arguments = {"task": "regression", "score": score, "folds": [np.arange(400)]}
    combine(f, y, copy_of=copy_of, **arguments)
    # What is fitted on four blocks is judged on the fifth.
    judged = {distinct for distinct in seen if len(distinct) < 20}
    assert sorted(n for block in judged for n in block) == list(range(40))


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


def pinball(level):
    def score_of(y):
        def score(f, rows):
            errors = y[rows] - f
            return -np.mean(np.maximum(level * errors, (level - 1) * errors))

        return score

    return score_of


def combine_for(loss, y, predictions, score):
    folds = strided_folds(len(y))
    return combine(
        predictions, y, task="regression", score=score, folds=folds, loss=loss
    )


def test_a_stack_is_fitted_to_the_quantile():
    # Both predict means: the intercept has to lift them to the quantile.
    rng = np.random.default_rng(0)
    y, f = target_candidates(rng, n=600, noise=(1.0, 1.0))
    combination = combine_for(Loss("quantile", level=0.9), y, f, pinball(0.9)(y))
    assert combination.kind == "stack"
    combined = combination.apply([f[m] for m in combination.members])
    assert np.mean(y <= combined) == pytest.approx(0.9, abs=0.03)


def test_a_deviance_has_no_stack():
    rng = np.random.default_rng(0)
    y, f = target_candidates(rng, n=600, noise=(1.0, 1.0))
    # Only a stack could mend the scale.
    f = [2 * g for g in f]

    def score(p, rows):
        return -np.mean((p - y[rows]) ** 2)

    assert combine_for(None, y, f, score).kind == "stack"
    for loss in (Loss("tweedie", power=1.0), Loss("squared_log")):
        assert combine_for(loss, y, f, score).kind != "stack"
