"""Meta-training: learn an initialization from many tables."""

__all__ = [
    "MixedEpisodes",
    "RealEpisodes",
    "SyntheticEpisodes",
    "meta_train",
]

_PUBLIC = {
    "MixedEpisodes": "sklearn_meta.maml._episode",
    "RealEpisodes": "sklearn_meta.maml.training._real",
    "SyntheticEpisodes": "sklearn_meta.maml.training._synthetic",
    "meta_train": "sklearn_meta.maml.training._meta_train",
}


def __getattr__(name):
    # Resolved on first use, so that what needs no torch does not import it.
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
