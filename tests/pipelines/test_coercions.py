"""Steps that the compiler inserts before an operator."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION
from sklearn_meta.pipelines._many_levels import MANY_LEVELS
from sklearn_meta.pipelines._schema import Schema
from sklearn_meta.testing import make_table, make_target
from tests.pipelines.every_kind import compiled, node, prepared, step_names

pytestmark = pytest.mark.filterwarnings("error")


def test_nothing_is_inserted_where_nothing_is_needed():
    assert step_names(compiled(node("linear"), Schema(4))) == ["linear"]
    _, mixed = make_table("mixed")
    assert step_names(compiled(node("lightgbm"), mixed)) == ["lightgbm"]
    for name in ("impute", "one_hot", "ordinal", "target_encode", "drop_categories"):
        for schema in (Schema(4), Schema(40, sparse=True)):
            pipeline = compiled(node("linear", node(name)), schema)
            assert step_names(pipeline) == ["linear"]


def test_only_the_nearly_empty_column_is_filled_for_native_learners():
    table, schema = make_table("mixed")
    y = make_target(table, CLASSIFICATION)
    pipeline = compiled(node("hist_boosting"), schema)
    assert step_names(pipeline) == ["fill_nearly_empty", "hist_boosting"]
    filled = prepared(pipeline, table, y)
    order = [0, 1, 3, 2, 4, 5]  # the filled column moves, the categories stay leading
    untouched = [0, 1, 3, 4, 5]
    np.testing.assert_array_equal(filled[:, untouched], table[:, order][:, untouched])
    assert np.isfinite(filled[:, 2]).all()


def test_categories_become_one_hot_columns_and_numbers_are_imputed():
    table, schema = make_table("mixed")
    pipeline = compiled(node("linear"), schema)
    table_in = prepared(pipeline, table)
    # Two levels, six levels, a missing one each, and four numbers.
    assert table_in.shape == (len(table), 3 + 7 + 4)
    assert np.isfinite(table_in).all()
    np.testing.assert_array_equal(table_in[:, :3].sum(axis=1), 1)
    present = ~np.isnan(table[:, 2])
    np.testing.assert_array_equal(table_in[present, 10], table[present, 2])
    assert set(table_in[~present, 10]) == {np.nanmedian(table[:, 2])}


def test_hist_boosting_gets_no_more_levels_than_bins():
    table, schema = make_table("levels", n_rows=400)
    table[:, 2] %= MANY_LEVELS
    schema = replace(schema, cardinalities=(2, 6, MANY_LEVELS))
    y = make_target(table, REGRESSION)
    pipeline = compiled(node("hist_boosting"), schema, REGRESSION)
    assert step_names(pipeline) == ["hist_boosting"]
    pipeline.fit(table, y)
    assert pipeline[-1].is_categorical_.all()
    few = compiled(node("hist_boosting", max_bins=40), schema, REGRESSION)
    assert step_names(few) == ["group_levels", "hist_boosting"]
    few.fit(table, y)
    assert few[:-1].transform(table)[:, 2].max() < 40


def test_wide_one_hot_is_sparse_where_the_learner_takes_it():
    n_categorical = 20
    schema = Schema(21, n_categorical, (60,) * n_categorical)
    rng = np.random.default_rng(0)
    table = rng.integers(60, size=(300, 21)).astype(float)
    linear = prepared(compiled(node("linear"), schema), table)
    assert sparse.issparse(linear)
    assert not sparse.issparse(prepared(compiled(node("neighbors"), schema), table))


def test_a_sparse_table_stays_sparse_where_it_can():
    table, schema = make_table("sparse")
    for features in ("standard", "robust", "impute"):
        pipeline = compiled(
            node(
                "linear",
                node(features),
            ),
            schema,
        )
        assert sparse.issparse(prepared(pipeline, table)), features
    pipeline = compiled(node("linear", node("power")), schema)
    assert step_names(pipeline) == ["densify", "power", "linear"]


def test_a_wide_sparse_table_is_reduced_before_it_is_made_dense():
    table, schema = make_table("wide")
    pipeline = compiled(node("neighbors"), schema)
    assert step_names(pipeline) == ["reduce", "neighbors"]
    assert prepared(pipeline, table).shape == (table.shape[0], 100)


def test_signed_values_are_scaled_for_operators_that_refuse_them():
    table, schema = make_table("dense")
    assert step_names(compiled(node("counts_bayes"), schema)) == [
        "min_max",
        "counts_bayes",
    ]
    counted = Schema(4, nonnegative=True)
    assert step_names(compiled(node("counts_bayes"), counted)) == ["counts_bayes"]
