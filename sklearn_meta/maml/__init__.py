"""MAML estimators: tabular networks that adapt from a meta-learned initialization."""

from sklearn_meta.maml._initialization import Initialization, load_initialization
from sklearn_meta.maml._maml import MAMLClassifier, MAMLRegressor

__all__ = [
    "Initialization",
    "MAMLClassifier",
    "MAMLRegressor",
    "load_initialization",
]
