"""Kernels against those of scikit-learn."""

import numpy as np
import pytest
from sklearn.gaussian_process.kernels import RBF, Matern

from sklearn_meta.pipelines import default_catalog, parse
from sklearn_meta.search._tree_encoding import TreeVectors, tree_encoder
from sklearn_meta.search._tree_kernel import (
    CONSTANT_VARIANCE,
    IDENTITY_VARIANCE,
    SHAPE_VARIANCE,
    VALUE_VARIANCE,
    TreeKernel,
    squared_distances,
)

CATALOG = default_catalog("regression")
ENCODER = tree_encoder(CATALOG)
TEXTS = [
    "ridge(X)",
    "ridge(X, alpha=30.0)",
    "ridge(standard_scaler(X), alpha=30.0)",
    "extra_trees(X, min_samples_leaf=3)",
    "lasso(pca(X))",
]


def vectors(texts=TEXTS):
    return ENCODER.encode([parse(text, catalog=CATALOG) for text in texts])


@pytest.mark.parametrize(
    "kernel, reference",
    [
        (TreeKernel("rbf"), RBF),
        (TreeKernel("matern", 0.5), lambda scale: Matern(scale, nu=0.5)),
        (TreeKernel("matern", 1.5), lambda scale: Matern(scale, nu=1.5)),
        (TreeKernel("matern", 2.5), lambda scale: Matern(scale, nu=2.5)),
    ],
)
def test_the_terms_are_those_of_scikit_learn(kernel, reference):
    v = vectors()
    shapes = v.shapes * np.sqrt(kernel.shape_scale)
    both = np.hstack([shapes, v.values * np.sqrt(kernel.value_scale)])
    expected = (
        CONSTANT_VARIANCE
        + SHAPE_VARIANCE * reference(1.0)(shapes)
        + VALUE_VARIANCE * reference(1.0)(both)
        + IDENTITY_VARIANCE * np.eye(len(v))
    )
    np.testing.assert_allclose(kernel(v, v), expected, atol=1e-12)
    np.testing.assert_allclose(np.diag(kernel(v, v)), kernel.variance)


def test_the_amplitude_is_a_factor():
    v = vectors()
    np.testing.assert_allclose(TreeKernel(amplitude=3.0)(v, v), 3 * TreeKernel()(v, v))


def test_rough_kernels_fall_faster_near_a_tree():
    near = vectors(["ridge(X, alpha=1.0)", "ridge(X, alpha=1.5)"])
    values = [TreeKernel("matern", nu)(near, near)[0, 1] for nu in (0.5, 1.5, 2.5)]
    assert values == sorted(values)


def test_squared_distances_are_those_of_numpy(rng):
    a, b = rng.normal(size=(4, 3)), rng.normal(size=(5, 3))
    expected = ((a[:, None] - b[None]) ** 2).sum(axis=-1)
    np.testing.assert_allclose(squared_distances(a, b), expected)
    assert isinstance(vectors(), TreeVectors)
