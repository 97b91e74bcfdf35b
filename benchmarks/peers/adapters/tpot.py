"""TPOT 1.x with its default search space.

With categories or missing values its own imputation and one-hot codes are switched
on. They need a numeric column, so that a table of categories alone gets its numbers
here. They may fail on levels that only the test part has.
"""

from __future__ import annotations

import numpy as np
import tpot

from benchmarks.peers.adapters._columns import (
    Prepared,
    as_objects,
    is_numeric,
    numbers,
    plain_names,
)


class _Model:
    def __init__(self, model, classes):
        self.model = model
        if classes is not None:
            self.classes_ = classes[np.asarray(model.classes_, dtype=int)]
            self._all_classes = classes

    def predict(self, X):
        predicted = np.asarray(self.model.predict(X))
        if hasattr(self, "classes_"):
            return self._all_classes[predicted.astype(int)]
        return predicted

    def predict_proba(self, X):
        return self.model.predict_proba(X)


def fit(job):
    settings = job.settings
    numeric = [is_numeric(job.X[c]) for c in job.X.columns]
    whole = all(numeric) and not job.X.isna().any().any()
    if any(numeric):
        prepare = _prepare
    else:
        prepare, whole = numbers(job.X), True
    if job.classifies:
        kind, scorer = tpot.TPOTClassifier, "neg_log_loss"
        classes, y = np.unique(job.y, return_inverse=True)
    else:
        kind, scorer = tpot.TPOTRegressor, "neg_mean_squared_error"
        classes, y = None, job.y
    model = kind(
        scorers=[scorer],
        scorers_weights=[1],
        max_time_mins=settings.budget / 60,
        n_jobs=settings.n_jobs,
        random_state=settings.seed,
        preprocessing=not whole,
        verbose=0,
    )
    model.fit(prepare(job.X), y)
    return Prepared(prepare, _Model(model, classes))


def _prepare(X):
    X = plain_names(as_objects(X))
    return X.astype({c: float for c in X.columns if is_numeric(X[c])})


def describe(job, model):
    tried = model._model.model.evaluated_individuals
    return {"n_candidates": int(tried.iloc[:, 0].notna().sum())}
