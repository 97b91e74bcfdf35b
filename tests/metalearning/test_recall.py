"""Regrets, neighbors, beliefs and their judge, against what is known of them."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_meta.metalearning._judge import (
    by_belief,
    by_oracle,
    in_random_order,
    leave_one_family_out,
)
from sklearn_meta.metalearning._posterior import TIE_BREAK, Belief
from sklearn_meta.metalearning._recall_data import (
    believe,
    remember,
    share_of_neighbors,
)
from sklearn_meta.metalearning._regret import LARGEST_REGRET, regrets, without_gaps
from sklearn_meta.metalearning._reranking import Guide
from sklearn_meta.metalearning.similarity._neighbors import kernel_weights, meta_space
from sklearn_meta.timing._known_datasets import fit_seconds_model
from tests.metalearning.matrices import matrix_of, planted

SCORES = arrays(
    float, st.tuples(st.integers(1, 6), st.integers(1, 8)),
    elements=st.one_of(st.floats(-1e3, 1e3), st.just(np.nan)),
)  # fmt: skip


# Regrets


@given(SCORES)
@settings(max_examples=60, deadline=None)
def test_regret_is_zero_for_the_best_and_never_leaves_its_range(scores):
    result = regrets(scores)
    assert_array_equal(np.isnan(result), np.isnan(scores))
    known = ~np.isnan(result)
    assert ((result[known] >= 0) & (result[known] <= LARGEST_REGRET)).all()
    for row, of in zip(result, scores, strict=True):
        if np.isfinite(of).any():
            assert row[np.nanargmax(of)] == 0


def test_regret_does_not_depend_on_the_unit_of_the_metric():
    scores = np.random.default_rng(0).normal(size=(5, 9))
    shifted = scores * np.array([[1], [10], [0.1], [1e3], [1e-3]]) + 7
    assert_allclose(regrets(scores), regrets(shifted), atol=1e-9)


def test_median_pipeline_has_regret_one():
    assert_allclose(
        regrets([[1.0, 2.0, 3.0, 4.0, 9.0]])[0], [8 / 6, 7 / 6, 1, 5 / 6, 0]
    )


def test_a_dataset_that_tells_nothing_apart_has_small_regrets():
    scores = np.array([[0.50, 0.51, 0.52]])
    assert regrets(scores, np.full((1, 3), 0.1)).max() == pytest.approx(0.2)
    assert regrets(scores).max() == LARGEST_REGRET


def test_failure_is_the_largest_regret_and_no_trial_is_unknown():
    failed = np.array([[False, True, False]])
    result = regrets([[1.0, np.nan, np.nan]], failed=failed)
    assert_array_equal(result, [[0.0, LARGEST_REGRET, np.nan]])


def test_gaps_are_filled_by_no_less_than_a_median_regret():
    values = np.array([[0.0, np.nan], [0.2, 1.8], [0.1, 1.9]])
    filled = without_gaps(values)
    assert filled[0, 1] == pytest.approx((1.8 + 1.9 + 1) / 3)
    assert without_gaps(np.array([[0.0, 0.5], [np.nan, 0.5]]))[1, 0] == 1.0
    assert_array_equal(filled[1:], values[1:])


# Meta-features


@given(st.integers(0, 100))
@settings(max_examples=20, deadline=None)
def test_distance_does_not_change_under_monotone_transformations(seed):
    values = np.random.default_rng(seed).normal(size=(30, 4))
    new = np.random.default_rng(seed + 1).permutation(values)[0]
    plain = meta_space("abcd", values).distances(new)
    bent = meta_space("abcd", np.exp(values) * 5).distances(np.exp(new) * 5)
    assert_allclose(plain, bent, atol=0.12)  # quantiles are interpolated linearly
    assert plain[(values == new).all(axis=1)] == pytest.approx(0)


def test_undefined_and_constant_metafeatures_make_nobody_near_or_far():
    values = np.array([[1.0, np.nan, 5.0], [2.0, np.nan, 5.0], [3.0, np.nan, 5.0]])
    space = meta_space("abc", values)
    assert_array_equal(space.weights, [1, 0, 0])
    assert np.isfinite(space.distances([np.nan, np.nan, np.nan])).all()
    assert np.isfinite(space.distances([1e300, 1.0, -1e300])).all()


@given(arrays(float, st.integers(1, 20), elements=st.floats(0, 2)), st.integers(1, 25))
@settings(max_examples=60, deadline=None)
def test_kernel_weights_fall_with_the_distance(distances, n_neighbors):
    weights = kernel_weights(distances, n_neighbors)
    assert weights.sum() == pytest.approx(1)
    assert (np.diff(weights[np.argsort(distances, kind="stable")]) <= 1e-12).all()


def test_shrinkage_goes_from_neighbors_to_the_portfolio_for_all():
    distances = np.array([1.0, 2.0])
    shares = [share_of_neighbors(distances, 1.0, s) for s in (0.0, 0.5, 1.0, np.inf)]
    assert shares[0] == 1 and shares[2] == pytest.approx(0.5) and shares[3] == 0
    assert shares == sorted(shares, reverse=True)
    far = share_of_neighbors(10 * distances, 1.0, 1.0)
    assert far < 1e-6  # nothing is near: the portfolio for all


# Belief


def belief_of(regret, **changes):
    regret = np.asarray(regret, dtype=float)
    arguments = {
        "weights": np.full(len(regret), 1 / len(regret)),
        "seconds": np.ones(regret.shape[1]),
    }
    return Belief(regret, **{**arguments, **changes})


@pytest.mark.parametrize("seed", range(5))
def test_greedy_portfolio_is_close_to_the_best_of_its_length(seed):
    regret = np.random.default_rng(seed).uniform(0, 2, size=(12, 8))

    def value(pipelines):
        return regret[:, list(pipelines)].min(axis=1).mean()

    greedy = belief_of(regret).order(3)
    best = min(value(c) for c in combinations(range(8), 3))
    # Nemhauser, Wolsey and Fisher 1978: at least 1 - 1/e of the possible gain.
    assert 2 - value(greedy) >= (1 - 1 / np.e) * (2 - best)
    assert value(greedy[:1]) == min(value([j]) for j in range(8))


def plain_gains(belief, planned):
    """The gains as the documentation says it, pipeline by pipeline."""

    def regret(d, pipelines):
        best = dict.fromkeys(belief.kinds, LARGEST_REGRET)
        for p in pipelines:
            best[belief.kinds[p]] = min(best[belief.kinds[p]], belief.regrets[d, p])
        ranked = sorted(best.values())[:3]
        return sum(r * belief.diversity**rank for rank, r in enumerate(ranked))

    weights = belief.weights
    return [
        sum(
            w * (regret(d, planned) - regret(d, [*planned, p]))
            for d, w in enumerate(weights)
        )
        + TIE_BREAK * (LARGEST_REGRET - weights @ belief.regrets[:, p])
        for p in range(belief.regrets.shape[1])
    ]


@pytest.mark.parametrize("n_kinds", [1, 2, 5])
@pytest.mark.parametrize("diversity", [0.0, 0.4, 1.0])
def test_gains_are_those_of_the_definition(n_kinds, diversity):
    rng = np.random.default_rng(n_kinds)
    belief = belief_of(
        rng.uniform(0, LARGEST_REGRET, size=(6, 9)),
        weights=rng.dirichlet(np.ones(6)),
        kinds=np.arange(9) % n_kinds,
        diversity=diversity,
    )
    for planned in ([], [4], [0, 3, 8, 5]):
        assert_allclose(belief.gains(planned), plain_gains(belief, planned))


def test_a_second_learner_comes_before_another_setting_of_the_first():
    regret = np.array([[0.0, 0.2, 0.5], [0.2, 0.1, 0.5]])
    kinds = np.array([0, 0, 1])
    assert sorted(belief_of(regret, kinds=kinds).order(2)) == [0, 1]
    assert belief_of(regret, kinds=kinds, diversity=0.5).order(2)[1] == 2
    # One that is hopeless brings nothing.
    regret[:, 2] = LARGEST_REGRET
    assert belief_of(regret, kinds=kinds, diversity=0.5).order(2)[1] != 2


def test_order_takes_each_pipeline_once_and_respects_what_is_allowed():
    belief = belief_of(np.random.default_rng(0).uniform(0, 2, size=(5, 7)))
    assert sorted(belief.order(99)) == list(range(7))
    assert set(belief.order(99, among=[1, 4, 6])) == {1, 4, 6}
    assert 4 not in belief.told(4, 0.5).order(99)
    assert 4 not in belief.order(99, pending=[4])


def test_order_of_gains_that_are_rounded_to_less_than_nothing():
    weights = np.full(12, 1 / 12)
    belief = Belief(np.full((12, 5), LARGEST_REGRET), weights, np.ones(5))
    assert abs(belief.gains().max()) < 1e-12
    assert belief.order(9) == list(range(5))


def test_seconds_count_as_much_as_they_are_made_to():
    regret = np.array([[0.0, 0.1], [0.0, 0.1]])
    assert belief_of(regret, seconds=np.array([100.0, 1.0])).order(1) == [0]
    dear = belief_of(regret, seconds=np.array([100.0, 1.0]), time_aversion=0.5)
    assert dear.order(1) == [1]


def test_what_takes_much_of_the_time_is_worth_less():
    regret = np.array([[0.0, 0.1], [0.0, 0.1]])
    seconds = np.array([6.0, 0.0])
    plain = belief_of(regret, seconds=seconds).gains()
    halved = belief_of(regret, seconds=seconds, much_time=6.0).gains()
    assert_allclose(halved, plain * [0.5, 1.0])
    assert belief_of(regret, seconds=seconds).order(1) == [0]
    assert belief_of(regret, seconds=seconds, much_time=6.0).order(1) == [1]


def test_evidence_moves_the_weights_to_datasets_that_compare_alike():
    regret = np.array([[0.0, 1.0, 2.0, 0.0], [2.0, 1.0, 0.0, 2.0]])
    belief = belief_of(regret, evidence=2.0)
    assert_array_equal(belief.told(0, 0.9).told(1, 0.5).posterior(), [0.5, 0.5])
    told = belief.told(0, 0.9).told(1, 0.5).told(2, 0.1)
    assert told.posterior()[0] > 0.95
    assert belief_of(regret).told(0, 9).told(1, 5).told(2, 1).posterior()[0] == 0.5


def test_posterior_does_not_depend_on_the_unit_of_the_score():
    rng = np.random.default_rng(0)
    belief = belief_of(rng.uniform(0, 2, size=(6, 5)), evidence=1.0)
    scores = rng.normal(size=4)

    def after(scores):
        told = belief
        for j, score in enumerate(scores):
            told = told.told(j, score)
        return told.posterior()

    assert_allclose(after(scores), after(1000 * scores - 3))
    assert np.isfinite(after([*scores[:3], -np.inf])).all()
    assert np.isfinite(after([-np.inf] * 4)).all()


def test_guide_takes_what_it_does_not_know_when_it_is_due():
    guide = Guide(belief_of([[0.5, 0.0], [0.5, 0.0]]), {"a": 0, "b": 1})
    assert guide.best_next(["a", "b"], {}) == "b"
    assert guide.best_next(["a", "mine", "other", "b"], {}) == "mine"
    assert guide.best_next(["a"], {"b": 1.0}) == "a"
    guide = replace(guide, unknown_after=2)
    assert guide.best_next(["a", "mine", "b"], {}) == "b"
    assert guide.best_next(["a", "mine"], {"b": 1.0}) == "a"
    assert guide.best_next(["a", "mine"], {"b": 1.0}, pending=["c"]) == "mine"
    assert guide.best_next(["mine"], {}) == "mine"


# Seconds


def test_seconds_follow_the_power_law_that_made_them():
    rng = np.random.default_rng(0)
    n, d, k = (
        rng.integers(50, 4000, 80),
        rng.integers(2, 60, 80),
        rng.integers(2, 9, 80),
    )
    level, slope = rng.normal(size=6), 1 + 0.2 * rng.normal(size=6)
    seconds = np.exp(level) * (n[:, None] / 1000.0) ** slope * (d[:, None] / 20) ** 0.5
    known = np.where(rng.random(seconds.shape) < 0.2, np.nan, seconds)
    model = fit_seconds_model(known, n, d, k)
    expected = np.exp(level) * 2.0**slope
    assert_allclose(model.predict(2000, 20, 2), expected, rtol=0.1)


def test_a_pipeline_without_measurements_gets_finite_seconds():
    seconds = np.array([[1.0, np.nan], [2.0, np.nan], [4.0, np.nan]])
    model = fit_seconds_model(seconds, [100, 200, 400], [5, 5, 5], [2, 2, 2])
    assert np.isfinite(model.predict(10**9, 10**5, 100)).all()


def test_seconds_are_not_extrapolated_to_more_rows():
    seconds = np.array([[1.0], [2.0], [4.0], [np.nan]])
    model = fit_seconds_model(seconds, [100, 200, 400, 900], [5] * 4, [2] * 4)
    assert model.most_rows == 400  # nothing is known of the last one
    assert model.predict(10**6, 5, 2) == model.predict(400, 5, 2)
    assert model.predict(400, 5, 2) > model.predict(300, 5, 2)


# The judge


def test_judge_orders_what_is_known_to_be_better():
    matrix = planted()
    lengths = (1, 5, 10)
    parameters = {"n_neighbors": 8}
    mean = {
        name: leave_one_family_out(matrix, propose, lengths).values.mean(axis=0)
        for name, propose in {
            "random": in_random_order(0),
            "static": by_belief(shrinkage=np.inf, **parameters),
            "hybrid": by_belief(shrinkage=0.3, **parameters),
            "adaptive": by_belief(shrinkage=0.3, evidence=1.0, **parameters),
            "oracle": by_oracle(),
        }.items()
    }
    assert (mean["oracle"] == 0).all()
    assert (mean["hybrid"] < mean["static"]).all()
    assert (mean["static"] < mean["random"]).all()
    assert mean["adaptive"][2] <= mean["hybrid"][2]


def test_judge_shows_nothing_of_the_own_family():
    matrix = planted(n_datasets=12)
    matrix = replace(matrix, families=tuple(f"family {i // 3}" for i in range(12)))

    def propose(known, new, n):
        assert len(known.datasets) == 9
        assert matrix.families[new.index] not in known.families
        return [0]

    judgment = leave_one_family_out(matrix, propose, (1,))
    assert judgment.datasets == matrix.datasets


def test_belief_survives_datasets_with_next_to_nothing_known():
    mean = np.full((12, 5), np.nan)
    mean[0, 0], mean[1, :2] = 1.0, [0.5, 0.7]
    matrix = matrix_of(mean, np.full((12, 3), np.nan))
    belief = believe(remember(matrix), np.full(3, np.nan), (10, 3, 2), shrinkage=1.0)
    assert sorted(belief.order(9)) == list(range(5))
    assert np.isfinite(belief.gains()).all()


def test_other_weights_leave_out_what_never_varies():
    values = np.column_stack([np.arange(6.0), np.ones(6), np.arange(6.0) ** 2])
    space = meta_space(("a", "constant", "b"), values)
    learned = space.with_weights(np.array([3.0, 5.0, 1.0]))
    expected = meta_space(("a", "constant", "b"), values, np.array([3.0, 5.0, 1.0]))
    assert_allclose(learned.weights, [0.75, 0.0, 0.25])
    assert_allclose(learned.distances(values[2]), expected.distances(values[2]))
    assert space.with_weights(np.array([0.0, 1.0, 0.0])) is space
