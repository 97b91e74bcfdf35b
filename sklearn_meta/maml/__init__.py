"""Networks whose initialization is meta-learned (MAML), wrapped by skorch."""

__all__ = [
    "Episode",
    "Initialization",
    "MAMLClassifier",
    "MAMLRegressor",
    "average_initializations",
    "load_initialization",
]

_PUBLIC = {
    "Episode": "_episode",
    "Initialization": "_initialization",
    "MAMLClassifier": "_estimators",
    "MAMLRegressor": "_estimators",
    "average_initializations": "_initialization",
    "load_initialization": "_initialization",
}


def __getattr__(name):
    # Resolved on first use, so that what needs no torch does not import it.
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
