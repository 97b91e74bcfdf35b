"""Synthetic tables are what their schema says."""

import pytest
from scipy.sparse import issparse

from sklearn_meta.testing import TABLE_KINDS, make_table


@pytest.mark.parametrize("kind", TABLE_KINDS)
def test_tables_are_what_their_schema_says(kind):
    table, schema = make_table(kind)
    assert table.shape == (120, schema.n_features)
    dense = table.toarray() if issparse(table) else table
    missing = [
        i for i in range(schema.n_features) if (dense[:, i] != dense[:, i]).any()
    ]
    assert set(missing) <= set(schema.missing)
    for i, cardinality in enumerate(schema.cardinalities):
        codes = dense[:, i][dense[:, i] == dense[:, i]]
        assert set(codes) <= set(range(cardinality))


def test_unknown_table():
    with pytest.raises(ValueError, match="kind must be one of dense.*'odd'"):
        make_table("odd")
