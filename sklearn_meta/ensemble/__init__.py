"""The final model: which candidates are combined, and how."""

from sklearn_meta.ensemble._combination import Combination
from sklearn_meta.ensemble._combine import combine
from sklearn_meta.ensemble._estimators import (
    WeightedEnsembleClassifier,
    WeightedEnsembleRegressor,
)
from sklearn_meta.ensemble._selection import (
    LogLoss,
    RootSquaredErrors,
    SquaredError,
    greedy_selection,
)
from sklearn_meta.ensemble._stack import nonnegative_stack

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
