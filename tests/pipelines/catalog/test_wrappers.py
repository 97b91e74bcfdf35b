"""Transformed targets."""

import numpy as np
import pytest

from sklearn_meta.data._task_names import REGRESSION
from sklearn_meta.pipelines import Node, Schema, X, compile_pipeline, default_catalog


@pytest.mark.parametrize("transformer", ["quantile_normal", "asinh"])
@pytest.mark.filterwarnings("ignore:n_quantiles")
def test_transformed_target_predicts_finite_values_far_outside(transformer, rng):
    table = rng.normal(size=(100, 2))
    y = np.exp(2 * table[:, 0]) - 1
    tree = Node(
        "transformed_target",
        (Node("ridge", (X,)),),
        (("transformer", transformer),),
    )
    pipeline = compile_pipeline(
        tree,
        Schema(2),
        catalog=default_catalog(REGRESSION),
        n_classes=1,
        random_state=0,
    ).fit(table, y)
    far = pipeline.predict(np.array([[20.0, 0.0], [-20.0, 0.0]]))
    assert np.isfinite(far).all() and far[0] > far[1]
    inside = pipeline.predict(table)
    assert (
        np.corrcoef(np.argsort(np.argsort(inside)), np.argsort(np.argsort(y)))[0, 1]
        > 0.9
    )
