"""The rule that selects tables, and the arithmetic of the comparison."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import make_regression
from sklearn.metrics import log_loss as sklearn_log_loss

from benchmarks._runs import append_line, pending
from benchmarks._systems import SEARCHES, make_automl, parts_of, search_parameters
from benchmarks._tables import SMALLEST_PROBABILITY, _test_rows, log_loss
from benchmarks.main_job import (
    best_scores,
    compare,
    losses,
    seconds_saved,
    summary,
    told,
)
from benchmarks.select_tables import NUMBER, STRATA, select


def make_manifest(n=200):
    rng = np.random.default_rng(0)
    return [
        {
            "name": f"table_{i}",
            "task": ("classification", "regression")[i % 2],
            "family": f"family_{i // 3}",
            "n_rows": int(rng.choice([150, 700, 9_000])),
        }
        for i in range(n)
    ]


def test_selection_follows_its_rule():
    manifest = make_manifest()
    chosen = select(manifest)
    families = [entry["family"] for entry in chosen]
    assert len(set(families)) == len(families)
    for task, number in NUMBER.items():
        rows = [entry["n_rows"] for entry in chosen if entry["task"] == task]
        assert len(rows) == number
        counts = [sum(low <= n < high for n in rows) for low, high in STRATA]
        assert max(counts) - min(counts) <= 1


def test_selection_does_not_depend_on_the_order_of_the_manifest():
    manifest = make_manifest()
    assert select(manifest) == select(manifest[::-1])


def test_selection_from_too_few_tables():
    with pytest.raises(ValueError, match="distinct families; 12 are needed"):
        select(make_manifest(20))


def test_split_keeps_every_class_in_both_parts():
    y = pd.Series(["a"] * 60 + ["b"] * 30 + ["c"] * 2 + ["d"])
    test = _test_rows(y, "classification", seed=0)
    assert set(y[~test]) == {"a", "b", "c", "d"}
    assert set(y[test]) == {"a", "b", "c"}
    assert np.array_equal(test, _test_rows(y, "classification", seed=0))
    assert not np.array_equal(test, _test_rows(y, "classification", seed=1))


def test_log_loss_is_scikit_learns():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(3), size=50)
    y = rng.choice(["a", "b", "c"], size=50)
    classes = np.array(["a", "b", "c"])
    assert log_loss(y, p, classes) == pytest.approx(sklearn_log_loss(y, p), rel=1e-5)


def test_log_loss_of_a_sure_mistake_and_of_an_unknown_class():
    cost = -np.log(SMALLEST_PROBABILITY)
    assert log_loss(["a"], [[0.0, 1.0]], ["a", "b"]) == pytest.approx(cost, abs=1e-6)
    assert log_loss(["c"], [[0.5, 0.5]], ["a", "b"]) == pytest.approx(cost)


def record(table, seed, system, loss):
    ok = {"status": "ok", "loss": loss, "constant": 1.0}
    failed = {"status": "failed", "error": "no"}
    return {
        "task": "regression",
        "table": table,
        "seed": seed,
        "system": system,
        **(failed if loss is None else ok),
    }


def test_comparison_is_with_the_best_of_the_others():
    records = [
        record("t", 0, "ours", 0.40),
        record("t", 0, "a", 0.50),
        record("t", 0, "b", 0.45),
        record("t", 1, "ours", 0.50),
        record("t", 1, "a", 0.48),
        record("t", 1, "b", 0.90),
        record("u", 0, "ours", None),
        record("u", 0, "a", 0.9),
    ]
    compared = compare(losses(records), "ours", ("a", "b"))
    t, u = compared["regression", "t"], compared["regression", "u"]
    assert t.tolist() == [[0.40, 0.45, 1.0], [0.50, 0.48, 1.0]]
    # A run that failed counts as the constant prediction, and cannot win.
    assert u.tolist() == [[1.0, 0.9, 1.0]]
    result = summary(compared)
    assert (result["runs"], result["runs_won"]) == (3, 1)
    assert (result["tables"], result["tables_won"]) == (2, 1)
    gain = np.mean([1 - 0.45 / 0.465, 1 - 1.0 / 0.9])
    assert result["gain"] == pytest.approx(gain)
    assert result["normalized"] == pytest.approx(np.mean([0.015, -0.1]))
    assert result["normalized_error"] == pytest.approx(0.115 / 2)
    assert result["scores"] == pytest.approx(((0.55 + 0.0) / 2, (0.535 + 0.1) / 2))
    assert "1 of 2 tables (50%), 0 tied, 1 of 3 runs" in told(result)


def test_equal_losses_are_tied_and_one_table_has_no_standard_error():
    records = [record("t", 0, "ours", 0.4), record("t", 0, "a", 0.4)]
    result = summary(compare(losses(records), "ours", ("a",)))
    assert (result["tables_won"], result["tables_tied"]) == (0, 1)
    assert np.isnan(result["gain_error"]) and np.isnan(result["normalized_error"])


def test_runs_go_on_where_they_were(tmp_path):
    path = tmp_path / "results" / "runs.jsonl"
    plan = [{"table": "t", "seed": seed} for seed in range(3)]
    assert pending(path, plan, ("table", "seed")) == plan
    append_line(path, {**plan[0], "status": "ok"})
    append_line(path, {**plan[1], "status": "failed"})
    assert pending(path, plan, ("table", "seed")) == plan[1:]


def test_seconds_until_the_score_of_the_run_without_a_part():
    def record(system, trace, table="a"):
        return {
            "task": "regression",
            "table": table,
            "seed": 0,
            "system": system,
            "status": "ok",
            "trace": trace,
        }

    records = [
        record("with", [[1.0, -3.0], [2.0, -1.0], [9.0, -0.5]]),
        record("without", [[5.0, -2.0], [8.0, -1.0]]),
        record("with", [[1.0, -3.0]], table="b"),
        record("without", [[4.0, -2.0]], table="b"),
        record("without", [[4.0, -2.0]], table="c"),  # not run with it
    ]
    assert_allclose(seconds_saved(records, "with", "without"), [0.25, np.inf])


def test_best_scores_are_the_rises():
    def evaluation(score, seconds, status="ok"):
        return SimpleNamespace(score=score, seconds=seconds, status=status)

    history = [
        evaluation(-2.0, 1.0),
        evaluation(-1.0, 3.0, "pruned"),
        evaluation(-3.0, 1.0),
        evaluation(-1.5, 1.0),
    ]
    assert best_scores(history, n_jobs=2) == [[0.5, -2.0], [3.0, -1.5]]


@pytest.mark.parametrize("system", SEARCHES)
def test_every_system_is_the_estimator_with_one_difference(system):
    if system == "without_maml":
        pytest.importorskip("torch")
    # Without noise, a linear model that is drawn early would end the search.
    X, y = make_regression(60, 3, noise=10, random_state=0)
    model = make_automl(
        "regression",
        max_evaluations=3,
        n_jobs=1,
        random_state=0,
        **search_parameters(system),
    )
    with parts_of(system):
        model.fit(X, y)
    assert model.n_evaluations_ == 3
    pruned = [e for e in model.history_ if e.status == "pruned"]
    assert not pruned or system != "without_racing"
