"""Seconds of known datasets tell those of new ones."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from sklearn_meta.timing._known_datasets import (
    LEAST_SECONDS,
    SHRINKAGE,
    SecondsModel,
    fit_seconds_model,
)


def datasets(n=400, seed=0):
    rng = np.random.default_rng(seed)
    rows = np.exp(rng.uniform(4, 10, n)).astype(int)
    columns = np.exp(rng.uniform(1, 5, n)).astype(int)
    return rows, columns, rng.integers(1, 20, n)


def law(sizes, level, powers):
    return level * np.prod([np.asarray(s, float) ** p for s, p in zip(sizes, powers, strict=True)], axis=0)  # fmt: skip  # noqa: E501


def test_a_power_law_is_found_again():
    sizes = datasets()
    powers = [(1.0, 0.5, 0.2), (1.5, 1.0, 0.0)]
    seconds = np.column_stack(
        [law(sizes, 1e-3, powers[0]), law(sizes, 1e-4, powers[1])]
    )
    model = fit_seconds_model(seconds, *sizes)
    new = (3_000, 20, 4)
    expected = [law(new, 1e-3, powers[0]), law(new, 1e-4, powers[1])]
    assert_allclose(model.predict(*new), expected, rtol=0.1)


def test_a_pipeline_with_few_datasets_borrows_the_slopes_of_the_others():
    sizes = datasets()
    powers = (1.0, 0.5, 0.2)
    seconds = np.column_stack(
        [law(sizes, 1e-3, powers), law(sizes, 1e-2, powers), np.full(400, np.nan)]
    )
    seconds[1:, 1] = np.nan  # known on one dataset
    model = fit_seconds_model(seconds, *sizes)
    new = (3_000, 20, 4)
    predicted = model.predict(*new)
    assert_allclose(predicted[0], law(new, 1e-3, powers), rtol=0.05)
    assert_allclose(predicted[1], law(new, 1e-2, powers), rtol=0.05)
    assert np.isfinite(predicted).all() and SHRINKAGE > 0


def test_seconds_that_are_not_known_or_not_positive_are_left_out():
    sizes = datasets()
    clean = law(sizes, 1e-3, (1.0, 0.5, 0.2))[:, None]
    holes = clean.copy()
    holes[::3], holes[1::3] = np.nan, 0.0
    whole = fit_seconds_model(clean[2::3], *(s[2::3] for s in sizes))
    model = fit_seconds_model(holes, *sizes)
    assert_allclose(model.coefficients, whole.coefficients, atol=1e-6)


def test_more_rows_than_any_dataset_had_count_as_so_many():
    rows, columns, classes = datasets()
    seconds = law((rows, columns, classes), 1e-3, (1.0, 0.5, 0.2))[:, None]
    largest = rows.argmax()
    seconds[largest] = np.nan  # it does not count: nothing is known of it
    model = fit_seconds_model(seconds, rows, columns, classes)
    assert model.most_rows == np.delete(rows, largest).max()
    at_most = model.predict(model.most_rows, 10, 2)
    assert_allclose(model.predict(100 * model.most_rows, 10, 2), at_most)
    assert model.predict(model.most_rows // 2, 10, 2) < at_most


@given(st.integers(1, 10**9), st.integers(1, 10**6), st.integers(1, 10**4))
def test_predictions_are_finite_and_not_faster_than_a_clock(n, d, k):
    sizes = (np.array([10, 20]), np.array([1, 1000]), np.array([2, 2]))
    model = fit_seconds_model(np.array([[1e-9], [1e6]]), *sizes)
    predicted = model.predict(n, d, k)
    assert predicted.shape == (1,) and np.isfinite(predicted).all()
    assert (predicted >= LEAST_SECONDS).all()


def test_an_extrapolation_far_beyond_what_was_seen_does_not_overflow():
    model = SecondsModel(np.array([[0.0], [0.0], [1e3], [0.0]]), 10)
    assert np.isfinite(model.predict(10, 10**6, 2)).all()


def test_nothing_known_at_all():
    model = fit_seconds_model(np.full((2, 3), np.nan), [10, 20], [1, 1], [2, 2])
    assert np.isfinite(model.predict(10, 1, 2)).all() and model.most_rows == 1
