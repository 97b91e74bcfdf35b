"""Learners that misbehave, each in its own way, and operators for them."""

import os
import time
import warnings

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from sklearn_meta.pipelines import Cost, Operator


class _Learner(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.misbehave()
        return self

    def predict_proba(self, X):
        n = len(self.classes_)
        return np.full((X.shape[0], n), 1 / n)

    def predict(self, X):
        return np.full(X.shape[0], self.classes_[0])


class Raising(_Learner):
    def misbehave(self):
        raise RuntimeError("this learner always raises")


class Hanging(_Learner):
    def misbehave(self):
        time.sleep(3600)


class Exiting(_Learner):
    def misbehave(self):
        os._exit(3)


class Eating(_Learner):
    def misbehave(self):
        hoard = []
        while True:
            hoard.append(np.ones(10_000_000))


class Warning_(_Learner):
    def misbehave(self):
        for i in range(50_000):
            warnings.warn(f"warning {i}", UserWarning, stacklevel=1)


class NotFinite(_Learner):
    def misbehave(self):
        pass

    def predict_proba(self, X):
        return np.full((X.shape[0], len(self.classes_)), np.nan)


def operator(cls, name):
    """Declare one of the learners above."""
    return Operator(
        name=name,
        kind="learner",
        path=f"{cls.__module__}.{cls.__qualname__}",
        tasks=("classification",),
        cost=Cost(0.001),
    )


FAULTY = {
    "raising": operator(Raising, "raising"),
    "hanging": operator(Hanging, "hanging"),
    "exiting": operator(Exiting, "exiting"),
    "eating": operator(Eating, "eating"),
    "warning": operator(Warning_, "warning"),
    "not_finite": operator(NotFinite, "not_finite"),
}
