"""A row that is made up can be predicted, whatever the kind of table."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sklearn_meta.inspection.report._made_up_row import made_up_row
from tests.contract.small import classifier


def predict_made_up(X, y):
    model = classifier(max_evaluations=1).fit(X, y)
    row = made_up_row(model)
    assert row.shape == (1, X.shape[1])
    assert model.predict(row).shape == (1,)
    return row


@pytest.fixture
def frame(rng):
    n = 40
    return pd.DataFrame(
        {
            "x": rng.normal(size=n),
            "flag": rng.integers(0, 2, size=n) == 1,
            "city": rng.choice(["Oslo", "Rome"], size=n),
            "kind": pd.Categorical(rng.choice(["a", "b"], size=n)),
            "when": pd.date_range("2020-01-01", periods=n, freq="D"),
            "took": pd.to_timedelta(np.arange(n), unit="h"),
            "paid": [f"{i}.50 €" for i in range(n)],
            "day": [f"2020-01-{1 + i % 28:02d}" for i in range(n)],
            "tags": rng.choice(["a; b", "b; c", "a"], size=n),
            "same": "x",
        }
    )


@pytest.fixture
def y(rng):
    return rng.integers(0, 2, size=40)


def test_pandas(frame, y):
    assert isinstance(predict_made_up(frame, y), pd.DataFrame)


def test_polars(frame, y):
    polars = pytest.importorskip("polars")
    X = polars.from_pandas(frame)
    assert isinstance(predict_made_up(X, y), polars.DataFrame)


def test_arrays(rng, frame, y):
    predict_made_up(rng.normal(size=(40, 3)), y)
    predict_made_up(rng.normal(size=(40, 3)).astype("float32"), y)
    predict_made_up(frame[["x", "city"]].to_numpy(dtype=object), y)
    predict_made_up(sparse.csr_matrix(rng.normal(size=(40, 3))), y)


def test_no_cell_is_taken_from_the_table(frame, y):
    row = predict_made_up(frame, y)
    assert row["x"].item() == 0.0 and row["paid"].item() != frame["paid"][0]
