"""Products of columns."""

from sklearn_meta.data._task_names import REGRESSION
from sklearn_meta.pipelines import default_catalog
from sklearn_meta.pipelines._spec import BuildContext


def test_products_of_many_columns_are_sketched():
    polynomial = default_catalog(REGRESSION).find("polynomial")
    params = {"interaction_only": False}
    for width, name in (
        (50, "PolynomialFeatures"),
        (51, "PolynomialCountSketch"),
        (None, "PolynomialCountSketch"),
    ):
        spec = polynomial.build(params, BuildContext(REGRESSION, n_features=width))
        assert spec.path.endswith(name)
