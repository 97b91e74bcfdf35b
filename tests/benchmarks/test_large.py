"""The generated tables are what their recipe says."""

import sys

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from benchmarks import large
from benchmarks._tables import log_loss
from benchmarks.large import N_COLUMNS, logit, make_split, results_table

CLASSES = ["0", "1"]


def test_the_logit_of_one_row_by_hand():
    x = np.zeros((1, N_COLUMNS))
    assert logit(x) == 0
    x[0, :15] = [1, 2, 3, 4, 5, 6, 7, 2, 3, 5, 1, -2, 0.6, 0.1, np.pi / 4]
    linear = 0.6 - 0.8 + 0.9
    products = 20 + 0.8 * 42 + 0.5 * 30
    assert logit(x) == pytest.approx([linear + products - 1.2 + 1.5 + 1.0])


def test_columns_beyond_the_fifteenth_are_noise(rng):
    x = rng.normal(size=(50, N_COLUMNS))
    other = x.copy()
    other[:, 15:] = rng.normal(size=(50, N_COLUMNS - 15))
    assert np.array_equal(logit(x), logit(other))


def test_labels_follow_the_stated_probabilities(global_random_seed):
    split, truth = make_split(10, global_random_seed, n_test=50_000)
    assert split.X_train.shape == (10, N_COLUMNS)
    assert truth.sum(axis=1) == pytest.approx(1)
    assert 0.05 <= truth.min() and truth.max() <= 0.95
    drawn = split.y_test == "1"
    for low in np.arange(0.05, 0.95, 0.1):
        rows = (low <= truth[:, 1]) & (truth[:, 1] < low + 0.1)
        sigma = np.sqrt((truth[rows, 0] * truth[rows, 1]).sum()) / rows.sum()
        difference = drawn[rows].mean() - truth[rows, 1].mean()
        assert abs(difference) < 4.5 * sigma


def test_the_same_seed_makes_the_same_table():
    (one, _), (same, _), (other, _) = (make_split(20, s, n_test=9) for s in (0, 0, 1))
    assert one.X_train.equals(same.X_train) and one.X_test.equals(same.X_test)
    assert one.y_train.tolist() == same.y_train.tolist()
    assert not one.X_train.equals(other.X_train)


def test_interactions_are_out_of_reach_of_a_linear_model():
    split, truth = make_split(5_000, 0, n_test=5_000)
    model = LogisticRegression().fit(split.X_train, split.y_train)
    linear = log_loss(split.y_test, model.predict_proba(split.X_test), CLASSES)
    best = log_loss(split.y_test, truth, CLASSES)
    constant = log_loss(split.y_test, np.full((5_000, 2), 0.5), CLASSES)
    assert best < linear - 0.1 < constant - 0.1


def test_the_command_goes_on_where_it_was(tmp_path, monkeypatch, capsys):
    def fake(python, settings, split, *, limits, variables):
        asked.append((settings.adapter, settings.budget, len(split.y_train), limits))
        record = {"rows": len(split.y_train), "peak_megabytes": 100.0}
        if settings.budget is None:
            scores = {"log_loss": 0.6, "roc_auc": 0.7}
            return record | {"status": "ok", "scores": scores, "fit_seconds": 2.0}
        return record | {"status": "memory", "reason": "memory limit reached"}

    asked = []
    monkeypatch.setattr(large, "measure", fake)
    monkeypatch.setattr(large, "use_cores", lambda n: None)
    monkeypatch.setattr(large, "stop_on_termination", lambda: None)
    monkeypatch.setattr(large, "N_TEST", 10)
    words = f"large --rows 40 50 --budget 3 --results {tmp_path / 'large.jsonl'}"
    words = f"{words} --markdown {tmp_path / 'new'}"
    monkeypatch.setattr(sys, "argv", words.split())
    large.main()
    large.main()
    assert [(budget, n) for _, budget, n, _ in asked] == [
        (None, 40),
        (3.0, 40),
        (None, 50),
        (3.0, 50),
    ]
    assert {limits.megabytes for *_, limits in asked} == {16_384.0}
    *_, lightgbm, ours = capsys.readouterr().out.strip().splitlines()
    assert "| 50 " in lightgbm and "| 0.6 " in lightgbm
    assert "sklearn_meta" in ours and "memory limit reached" in ours
    written = (tmp_path / "new" / "large.md").read_text(encoding="utf-8")
    assert written.strip().splitlines()[-2:] == [lightgbm, ours]


def test_results_are_ordered_by_size():
    records = [
        {
            "rows": n,
            "seed": 0,
            "system": "a",
            "budget": None,
            "truth": 0.5,
            "peak_megabytes": 1.0,
            "status": "ok",
            "scores": {"log_loss": 0.6, "roc_auc": 0.7},
        }
        for n in (1_000_000, 200_000)
    ]
    assert [r[0] for r in results_table(records).rows] == ["200 000", "1 000 000"]
