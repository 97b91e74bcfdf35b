"""H2O AutoML. Starts a server of its own; text becomes H2O's enum.

A user starts the server once, so that its start is not part of ``fit``; that of the
upload of the tables is.
"""

from __future__ import annotations

import os

import h2o
import numpy as np
from h2o.automl import H2OAutoML

from benchmarks.peers.adapters._columns import as_objects, is_numeric, plain_names

TARGET = "target"
FIRST_PORT, N_PORTS = 20_000, 20_000
MEMORY = "6G"


def start(job):
    """Start the server."""
    folder = str(job.folder)
    h2o.init(
        nthreads=job.settings.n_jobs,
        max_mem_size=MEMORY,
        # Another one than that of a server that is perhaps still there.
        port=FIRST_PORT + os.getpid() % N_PORTS,
        name=f"benchmark{os.getpid()}",
        ice_root=folder,
        log_dir=folder,
        bind_to_localhost=True,
        strict_version_check=False,
    )
    h2o.no_progress()


class _Model:
    def __init__(self, leader, classes):
        self.leader = leader
        self.classes_ = classes

    def _table(self, X):
        predicted = self.leader.predict(_frame(X))
        return predicted.as_data_frame(use_multi_thread=False)

    def predict(self, X):
        predicted = self._table(X)["predict"]
        if self.classes_ is None:
            return predicted.to_numpy()
        return self.classes_[predicted.str.removeprefix("c").astype(int)]

    def predict_proba(self, X):
        names = [f"c{i}" for i in range(len(self.classes_))]
        return self._table(X)[names].to_numpy()


def _frame(X, y=None):
    types = {}
    table = plain_names(as_objects(X))
    for c in table.columns:
        if is_numeric(table[c]):
            table[c] = table[c].astype(float)
            types[c] = "numeric"
        else:
            types[c] = "enum"
    if y is not None:
        table[TARGET] = y
        types[TARGET] = "numeric" if y.dtype == float else "enum"
    return h2o.H2OFrame(table, column_types=types)


def fit(job):
    settings = job.settings
    if job.classifies:
        # H2O would read labels such as "1" as numbers.
        classes, codes = np.unique(job.y, return_inverse=True)
        y = np.array([f"c{code}" for code in codes], dtype=object)
    else:
        classes, y = None, job.y
    metric = "logloss" if job.classifies else "RMSE"
    automl = H2OAutoML(
        max_runtime_secs=max(int(settings.budget), 1),  # whole seconds; 0 is no limit
        seed=settings.seed,
        sort_metric=metric,
        stopping_metric=metric,
    )
    automl.train(y=TARGET, training_frame=_frame(job.X, y))
    if automl.leader is None:
        raise RuntimeError("H2O AutoML returned no model within the budget.")
    model = _Model(automl.leader, classes)
    model.automl = automl
    return model


def describe(job, model):
    board = model.automl.leaderboard.as_data_frame(use_multi_thread=False)
    return {"n_candidates": len(board), "final": str(model.leader.model_id)}
