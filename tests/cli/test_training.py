"""Features, target, groups, weights and order of a table."""

from argparse import Namespace

import numpy as np
import pandas as pd
import pytest

from sklearn_meta.cli._errors import UsageError
from sklearn_meta.cli._messages import Messages
from sklearn_meta.cli._training import read_training


@pytest.fixture
def read(tmp_path, monkeypatch):
    """A function that reads a frame, as options say."""
    monkeypatch.chdir(tmp_path)

    def read(frame, **options):
        frame.to_csv("t.csv", index=False)
        given = {
            "table": "t.csv",
            "target": "y",
            "task": None,
            "drop": [],
            "drop_missing_target": False,
        }
        return read_training(Namespace(**{**given, **options}), Messages())

    return read


def frame(n=40):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "a": rng.normal(size=n),
            "b": rng.normal(size=n),
            "when": rng.permutation(pd.date_range("2024-01-01", periods=n).astype(str)),
            "who": np.arange(n) % 5,
            "weight": rng.uniform(size=n),
            "y": rng.normal(size=n),
        }
    )


def test_all_other_columns_are_features(read):
    training = read(frame())
    assert list(training.X.columns) == ["a", "b", "when", "who", "weight"]
    assert training.y.name == "y" and training.task == "regression"
    assert training.groups is training.weights is training.cv is None


def test_columns_with_a_role_are_no_features(read):
    table = frame()
    training = read(table, groups="who", weights="weight", drop=["b"])
    assert list(training.X.columns) == ["a", "when"]
    assert training.groups.tolist() == table["who"].tolist()
    np.testing.assert_allclose(training.weights, table["weight"], rtol=1e-12)


def test_rows_are_sorted_by_time(read, capsys):
    table = frame()
    training = read(table, order="when", weights="weight")
    table = table.sort_values("when", ignore_index=True)
    pd.testing.assert_frame_equal(training.X, table[["a", "b", "when", "who"]])
    np.testing.assert_allclose(training.y, table["y"], rtol=1e-12)
    np.testing.assert_allclose(training.weights, table["weight"], rtol=1e-12)
    assert "in the order of 'when', 5 folds" in capsys.readouterr().err
    for train, test in training.cv.split(training.X):
        assert train.max() < test.min()


def test_the_order_may_be_left_out_of_the_features(read):
    assert "when" not in read(frame(), order="when", drop=["when"]).X


@pytest.mark.parametrize("n, n_folds", [(6, 2), (20, 3), (30, 5), (15_000, 3)])
def test_folds_of_small_and_of_large_tables(read, n, n_folds):
    assert read(frame(n), order="when").cv.n_splits == n_folds


def test_rows_without_a_target_have_no_groups(read):
    table = frame()
    table.loc[3, "y"] = np.nan
    training = read(table, groups="who", drop_missing_target=True)
    assert len(training.X) == len(training.groups) == 39


@pytest.mark.parametrize("wrong", [-1.0, np.nan, "heavy"])
def test_wrong_weights(read, wrong):
    table = frame().astype({"weight": object})
    table.loc[3, "weight"] = wrong
    with pytest.raises(UsageError, match="'weight' must hold a number from 0 on"):
        read(table, weights="weight")


def test_numbers_as_texts(read):
    table = frame().assign(y=[f"{i} €" for i in range(40)])
    assert read(table).y.tolist() == list(range(40))
    with pytest.raises(UsageError, match="'when' holds texts that are no numbers"):
        read(table, target="when", task="regression")


def test_without_features(read):
    with pytest.raises(UsageError, match="no columns to predict 'y' from"):
        read(frame()[["y"]])


@pytest.mark.parametrize("role", ["target", "groups", "order", "weights"])
def test_columns_that_are_not_there(read, role):
    with pytest.raises(UsageError, match="no column 'whe' .* did you mean 'when'"):
        read(frame(), **{role: "whe"})
