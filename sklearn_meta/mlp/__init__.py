"""Bagged multi-layer perceptrons in numpy with early stopping."""

from sklearn_meta.mlp._bagged_mlp import BaggedMLPClassifier, BaggedMLPRegressor

__all__ = ["BaggedMLPClassifier", "BaggedMLPRegressor"]
