"""Partial least squares have no more components than columns."""

from sklearn_meta.data._task_names import REGRESSION
from sklearn_meta.pipelines import default_catalog
from sklearn_meta.pipelines._spec import BuildContext


def test_components_are_bounded_by_columns():
    pls = default_catalog(REGRESSION).find("partial_least_squares")
    for width, expected in ((None, 1), (1, 1), (8, 4), (100, 20)):
        context = BuildContext(REGRESSION, n_features=width)
        assert (
            pls.build({"n_components": 20}, context).param("n_components") == expected
        )
