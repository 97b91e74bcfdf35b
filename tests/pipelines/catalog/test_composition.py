"""Calibration, standardized targets, and tables of one column."""

import numpy as np
import pytest

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION
from sklearn_meta.pipelines import Node, Schema, X, compile_pipeline, default_catalog
from sklearn_meta.pipelines._compile import compile_spec
from sklearn_meta.pipelines._spec import TRANSFORMED_TARGET, Spec, on_scaled_target
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


SCALER = Spec("sklearn.preprocessing.StandardScaler")


def test_a_target_is_scaled_around_the_last_step_and_in_selectors():
    tree = Node("ridge", (Node("select_by_trees", (X,)),))
    spec = compile_spec(
        tree, Schema(3), catalog=default_catalog(REGRESSION), n_classes=1,
        random_state=0, target_scaler=SCALER,
    )  # fmt: skip
    (_, selector), (name, learner) = spec.param("steps")
    assert name == "ridge" and learner.path == TRANSFORMED_TARGET
    assert learner.param("regressor").path == "sklearn.linear_model.Ridge"
    assert learner.param("transformer") == SCALER
    assert selector.param("estimator").path == TRANSFORMED_TARGET
    assert selector.param("importance_getter") == "regressor_.feature_importances_"


def test_a_target_is_not_scaled_twice():
    call = on_scaled_target(Spec("sklearn.linear_model.Lasso"), SCALER)
    assert on_scaled_target(call, SCALER) is call
    other = call.with_params(transformer=Spec("sklearn.preprocessing.MinMaxScaler"))
    assert on_scaled_target(other, SCALER).param("regressor") is other


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
