"""Meta-features of tables with text: of the other columns, or of components."""

import numpy as np
import pytest
from scipy import sparse

from sklearn_meta.data._dataset import Dataset
from sklearn_meta.data._encoding import schema_of
from sklearn_meta.data._task import RegressionTask
from sklearn_meta.metalearning.metafeatures import describe
from sklearn_meta.metalearning.metafeatures._without_text import (
    N_COMPONENTS,
    without_text,
)
from sklearn_meta.testing import make_table, make_target
from tests.metalearning.metafeatures.tables import AMPLE, make_dataset


def text_dataset():
    table, schema = make_table("text")
    return Dataset(table, make_target(table, "regression"), schema, RegressionTask())


def test_the_columns_beside_the_text_are_described():
    dataset = text_dataset()
    leading = dataset.X[:, :6].toarray()
    beside = Dataset(
        leading, dataset.y, schema_of(leading, 2, (2, 6)), RegressionTask()
    )
    assert describe(dataset, time_limit=AMPLE) == describe(beside, time_limit=AMPLE)


@pytest.mark.parametrize("n_tokens", [3, 4_000])
def test_components_describe_text_alone(n_tokens):
    rng = np.random.default_rng(0)
    counts = sparse.random(300, n_tokens, 0.01, "csr", rng=rng)
    y = rng.normal(size=300)
    schema = schema_of(counts, n_words=n_tokens)
    dataset = Dataset(counts, y, schema, RegressionTask())
    found = without_text(dataset, max_rows=100)
    assert found.X.shape == (300, min(n_tokens, N_COMPONENTS))
    assert found.schema == schema_of(found.X)
    values = describe(dataset, time_limit=AMPLE)
    assert values == describe(dataset, time_limit=AMPLE)
    assert np.isfinite(values["log_columns"])


def test_other_datasets_are_left_alone():
    dataset = make_dataset(np.ones((5, 2)), np.arange(5.0))
    assert without_text(dataset, max_rows=10) is dataset
