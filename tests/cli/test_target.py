"""The target of a table, and what it suggests to be."""

import numpy as np
import pandas as pd
import pytest

from sklearn_meta.cli._errors import UsageError
from sklearn_meta.cli._messages import Messages
from sklearn_meta.cli._tables import TableFile
from sklearn_meta.cli._target import (
    as_numbers,
    guess_task,
    rows_with_target,
    task_of,
)


def rows(values, drop_missing=False):
    table = TableFile("t.csv", pd.DataFrame({"y": values}))
    messages = Messages()
    return rows_with_target(table, "y", drop_missing=drop_missing, messages=messages)


def test_missing_targets_are_an_error_with_a_way_out(capsys):
    with pytest.raises(UsageError, match="2 of 3 rows .* --drop-missing-target"):
        rows([1.0, None, None])
    assert rows([1.5, None, 2.0], drop_missing=True)["y"].tolist() == [1.5, 2.0]
    assert "1 of 3 rows without 'y' are left out." in capsys.readouterr().err


def test_labels_are_whole_numbers_again_without_the_missing_ones():
    found = rows([1.0, None, 2.0], drop_missing=True)
    assert found["y"].dtype == np.int64
    assert found.index.tolist() == [0, 1]


def test_tables_without_targets():
    with pytest.raises(UsageError, match="but no rows"):
        rows([])
    with pytest.raises(UsageError, match="no row of t.csv has a value in 'y'"):
        rows([None, None], drop_missing=True)


@pytest.mark.parametrize(
    "values, task",
    [
        (["a", "b"] * 5, "classification"),
        (pd.Categorical(["a", "b"] * 5), "classification"),
        ([True, False] * 5, "classification"),
        ([0, 1] * 5, "classification"),
        ([0.0, 1.0] * 5, "classification"),
        ([1, 2, 3, 4] * 5, "classification"),
        ([0.5, 1.0] * 5, "regression"),
        (range(20), "regression"),
        # As many as rows: a count, not a class.
        (range(8), "regression"),
        (["a", "b"], "classification"),
        ([f"${i},500" for i in range(20)], "regression"),
    ],
)
def test_what_a_target_suggests(values, task):
    found, reason = guess_task(pd.Series(values, name="y"))
    assert found == task
    assert reason.endswith(("texts", "numbers", "decimals", "values", "'$0,500'"))


@pytest.mark.parametrize(
    "values, message",
    [
        (
            [f"home {i}" for i in range(10)],
            "10 different texts in 10 rows, such as",
        ),
        (pd.date_range("2024-01-01", periods=5), "dates or durations"),
    ],
)
def test_what_is_neither_classes_nor_numbers(values, message):
    with pytest.raises(UsageError, match=message):
        guess_task(pd.Series(values, name="y"))


def test_numbers_that_are_written_as_texts():
    y = pd.Series([f"{i}.000,50 €" for i in range(1, 21)], name="y")
    np.testing.assert_array_equal(as_numbers(y), 1000 * np.arange(1, 21) + 0.5)
    assert as_numbers(y).name == "y"
    numbers = pd.Series([1, 2])
    assert as_numbers(numbers) is numbers
    assert as_numbers(pd.Series(["a", "b"])) is None
    with pytest.raises(UsageError, match="1 values of 'y' are no numbers, such as 'ma"):
        as_numbers(pd.concat([y, pd.Series(["many"])]).rename("y"))


def test_what_was_guessed_is_said(capsys):
    y = pd.Series([0, 1] * 5, name="y")
    assert task_of(y, None, Messages()) == "classification"
    assert capsys.readouterr().err == (
        "Task: classification, as 'y' holds 2 different whole numbers (otherwise: "
        "--task regression).\n"
    )
    assert task_of(y, "regression", Messages()) == "regression"
    assert capsys.readouterr().err == ""
