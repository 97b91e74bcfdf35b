"""Calibration, standardized targets, and tables of one column."""

import numpy as np
import pytest

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION
from sklearn_meta.pipelines import Node, Schema, X, compile_pipeline, default_catalog
from sklearn_meta.testing import make_table, make_target

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def regressor(tree, schema):
    return compile_pipeline(
        tree, schema, catalog=default_catalog(REGRESSION), n_classes=1, random_state=0
    )


@pytest.mark.parametrize("name", ["select_percentile", "feature_agglomeration"])
def test_a_single_column_is_kept(name, rng):
    table = rng.normal(size=(30, 1))
    tree = Node("ridge", (Node(name, (X,)),))
    pipeline = regressor(tree, Schema(1)).fit(table, table[:, 0])
    assert np.corrcoef(pipeline.predict(table), table[:, 0])[0, 1] > 0.99


@pytest.mark.filterwarnings("ignore:The least populated class")
@pytest.mark.filterwarnings("ignore:Number of classes in training fold")
@pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered")
@pytest.mark.parametrize("name", ["svc", "linear_svc", "ridge"])
def test_calibration_survives_classes_with_fewer_rows_than_folds(name, rng):
    # Three classes one of which has a single row are beyond scikit-learn: a fold's
    # decisions of two classes have another shape than those of three.
    table = rng.normal(size=(40, 3))
    for rare in ([2, 2], [2, 3]):
        y = np.array([0] * 20 + [1] * 18 + rare)
        n_classes = len(np.unique(y))
        pipeline = compile_pipeline(
            Node(name, (X,)), Schema(3), catalog=default_catalog(CLASSIFICATION),
            n_classes=n_classes, random_state=0,
        ).fit(table, y)  # fmt: skip
        probabilities = pipeline.predict_proba(table)
        assert probabilities.shape == (40, n_classes)
        assert np.isfinite(probabilities).all()


@pytest.mark.parametrize(
    "name", [o.name for o in default_catalog(REGRESSION).select("learner")]
)
def test_regressors_do_not_depend_on_the_unit_of_the_target(name):
    # Dollars or cents: the same model. Penalties in units of the target would differ.
    table, schema = make_table("dense", n_rows=60)
    y = make_target(table, REGRESSION)
    tree = Node(name, (X,))
    one = regressor(tree, schema).fit(table, y).predict(table)
    other = regressor(tree, schema).fit(table, 1024 * y).predict(table)
    np.testing.assert_allclose(other / 1024, one, rtol=0.02, atol=0.02)
