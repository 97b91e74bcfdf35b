"""Greedy selection makes the choices of its definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_meta.ensemble import LogLoss, SquaredError, greedy_selection
from tests.ensemble.candidates import class_candidates, target_candidates


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
