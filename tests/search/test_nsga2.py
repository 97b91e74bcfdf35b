import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sklearn_meta.search._nsga2 import crowding_distances, nondominated_ranks

# Few values: ties and duplicates are the hard cases.
objectives_arrays = st.tuples(st.integers(0, 25), st.integers(1, 3)).flatmap(
    lambda shape: arrays(float, shape, elements=st.integers(-3, 3).map(float))
)


def _dominates(a, b):
    return all(x <= y for x, y in zip(a, b, strict=True)) and any(
        x < y for x, y in zip(a, b, strict=True)
    )


def _brute_force_ranks(objectives):
    left = set(range(len(objectives)))
    ranks = [None] * len(objectives)
    rank = 0
    while left:
        front = {
            i
            for i in left
            if not any(_dominates(objectives[j], objectives[i]) for j in left)
        }
        for i in front:
            ranks[i] = rank
        left -= front
        rank += 1
    return ranks


def _brute_force_crowding(objectives, ranks):
    distances = [0.0] * len(objectives)
    for i, rank in enumerate(ranks):
        front = [j for j, other in enumerate(ranks) if other == rank]
        if len(front) == 1:
            distances[i] = np.inf
            continue
        for m in range(objectives.shape[1]):
            order = sorted(front, key=lambda j, m=m: (objectives[j, m], j))
            span = objectives[order[-1], m] - objectives[order[0], m]
            if span == 0:
                continue
            place = order.index(i)
            if place in (0, len(order) - 1):
                distances[i] = np.inf
            else:
                before, after = order[place - 1], order[place + 1]
                distances[i] += (objectives[after, m] - objectives[before, m]) / span
    return distances


@given(objectives_arrays)
def test_ranks_agree_with_brute_force(objectives):
    assert nondominated_ranks(objectives).tolist() == _brute_force_ranks(objectives)


@given(objectives_arrays)
def test_crowding_agrees_with_brute_force(objectives):
    ranks = nondominated_ranks(objectives)
    expected = _brute_force_crowding(objectives, ranks.tolist())
    np.testing.assert_allclose(crowding_distances(objectives, ranks), expected)


@given(objectives_arrays, st.floats(0.1, 10), st.floats(-5, 5))
def test_scale_and_shift_change_no_rank(objectives, scale, shift):
    np.testing.assert_array_equal(
        nondominated_ranks(objectives), nondominated_ranks(objectives * scale + shift)
    )


def test_a_known_case():
    #  two objectives, both minimized; the first front is a staircase
    objectives = [[1, 5], [2, 3], [4, 1], [2, 5], [5, 5], [4, 2]]
    assert nondominated_ranks(objectives).tolist() == [0, 0, 0, 1, 2, 1]
    distances = crowding_distances(objectives, nondominated_ranks(objectives))
    assert distances[1] == pytest.approx(3 / 3 + 4 / 4)
    assert np.isinf(distances[[0, 2, 3, 4, 5]]).all()


def test_the_second_of_two_equal_individuals_is_no_worse():
    assert nondominated_ranks([[1, 1], [1, 1]]).tolist() == [0, 0]
