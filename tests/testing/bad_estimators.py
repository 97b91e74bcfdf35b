"""Classes that break the rules for operators, each in one way."""

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    RegressorMixin,
    TransformerMixin,
)


class Mean(RegressorMixin, BaseEstimator):
    """Predicts the mean; breaks no rule."""

    def __init__(self, shift=0.0):
        self.shift = shift

    def fit(self, X, y):
        self.mean_ = np.mean(y) + self.shift
        return self

    def predict(self, X):
        return np.full(X.shape[0], self.mean_)


class Frequencies(ClassifierMixin, BaseEstimator):
    """Predicts the frequencies of the classes; breaks no rule."""

    def fit(self, X, y):
        self.classes_, counts = np.unique(y, return_counts=True)
        self.frequencies_ = counts / counts.sum()
        return self

    def predict_proba(self, X):
        return np.tile(self.frequencies_, (X.shape[0], 1))

    def predict(self, X):
        return self.classes_[np.argmax(self.predict_proba(X), axis=1)]


class Multiplies(Mean):
    """Its constructor does more than to store its arguments."""

    def __init__(self, shift=1.0):
        self.shift = 2 * shift


class Adapts(Mean):
    """Fitting it changes a parameter."""

    def fit(self, X, y):
        self.shift = self.shift + 1.0
        return super().fit(X, y)


class HoldsAGenerator(Mean):
    """Cannot be pickled when it is fitted."""

    def fit(self, X, y):
        self.rows_ = (row for row in X)
        return super().fit(X, y)


class Chance(Mean):
    """Depends on the global generator."""

    def fit(self, X, y):
        self.mean_ = np.random.random()
        return self


class Seeds(Mean):
    """Seeds the global generator."""

    def fit(self, X, y):
        np.random.seed(0)
        return super().fit(X, y)


class Batch(TransformerMixin, BaseEstimator):
    """Learns from the rows that it transforms."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return X - X.mean(axis=0)


class Strict(Mean):
    """Refuses values beyond those of the training rows."""

    def fit(self, X, y):
        self.largest_ = np.abs(X).max(axis=0)
        return super().fit(X, y)

    def predict(self, X):
        # Twice, for what is a little beyond.
        if (np.abs(X) > 2 * self.largest_).any():
            raise ValueError("outside of what was seen")
        return super().predict(X)


class Silent(Mean):
    """Fails on few rows without a word."""

    def fit(self, X, y):
        if len(y) < 5:
            raise RuntimeError
        return super().fit(X, y)


class Writes(Mean):
    """Writes into its input."""

    def fit(self, X, y):
        X[0, 0] = 0.0
        return super().fit(X, y)


class Column(Mean):
    """Predicts a column where a vector is asked for."""

    def predict(self, X):
        return super().predict(X)[:, None]


class NotFinite(Mean):
    """Predicts NaN."""

    def predict(self, X):
        return np.full(X.shape[0], np.nan)


class Votes(Frequencies):
    """Its probabilities sum to the number of rows."""

    def predict_proba(self, X):
        return super().predict_proba(X) * 30


class DropsRare(Frequencies):
    """Forgets classes of one row."""

    def fit(self, X, y):
        values, counts = np.unique(y, return_counts=True)
        kept = np.isin(y, values[counts > 1])
        return super().fit(X[kept], y[kept])


class IgnoresWeights(Mean):
    """Takes weights and makes no use of them."""

    def fit(self, X, y, sample_weight=None):
        return super().fit(X, y)
