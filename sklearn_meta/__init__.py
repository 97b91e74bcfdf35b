"""AutoML that behaves like one scikit-learn estimator."""

__version__ = "0.1.0.dev0"

__all__ = [
    "BaggedMLPClassifier",
    "BaggedMLPRegressor",
    "MAMLClassifier",
    "MAMLRegressor",
    "MetaAutoClassifier",
    "MetaAutoRegressor",
    "__version__",
]

_ESTIMATORS = {
    "BaggedMLPClassifier": "sklearn_meta.mlp",
    "BaggedMLPRegressor": "sklearn_meta.mlp",
    "MAMLClassifier": "sklearn_meta.maml",
    "MAMLRegressor": "sklearn_meta.maml",
    "MetaAutoClassifier": "sklearn_meta.automl",
    "MetaAutoRegressor": "sklearn_meta.automl",
}


def __getattr__(name):
    # Resolved on first use, so that importing the package, or one of its subpackages,
    # does not pay for everything that the estimators need.
    if name not in _ESTIMATORS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    try:
        module = import_module(_ESTIMATORS[name])
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "skorch"):
            raise
        raise ImportError(
            f"{name} needs {error.name}, which is not installed. Install both packages "
            "of the networks with `pip install torch skorch`. BaggedMLPClassifier and "
            "BaggedMLPRegressor are networks that need neither.",
            name=error.name,
        ) from error
    value = getattr(module, name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
