"""A system that behaves as its model says, for the tests of the harness."""

import os
import time

import numpy as np


class Constant:
    """Predicts the shares of the classes, or the mean."""

    def __init__(self, job):
        self._classifies = job.classifies
        if job.classifies:
            self.classes_, counts = np.unique(job.y.astype(str), return_counts=True)
            self._shares = counts / counts.sum()
        else:
            self._mean = job.y.mean()

    def predict(self, X):
        if self._classifies:
            return np.repeat(self.classes_[self._shares.argmax()], len(X))
        return np.full(len(X), self._mean)

    def predict_proba(self, X):
        return np.tile(self._shares, (len(X), 1))


def fit(job):
    if job.settings.model == "raises":
        raise ZeroDivisionError("two\n  lines")
    if job.settings.model == "dies":
        os.write(2, b"no more memory\n")
        os._exit(3)
    if job.settings.model == "hangs":
        time.sleep(600)
    return Constant(job)


def describe(job, model):
    if job.settings.model == "cannot describe":
        raise AttributeError("no board")
    return {"n_candidates": 1, "final": "constant" * 1000}
