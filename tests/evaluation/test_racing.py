"""Who has lost the race."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_rel

from sklearn_meta.evaluation._racing import (
    CONFIDENCE,
    MIN_COMPARED_FOLDS,
    RacingRule,
    clearly_worse,
)

SCORES = st.floats(-10, 10, allow_subnormal=False).map(lambda score: round(score, 3))
BEST = (0.80, 0.70, 0.90, 0.75, 0.85)


@given(st.lists(st.tuples(SCORES, SCORES), min_size=MIN_COMPARED_FOLDS, max_size=10))
def test_clearly_worse_is_a_paired_t_test(pairs):
    scores, best = np.array(pairs).T
    if np.std(best - scores, ddof=1) < 1e-9:
        assert clearly_worse(scores, best) == (np.mean(best - scores) > 1e-9)
        return
    p = ttest_rel(best, scores, alternative="greater").pvalue
    if abs(p - (1 - CONFIDENCE)) > 1e-9:
        assert clearly_worse(scores, best) == (p < 1 - CONFIDENCE)


def test_a_hard_fold_is_hard_for_both():
    # Alone, the scores of either scatter more than they differ.
    behind = np.subtract(BEST, [0.050, 0.051, 0.049, 0.050, 0.052])
    assert clearly_worse(behind, BEST)
    assert not clearly_worse(np.subtract(BEST, [0.2, -0.1, 0.1, 0.1, -0.05]), BEST)


@given(st.lists(SCORES, min_size=1, max_size=10))
def test_nobody_loses_against_itself(scores):
    assert not clearly_worse(scores, scores)
    assert not RacingRule(floor=min(scores), best_scores=tuple(scores)).is_lost(scores)


def test_two_folds_prove_nothing():
    assert not clearly_worse([0.1, 0.1], BEST)
    assert clearly_worse([0.1, 0.2, 0.1], BEST)


@pytest.mark.parametrize("floor, lost", [(0.5, True), (0.3, False)])
def test_below_the_worst_fold_of_the_best_is_lost_at_once(floor, lost):
    assert RacingRule(floor=floor).is_lost([0.4]) is lost


def test_the_first_candidate_has_nobody_to_lose_against():
    assert not RacingRule().is_lost([-1e9, -1e9, -1e9, -1e9])


def test_folds_without_a_score_are_no_reason_to_lose():
    best = (np.nan, *BEST)
    assert not RacingRule(floor=0.7, best_scores=best).is_lost([np.nan])
    assert RacingRule(floor=0.7).is_lost([np.nan, 0.6])
    assert clearly_worse([np.nan, *np.subtract(BEST, 0.05)], best)
    # Two folds that have scores prove nothing.
    assert not clearly_worse([np.nan, 0.1, 0.1], best)
