"""Seconds of a fit on a new dataset, from those on known ones."""

import numpy as np
from numpy.testing import assert_allclose

from sklearn_meta.timing._known_datasets import fit_seconds_model


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
