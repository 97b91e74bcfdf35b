"""Seconds and bytes are those of predict and of the pickle."""

import pickle

import numpy as np

from sklearn_meta.inspection.report import _speed
from sklearn_meta.inspection.report._speed import measure


def test_size_is_that_of_the_pickle(cases):
    model = cases["classes"].model
    assert measure(model).n_bytes == len(pickle.dumps(model, protocol=5))


def test_large_arrays_count(cases):
    model = cases["classes"].model
    before = measure(model).n_bytes
    model.large_ = np.zeros(100_000)
    try:
        assert measure(model).n_bytes > before + 800_000
    finally:
        del model.large_


def test_of_what_cannot_be_pickled_there_is_no_size(cases):
    model = cases["classes"].model
    model.unpickled_ = lambda: None
    try:
        assert measure(model).n_bytes is None
    finally:
        del model.unpickled_


def test_rows_are_measured_by_the_median(cases, monkeypatch):
    case = cases["number"]
    # Each call takes a second of this clock.
    ticks = iter(range(10_000))
    monkeypatch.setattr(_speed.time, "perf_counter", lambda: float(next(ticks)))
    speed = measure(case.model, case.X)
    assert speed.one_row == speed.thousand_rows == 1.0
    assert not speed.is_made_up


def test_a_thousand_rows_are_predicted_also_of_few(cases):
    case, seen = cases["classes"], []

    class Counting:
        def predict(self, X):
            seen.append(len(X))
            return case.model.predict(X)

        def __getattr__(self, name):
            return getattr(case.model, name)

    measure(Counting(), case.X)
    assert set(seen) == {1, 1000}


def test_limits_are_those_of_the_estimator(cases):
    model = cases["classes"].model
    assert measure(model).limit_ms is None
    model.set_params(max_predict_ms=5.0)
    try:
        assert measure(model).limit_ms == 5.0
    finally:
        model.set_params(max_predict_ms=None)


def test_without_rows_one_is_made_up(case):
    speed = measure(case.model)
    assert speed.is_made_up and speed.one_row > 0 and speed.thousand_rows is None
