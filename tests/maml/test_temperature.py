"""Temperature scaling."""

import numpy as np
import pytest
from scipy.special import softmax

from sklearn_meta.maml._temperature import fit_temperature


@pytest.mark.parametrize("truth", [0.4, 1.0, 3.0])
def test_the_temperature_of_many_rows_is_found(truth):
    rng = np.random.default_rng(0)
    logits = 2 * rng.normal(size=(5000, 4))
    cumulated = softmax(logits / truth, axis=1).cumsum(axis=1)
    codes = (rng.random((5000, 1)) > cumulated).sum(axis=1)
    found = fit_temperature(logits, codes, np.ones(5000))
    assert found == pytest.approx(truth, rel=0.1)


def test_without_rows_nothing_changes():
    found = fit_temperature(np.zeros((0, 3)), np.zeros(0, int), np.zeros(0))
    assert found == pytest.approx(1.0, abs=1e-3)


def test_one_perfect_row_is_no_reason_for_certainty():
    found = fit_temperature(np.array([[3.0, 0.0]]), np.array([0]), np.ones(1))
    assert 0.8 < found < 1.0


def test_weights_count_like_repetitions():
    rng = np.random.default_rng(0)
    logits, codes = rng.normal(size=(30, 3)), rng.integers(0, 3, 30)
    weight = rng.integers(0, 4, 30)
    one = fit_temperature(logits, codes, weight)
    other = fit_temperature(
        logits.repeat(weight, axis=0), codes.repeat(weight), np.ones(weight.sum())
    )
    assert one == pytest.approx(other, rel=1e-6)
