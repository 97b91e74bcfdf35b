"""The sample does not depend on the order of the rows."""

from dataclasses import replace

from sklearn_meta.data._encoding import schema_of
from sklearn_meta.metalearning.metafeatures import (
    describe,
)
from tests.metalearning.metafeatures.tables import (
    AMPLE,
    TASKS,
    ordinary_table,
)


def _take(dataset, rows):
    X = dataset.X[rows]
    schema = schema_of(X, dataset.schema.n_categorical, dataset.schema.cardinalities)
    return replace(dataset, X=X, y=dataset.y[rows], schema=schema)


def _other_rows(dataset, rng):
    return _take(dataset, rng.permutation(dataset.n_samples))


def test_the_same_bit_by_bit():
    for task in TASKS:
        dataset = ordinary_table(task, n_rows=300)
        first = describe(dataset, time_limit=AMPLE, max_rows=100, max_columns=5)
        again = describe(dataset, time_limit=AMPLE, max_rows=100, max_columns=5)
        other = describe(
            dataset, time_limit=AMPLE, max_rows=100, max_columns=5, random_state=1
        )
        assert first == again
        assert first != other


def test_any_order_of_a_table_gives_the_same_bits(rng):
    dataset = ordinary_table("regression")
    assert describe(dataset, time_limit=AMPLE) == describe(
        _other_rows(dataset, rng), time_limit=AMPLE
    )
