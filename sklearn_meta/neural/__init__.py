"""Networks: MAML, whose initialisation is learned from many tables, and bagged MLPs."""

__all__ = [
    "BaggedMLPClassifier",
    "BaggedMLPRegressor",
    "Episode",
    "Initialisation",
    "MAMLClassifier",
    "MAMLRegressor",
    "MixedEpisodes",
    "RealEpisodes",
    "SyntheticEpisodes",
    "average_initialisations",
    "load_initialisation",
    "meta_train",
]

_PUBLIC = {
    "BaggedMLPClassifier": "_bagged_mlp",
    "BaggedMLPRegressor": "_bagged_mlp",
    "Episode": "_episode",
    "Initialisation": "_initialisation",
    "MAMLClassifier": "_estimators",
    "MAMLRegressor": "_estimators",
    "MixedEpisodes": "_episode",
    "RealEpisodes": "_real",
    "SyntheticEpisodes": "_synthetic",
    "average_initialisations": "_initialisation",
    "load_initialisation": "_initialisation",
    "meta_train": "_meta_train",
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
