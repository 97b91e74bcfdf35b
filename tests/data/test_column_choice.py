"""The user says how columns are to be read: by name, position or selector."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.compose import make_column_selector

from sklearn_meta import MetaAutoClassifier
from sklearn_meta.data._column_choice import chosen_kinds
from sklearn_meta.data._describe import column_names
from sklearn_meta.exceptions import SklearnMetaError

FRAME = pd.DataFrame(
    {"zip": [1, 2], "note": ["a", "b"], "x": [0.5, 1.5], "zip_2": [3, 4]}
)


def choose(column_kinds, X=FRAME):
    return chosen_kinds(X, column_names(X), column_kinds)


@pytest.mark.parametrize(
    ("column_kinds", "expected"),
    [
        (None, {}),
        ({}, {}),
        ({"zip": "category", "note": "text"}, {0: "category", 1: "text"}),
        ({0: "category", -1: "drop"}, {0: "category", 3: "drop"}),
        ({np.int64(2): "drop"}, {2: "drop"}),
        ({("zip", "zip_2"): "category"}, {0: "category", 3: "category"}),
        ({("zip", 2): "category"}, {0: "category", 2: "category"}),
        (
            {make_column_selector(pattern="^zip"): "category"},
            {0: "category", 3: "category"},
        ),
        ({make_column_selector(dtype_include="float"): "drop"}, {2: "drop"}),
        # A name takes precedence over a selector, whatever comes first.
        (
            {"zip": "number", make_column_selector("zip"): "category"},
            {0: "number", 3: "category"},
        ),
        ({lambda X: slice(1, 3): "drop"}, {1: "drop", 2: "drop"}),
        ({lambda X: [False, True, False, False]: "drop"}, {1: "drop"}),
        ({lambda X: X.columns[:1]: "drop"}, {0: "drop"}),
        ({lambda X: "x": "drop"}, {2: "drop"}),
        ({lambda X: []: "drop"}, {}),
    ],
)
def test_columns_of_a_frame(column_kinds, expected):
    assert choose(column_kinds) == expected


@pytest.mark.parametrize(
    "X", [FRAME.to_numpy(), sparse.csr_array(np.eye(4)), np.eye(4)]
)
def test_columns_without_names_have_positions(X):
    assert choose({1: "category", (2, -1): "drop"}, X) == {
        1: "category",
        2: "drop",
        3: "drop",
    }
    with pytest.raises(ValueError, match="names 4, but X has no such column"):
        choose({4: "category"}, X)


def test_columns_of_polars():
    X = pl.from_pandas(FRAME)
    assert choose({"zip": "category", 1: "text"}, X) == {0: "category", 1: "text"}
    assert choose({lambda X: X.columns[2:]: "drop"}, X) == {2: "drop", 3: "drop"}


def test_names_that_are_no_strings():
    X = pd.DataFrame(np.eye(3), columns=[2, 0, 7])
    # Names come before positions.
    assert choose({2: "category", 7: "drop", 1: "text"}, X) == {
        0: "category",
        2: "drop",
        1: "text",
    }
    X.columns = pd.MultiIndex.from_tuples([("a", "x"), ("a", "y"), ("b", "x")])
    assert choose({("a", "y"): "category"}, X) == {1: "category"}
    assert choose({(("a", "x"), ("b", "x")): "drop"}, X) == {0: "drop", 2: "drop"}


@pytest.mark.parametrize(
    ("column_kinds", "message"),
    [
        ({"zap": "category"}, "names 'zap', but X has no such column.*mean 'zip'"),
        ({("zip", "qqq"): "category"}, "names 'qqq', but X has no such column"),
        ({4: "category"}, "names 4"),
        ({True: "category"}, "names True"),
        ({lambda X: ["qqq"]: "category"}, "names 'qqq'"),
        (
            {"zip": "categories"},
            "must map columns to kinds.*Got 'categories' for 'zip'",
        ),
        ({"zip": "identifier"}, "'drop'.*Got 'identifier'"),
        ({"zip": None}, "Got None"),
        ({"zip": ["category"]}, "must map columns to kinds"),
    ],
)
def test_other_columns_and_kinds_are_refused(column_kinds, message):
    with pytest.raises(ValueError, match=message) as info:
        choose(column_kinds)
    assert isinstance(info.value, SklearnMetaError) or "InvalidParameter" in repr(
        type(info.value)
    )


@pytest.mark.parametrize("column_kinds", ["category", ["zip"], 3, {"zip"}])
def test_what_is_no_mapping_is_refused(column_kinds):
    with pytest.raises(
        ValueError, match="'column_kinds' parameter .* must be an instance of .*Mapping"
    ):
        MetaAutoClassifier(column_kinds=column_kinds).fit(FRAME, [0, 1])
