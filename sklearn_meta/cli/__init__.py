"""The command ``sklearn-meta``, and the model files that it reads and writes."""

__all__ = ["load_model", "main", "save_model"]


def __getattr__(name):
    # Resolved on first use: ``sklearn-meta --help`` needs the parser only.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module = "_main" if name == "main" else "_models"
    return getattr(import_module(f"{__name__}.{module}"), name)
