"""The map of datasets is a principal component analysis, and needs what it reads."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from sklearn_meta.metalearning import FixedPortfolio, KnowledgeBase
from sklearn_meta.metalearning._dataset_map import _project, map_of_datasets

NAMES = ("a", "b", "c", "d")


def test_the_projection_is_that_of_scikit_learn(rng):
    points, here = rng.uniform(-1, 1, (30, 4)), rng.uniform(-1, 1, 4)
    importances = np.array([0.4, 0.3, 0.2, 0.1])
    found = _project(range(30), NAMES, points, here, importances)
    pca = PCA(2).fit(points * np.sqrt(importances))
    # Up to the signs.
    for ours, theirs in (
        (found.points, pca.transform(points * np.sqrt(importances))),
        (found.here, pca.transform([here * np.sqrt(importances)])[0]),
    ):
        np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-12)
    assert found.share == pytest.approx(pca.explained_variance_ratio_.sum())
    # The axis is named after what it consists of most, which grows along it.
    largest = np.abs(pca.components_).argmax(axis=1)
    assert [names[0] for names in found.axes] == [NAMES[j] for j in largest]


def test_a_known_dataset_lies_on_itself():
    matrix = KnowledgeBase().matrix("regression")
    values = dict(zip(matrix.metafeature_names, matrix.metafeatures[7], strict=True))
    found = map_of_datasets(None, None, values, "regression", None)
    assert found.datasets == matrix.datasets
    np.testing.assert_allclose(found.here, found.points[7], atol=1e-9)
    again = map_of_datasets(None, None, values, "regression", None)
    np.testing.assert_array_equal(found.points, again.points)


def test_where_there_is_no_map(tmp_path):
    assert map_of_datasets(None, None, {}, "regression", None) is None
    some = {"log_rows": 2.0}
    assert map_of_datasets(FixedPortfolio(), None, some, "regression", None) is None
    path = tmp_path / "not.sqlite"
    path.write_text("no knowledge" * 100)
    assert map_of_datasets(None, path, some, "regression", None) is None
