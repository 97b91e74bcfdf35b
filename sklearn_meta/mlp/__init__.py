"""Bagged multi-layer perceptrons in numpy, which stop early by themselves."""

from sklearn_meta.mlp._bagged_mlp import BaggedMLPClassifier, BaggedMLPRegressor

__all__ = ["BaggedMLPClassifier", "BaggedMLPRegressor"]
