"""Values that are drawn and moved are legal, and illegal ones are named."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_meta.exceptions import InvalidHyperparameterError
from sklearn_meta.pipelines import Choice, Float, Integer

HYPERPARAMETERS = (
    Float("share", 0.1, 1.0, 0.5),
    Float("rate", 1e-4, 10.0, None, log=True),
    Float("penalty", 1e-3, 1.0, 0.0, log=True),
    Integer("depth", 1, 8, None),
    Integer("rounds", 20, 2000, 100, log=True),
    Choice("kernel", ("rbf", "poly", None), "rbf"),
    Choice("mixed", (1, True, 1.0), 1),
)


@given(st.sampled_from(HYPERPARAMETERS), st.integers(0, 2**32 - 1))
def test_drawn_and_perturbed_values_are_legal_and_differ(h, seed):
    rng = np.random.default_rng(seed)
    for value in (h.default, h.sample(rng)):
        moved = h.perturb(value, rng)
        assert h.contains(value) and h.contains(moved)
        assert h.check(moved) == moved
        assert moved != value or type(moved) is not type(value)


@given(st.integers(0, 2**32 - 1))
def test_drawn_floats_have_few_digits(seed):
    value = Float("rate", 1e-4, 10.0, 1.0, log=True).sample(np.random.default_rng(seed))
    assert value == float(f"{value:.4g}")


def test_a_logarithmic_scale_is_drawn_uniformly_on_it():
    rng = np.random.default_rng(0)
    drawn = [Float("rate", 1e-4, 1.0, 1.0, log=True).sample(rng) for _ in range(2000)]
    shares, _ = np.histogram(np.log10(drawn), bins=4, range=(-4, 0))
    assert (np.abs(shares / 2000 - 0.25) < 0.05).all()
    counts = [Integer("depth", 1, 4, 1).sample(rng) for _ in range(2000)]
    assert (np.abs(np.bincount(counts)[1:] / 2000 - 0.25) < 0.05).all()


@pytest.mark.parametrize(
    "h, value, message",
    [
        (HYPERPARAMETERS[0], 2, r"share must be a float in \[0.1, 1.0\]. Got 2 "),
        (HYPERPARAMETERS[0], True, "Got True"),
        (HYPERPARAMETERS[1], "a", "or None. Got 'a'"),
        (HYPERPARAMETERS[3], 2.0, "depth must be an int in .*or None. Got 2.0"),
        (HYPERPARAMETERS[4], None, "Got None"),
        (HYPERPARAMETERS[5], "rbff", "kernel must be one of .*Got 'rbff'"),
    ],
)
def test_illegal_values_are_named(h, value, message):
    assert not h.contains(value)
    with pytest.raises(InvalidHyperparameterError, match=message):
        h.check(value)


def test_types_of_choices_are_told_apart():
    h = Choice("weights", (None, 1), None)
    assert h.contains(1) and not h.contains(True) and not h.contains(1.0)


def test_a_single_value_stays():
    rng = np.random.default_rng(0)
    assert Integer("n", 3, 3, 3).perturb(3, rng) == 3
    assert Choice("n", (3,), 3).perturb(3, rng) == 3
