"""The arithmetic of the comparison."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import wilcoxon

from benchmarks.peers._scores import METRICS
from benchmarks.peers._summary import (
    WORST_NORMALIZED,
    Comparison,
    Competitor,
    compare,
    confidence_interval,
    duel,
    holm,
    normalized,
    ranks,
    wins,
)
from tests.benchmarks.made_up_results import make_record

A, B, C = (Competitor(name, 10.0) for name in "abc")
RMSE = METRICS["rmse"]
SCORES = arrays(
    float,
    st.tuples(st.integers(1, 8), st.integers(2, 5)),
    elements=st.floats(-100, 0).map(lambda x: round(x, 3)),
)


def make_comparison(scores, constants=None):
    scores = np.asarray(scores, dtype=float)
    n_tables, n = scores.shape
    return Comparison(
        RMSE,
        tuple(Competitor(f"system {i}", 10.0) for i in range(n)),
        tuple(f"table {i}" for i in range(n_tables)),
        scores,
        np.full(n_tables, -50.0) if constants is None else np.asarray(constants),
        np.zeros(scores.shape, dtype=int),
    )


# Which runs are compared


def test_means_over_the_seeds_that_all_have():
    records = [
        make_record("t", "a", 0.2, seed=0),
        make_record("t", "a", 0.4, seed=1),
        make_record("t", "a", 9.9, seed=2),
        make_record("t", "b", 0.5, seed=0),
        make_record("t", "b", None, seed=1),
        make_record("t", "c", 9.9, seed=0),
        make_record("u", "a", 9.9, seed=0),  # b did not run there
        make_record("v", "a", 9.9, seed=0),  # they share no seed
        make_record("v", "b", 9.9, seed=1),
        make_record("w", "a", 9.9, task="classification"),
        make_record("w", "b", 9.9, task="classification"),
    ]
    comparison = compare(records, RMSE, [A, B])
    assert comparison.tables == ("t",)
    # What failed is the constant prediction, whose RMSE is 1.
    assert comparison.scores == pytest.approx(np.array([[-0.3, -0.75]]))
    assert comparison.shown(comparison.scores) == pytest.approx(np.array([[0.3, 0.75]]))
    assert comparison.constants.tolist() == [-1.0]
    assert comparison.failures.tolist() == [[0, 1]]


def test_a_metric_that_is_greater_when_better_keeps_its_sign():
    records = [make_record("t", name, 0.5) for name in "ab"]
    comparison = compare(records, METRICS["r2"], [A, B])
    assert comparison.scores.tolist() == [[0.5, 0.5]]
    assert comparison.shown(comparison.scores).tolist() == [[0.5, 0.5]]


def test_a_table_on_which_a_metric_is_not_defined_is_left_out():
    records = [make_record("t", name, 0.5, task="classification") for name in "ab"]
    for record in records:
        record["constant"]["roc_auc"] = record["scores"]["roc_auc"] = None
    assert compare(records, METRICS["roc_auc"], [A, B]).tables == ()
    assert compare(records, METRICS["log_loss"], [A, B]).tables == ("t",)


def test_no_runs_in_common():
    comparison = compare([make_record("t", "a", 0.5)], RMSE, [A, B])
    assert comparison.tables == ()
    assert comparison.scores.shape == (0, 2)


# Ranks and scores


def test_ranks_and_wins_of_a_small_example():
    comparison = make_comparison([[-1, -2, -3], [-2, -2, -1], [-4, -4, -4]])
    assert ranks(comparison).tolist() == [[1, 2, 3], [2.5, 2.5, 1], [2, 2, 2]]
    assert wins(comparison) == pytest.approx([1 + 1 / 3, 1 / 3, 1 + 1 / 3])


def test_normalized_scores_of_a_small_example():
    comparison = make_comparison(
        [[-1.0, -2.0, -5.0], [-5.0, -5.0, -6.0]], constants=[-3.0, -4.0]
    )
    assert normalized(comparison).tolist() == [[1, 0.5, -1], [0, 0, 0]]


@given(SCORES)
def test_ranks_and_wins_are_shared_out(scores):
    comparison = make_comparison(scores)
    n_tables, n = scores.shape
    assert ranks(comparison).sum(axis=1) == pytest.approx(n * (n + 1) / 2)
    assert wins(comparison).sum() == pytest.approx(n_tables)


@given(SCORES)
def test_normalized_scores_are_bounded_and_keep_the_order(scores):
    comparison = make_comparison(scores)
    values = normalized(comparison)
    assert WORST_NORMALIZED <= values.min() and values.max() <= 1
    for row, original in zip(values, scores, strict=True):
        assert (np.diff(row[np.argsort(original)]) >= 0).all()
        if original.max() > -50.0:
            assert row.max() == 1


def test_the_interval_of_a_mean():
    rng = np.random.default_rng(0)
    values = np.column_stack([rng.normal(0.5, 0.2, size=400), np.full(400, 0.7)])
    low, high = confidence_interval(values)
    half = 1.96 * values[:, 0].std() / np.sqrt(400)
    mean = values[:, 0].mean()
    assert [low[0], high[0]] == pytest.approx([mean - half, mean + half], abs=0.003)
    assert [low[1], high[1]] == pytest.approx([0.7, 0.7])
    assert np.array_equal(confidence_interval(values), [low, high])


# Duels


def test_a_duel_of_a_small_example():
    a = [-1.0, -2.0, -3.0, -4.0, -1.00001, -2.0]
    b = [-2.0, -2.5, -3.5, -3.0, -1.0, -4.0]
    comparison = make_comparison(np.column_stack([a, b]))
    result = duel(comparison, *comparison.competitors)
    assert (result.win, result.tie, result.loss) == (4, 1, 1)
    share = [1 / 2, 0.5 / 2.5, 0.5 / 3.5, -1 / 4, -0.00001 / 1.00001, 2 / 4]
    assert result.gain == pytest.approx(np.median(share))
    ratios = np.divide(a, b)
    assert result.loss_ratio == pytest.approx(np.prod(ratios) ** (1 / 6))
    assert result.p_value == pytest.approx(wilcoxon(share).pvalue)


def test_scores_that_are_no_losses_have_no_ratio():
    comparison = make_comparison(np.array([[0.9, 0.8], [-0.1, 0.5]]))
    assert math.isnan(duel(comparison, *comparison.competitors).loss_ratio)


def test_a_duel_with_oneself():
    comparison = make_comparison(np.full((4, 2), -1.0))
    result = duel(comparison, *comparison.competitors)
    assert (result.win, result.tie, result.loss, result.gain) == (0, 4, 0, 0)
    assert math.isnan(result.p_value)


@given(SCORES)
def test_a_duel_has_two_sides(scores):
    comparison = make_comparison(scores)
    first, second = comparison.competitors[:2]
    one, other = duel(comparison, first, second), duel(comparison, second, first)
    assert one.win + one.tie + one.loss == len(scores)
    assert (one.win, one.tie, one.loss) == (other.loss, other.tie, other.win)
    assert one.gain == pytest.approx(-other.gain)
    assert one.loss_ratio == pytest.approx(1 / other.loss_ratio, nan_ok=True)
    assert one.p_value == pytest.approx(other.p_value, nan_ok=True)


def test_holms_adjustment_of_a_small_example():
    adjusted = holm([0.01, 0.04, math.nan, 0.03, 0.005])
    expected = [0.03, 0.06, math.nan, 0.06, 0.02]
    assert adjusted == pytest.approx(expected, nan_ok=True)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=10))
def test_holms_adjustment_is_between_none_and_bonferroni(p_values):
    adjusted = holm(p_values)
    for p, a in zip(p_values, adjusted, strict=True):
        assert p <= a <= 1
    assert min(adjusted) == pytest.approx(min(1, len(p_values) * min(p_values)))
