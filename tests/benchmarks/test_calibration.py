"""The benchmark of calibration, without a run."""

from argparse import Namespace

import numpy as np
import pytest

from benchmarks import calibration
from benchmarks._runs import append_line


def test_the_calibration_error_by_hand():
    # Two bins: 0.55 and 0.55 with one right, 0.95 with none.
    bins = calibration.reliability(
        np.array([0.55, 0.55, 0.95]), np.array([True, False, False])
    )
    assert bins.shape == (10, 3)
    np.testing.assert_allclose(bins[5], [2, 1.1, 1])
    expected = (abs(1.1 - 1) + 0.95) / 3
    assert calibration.calibration_error(bins) == pytest.approx(expected)


def test_a_probability_of_one_is_in_the_last_bin():
    bins = calibration.reliability(np.ones(4), np.ones(4, dtype=bool))
    assert bins[-1, 0] == 4 and calibration.calibration_error(bins) == 0


def test_calibrated_probabilities_have_an_error_near_zero(rng):
    p = rng.uniform(0.5, 1, size=20_000)
    bins = calibration.reliability(p, rng.uniform(size=20_000) < p)
    assert calibration.calibration_error(bins) < 0.015
    sure = calibration.reliability(p, rng.uniform(size=20_000) < 0.5)
    assert calibration.calibration_error(sure) == pytest.approx(0.25, abs=0.02)


def lines(table, ece):
    """What the runs of a table write."""
    bins = [[10, 9.0, 8.0]] + [[0, 0, 0]] * 9
    scores = {"log_loss": 0.3, "accuracy": 0.8, "ece": ece, "bins": bins}
    common = {"status": "ok", "table": table, "seed": 0}
    yield {**common, "system": "sklearn_meta", "sklearn_meta": scores}
    yield {
        **common,
        "system": "single",
        "kind": "stack",
        "single": scores,
        "single_uncalibrated": {**scores, "log_loss": 0.4},
    }
    yield {**common, "system": "lightgbm", "lightgbm": {**scores, "ece": 2 * ece}}


def test_the_report_compares_complete_tables(tmp_path, capsys):
    path = tmp_path / "results.jsonl"
    for table in ("a", "b"):
        for line in lines(table, 0.05):
            append_line(path, line)
    append_line(path, next(lines("incomplete", 0.9)))
    figure = tmp_path / "reliability.png"
    calibration.report(Namespace(results=path, figure=figure))
    text = capsys.readouterr().out
    assert "2 tables on which all systems have a result" in text
    assert "smaller ECE than lightgbm on 100% of the tables" in text
    assert "calibrated on 2 of 2 tables; log loss smaller by 25.00% ± 0.00%" in text
    assert figure.stat().st_size > 5_000
