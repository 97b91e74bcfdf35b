"""Meta-training: learn the initialization of the MAML networks from many tables."""

from sklearn_meta.maml.training._average import average_initializations
from sklearn_meta.maml.training._episode import Episode, MixedEpisodes
from sklearn_meta.maml.training._meta_train import meta_train
from sklearn_meta.maml.training._real_episodes import RealEpisodes
from sklearn_meta.maml.training._synthetic_episodes import SyntheticEpisodes

__all__ = [
    "Episode",
    "MixedEpisodes",
    "RealEpisodes",
    "SyntheticEpisodes",
    "average_initializations",
    "meta_train",
]
