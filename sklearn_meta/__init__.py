"""AutoML that behaves like one scikit-learn estimator."""

__version__ = "0.1.0.dev0"

__all__ = ["MetaAutoClassifier", "MetaAutoRegressor", "__version__"]

_PUBLIC = {
    "MetaAutoClassifier": "sklearn_meta.automl",
    "MetaAutoRegressor": "sklearn_meta.automl",
}


def __getattr__(name):
    # Resolved on first use, so that importing the package, or one of its subpackages,
    # does not pay for everything that the estimators need.
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
