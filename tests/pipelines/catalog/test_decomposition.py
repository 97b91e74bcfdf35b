"""Bounds of the number of components."""

from sklearn_meta.data._task_names import REGRESSION
from sklearn_meta.pipelines import default_catalog
from sklearn_meta.pipelines._spec import BuildContext


def test_components_are_bounded_by_columns():
    svd = default_catalog(REGRESSION).find("truncated_svd")
    for width, expected in ((1, 1), (9, 4), (900, 50)):
        context = BuildContext(REGRESSION, n_features=width, sparse=True)
        spec = svd.build({"n_components": 50}, context)
        assert spec.path.endswith(".TruncatedSVD")
        assert spec.param("n_components") == expected
    for context in (
        BuildContext(REGRESSION, n_features=None, sparse=True),
        BuildContext(REGRESSION, n_features=9),
    ):
        spec = svd.build({"n_components": 50}, context)
        assert spec.path.endswith(".Nystroem")
