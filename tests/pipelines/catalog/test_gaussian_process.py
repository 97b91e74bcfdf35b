"""Kernels of Gaussian processes."""

from sklearn_meta.data._task_names import REGRESSION
from sklearn_meta.pipelines import default_catalog
from sklearn_meta.pipelines._spec import BuildContext, Spec, instantiate


def test_kernel_of_the_gaussian_process_is_what_it_says():
    operator = default_catalog(REGRESSION).find("gaussian_process")
    spec = operator.build(
        {"kernel": "matern", "noise_level": 0.5}, BuildContext(REGRESSION)
    )
    assert isinstance(spec, Spec)
    assert str(instantiate(spec).kernel) == (
        "1**2 * Matern(length_scale=1, nu=1.5) + WhiteKernel(noise_level=0.5)"
    )
