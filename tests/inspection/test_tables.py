"""The history as tables: in the order of what is of interest, complete, and correct."""

import builtins
import importlib
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_meta.evaluation._budget import Budget
from sklearn_meta.evaluation._records import FoldResult, Status
from sklearn_meta.inspection._tables import (
    as_table,
    cv_results,
    leaderboard,
    seconds_in_candidates,
    time_report,
)
from tests.evaluation.records import evaluation

HISTORY = [
    evaluation(0, [0.1, 0.3]),
    evaluation(1, status=Status.SKIPPED, reason="no time"),
    evaluation(2, status=Status.FAILED, reason="ValueError"),
    evaluation(3, [0.9], Status.PRUNED),
    evaluation(4, [0.5, 0.7]),
    evaluation(5, [0.8], Status.TIMEOUT),
    evaluation(6, [0.95], Status.SAME),
    evaluation(7, [0.2, 0.2]),
]


@pytest.fixture
def without_pandas(monkeypatch):
    def import_module(name):
        if name == "pandas":
            raise ImportError(name)
        return builtins.__import__(name)

    monkeypatch.setattr(importlib, "import_module", import_module)


def test_the_best_comes_first_and_failures_last():
    table = leaderboard(HISTORY, 2, {4: 0.75, 0: 0.25})
    assert table["number"].tolist() == [4, 0, 7, 6, 3, 5, 2, 1]
    assert table.index.tolist() == list(range(1, 9)) and table.index.name == "rank"
    assert table["weight"].tolist()[:3] == [0.75, 0.25, 0.0]
    assert table["folds"].tolist() == ["2/2"] * 3 + ["1/2"] * 3 + ["0/2"] * 2
    assert table["status"].tolist()[-2:] == ["failed", "skipped"]
    assert table["reason"].tolist()[-2:] == ["ValueError", "no time"]
    assert_allclose(table["score"], [0.6, 0.2, 0.2, 0.95, 0.9, 0.8, np.nan, np.nan])
    assert (
        table["pipeline"].tolist()[0] == "c4" and table["origin"].tolist()[0] == "test"
    )
    assert table["fit_seconds"].tolist()[0] == 1.0


def test_without_pandas_it_is_a_list(without_pandas):
    rows = leaderboard(HISTORY[:1], 2, {})
    assert isinstance(rows, list) and rows[0]["rank"] == 1


def test_an_empty_table_has_no_index():
    assert len(as_table([], index="rank")) == 0


def test_results_are_those_of_a_grid_search():
    results = cv_results(HISTORY, 2)
    assert all(len(values) == len(HISTORY) for values in results.values())
    assert_array_equal(results["split0_test_score"][[0, 3, 1]], [0.1, 0.9, np.nan])
    assert_array_equal(results["split1_test_score"][[0, 3]], [0.3, np.nan])
    assert "split2_test_score" not in results
    assert results["params"][4] == {"pipeline": "c4"}
    assert_allclose(results["mean_test_score"][[4, 3, 1]], [0.6, 0.9, np.nan])
    assert_allclose(results["std_test_score"][[4, 3, 1]], [0.1, 0, np.nan], atol=1e-12)
    # Equal scores share a rank; what lacks a fold comes last.
    assert results["rank_test_score"].tolist() == [2, 4, 4, 4, 1, 4, 4, 2]
    assert results["rank_test_score"][results["status"] == "ok"].max() == 2
    best = results["mean_test_score"][results["rank_test_score"] == 1]
    assert best.tolist() == [0.6]


def test_seconds_are_those_of_finished_fits_and_of_what_was_cut_short():
    screening = (FoldResult(0, 0.5, None, 2.0, 1.0),)
    history = [
        evaluation(0, [0.5], seconds=1.0, screening=screening),  # 1.5 + 3
        evaluation(1, [0.5], Status.TIMEOUT),  # 1.5 s in its fold
        evaluation(2, [0.5], Status.PRUNED),
        evaluation(3, status=Status.SKIPPED),
        evaluation(4, status=Status.CRASHED),
    ]
    whole = [9.0, 5.0, 9.0, 9.0, 2.0]
    history = [replace(e, seconds=s) for e, s in zip(history, whole, strict=True)]
    finished, cut_short = seconds_in_candidates(history)
    assert finished == pytest.approx(4.5 + 1.5 + 1.5)
    assert cut_short == pytest.approx((5.0 - 1.5) + 2.0)
    # A clock that is not exact makes nothing negative.
    assert seconds_in_candidates([replace(history[1], seconds=0.1)])[1] == 0


def test_the_report_adds_up_what_each_part_took():
    now = [10.0]
    plan = SimpleNamespace(budget=Budget(60.0, lambda: now[0]), n_workers=3)
    now[0] = 17.0
    final = SimpleNamespace(refit_seconds=2.5)
    report = time_report({"search": 4.0}, HISTORY[:1], final, plan)
    assert report == {
        "search": 4.0,
        "fit": 7.0,
        "candidates": 3.0,
        "candidates cut short": 0.0,
        "refit": 2.5,
        "n_workers": 3,
    }
