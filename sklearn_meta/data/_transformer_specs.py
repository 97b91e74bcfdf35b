"""Specs of scikit-learn transformers that column encoders are built from.

Encoders use classes and functions of numpy and scikit-learn, and those of the public
modules `parsing` and `level_encoder` where these have none.
"""

from __future__ import annotations

from sklearn_meta.pipelines._spec import Reference, Spec

# Conversion of a numeric table to float64. Missing values are allowed, infinite values
# are not.
TO_FLOATS = {"dtype": "float64", "ensure_all_finite": "allow-nan"}


def transformer_spec(path, **params) -> Spec:
    """Return the spec of a class with parameters.

    Parameters
    ----------
    path : str
        Import path of the class.
    **params
        Its parameters.

    Returns
    -------
    spec : Spec
    """
    return Spec(path, tuple(params.items()))


def function_spec(path, **settings) -> Spec:
    """Return the spec of a transformer that applies a function to the whole table.

    Parameters
    ----------
    path : str
        Import path of the function.
    **settings
        Further arguments of the function.

    Returns
    -------
    spec : Spec
        Spec of a ``FunctionTransformer``.
    """
    params: dict[str, object] = {"func": Reference(path)}
    if settings:
        params["kw_args"] = settings
    if settings.get("accept_sparse"):
        params["accept_sparse"] = True
    params["feature_names_out"] = "one-to-one"
    return transformer_spec("sklearn.preprocessing.FunctionTransformer", **params)


def pipeline_spec(*steps) -> Spec:
    """Return the spec of a pipeline of named transformers.

    Parameters
    ----------
    *steps : (str, Spec)

    Returns
    -------
    spec : Spec
        Spec of a ``Pipeline``.
    """
    return transformer_spec("sklearn.pipeline.Pipeline", steps=list(steps))
