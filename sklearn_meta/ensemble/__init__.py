"""Ensembles: select, combine and fit the candidates of the final model."""

from sklearn_meta.ensemble._choose_combination import combine
from sklearn_meta.ensemble._combination import Combination
from sklearn_meta.ensemble._greedy_selection import (
    LogLoss,
    RootSquaredErrors,
    SquaredError,
    greedy_selection,
)
from sklearn_meta.ensemble._stacking import nonnegative_stack
from sklearn_meta.ensemble._weighted_ensemble import (
    WeightedEnsembleClassifier,
    WeightedEnsembleRegressor,
)

__all__ = [
    "Combination",
    "LogLoss",
    "RootSquaredErrors",
    "SquaredError",
    "WeightedEnsembleClassifier",
    "WeightedEnsembleRegressor",
    "combine",
    "greedy_selection",
    "nonnegative_stack",
]
