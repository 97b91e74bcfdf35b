"""AutoGluon-Tabular with its default preset. The table as it is.

``fit`` takes no seed.
"""

from __future__ import annotations

from autogluon.tabular import TabularPredictor

from benchmarks.peers.adapters._columns import as_objects

TARGET = "target"


class _Model:
    def __init__(self, predictor):
        self.predictor = predictor
        self.classes_ = predictor.class_labels

    def predict(self, X):
        return self.predictor.predict(as_objects(X)).to_numpy()

    def predict_proba(self, X):
        table = self.predictor.predict_proba(as_objects(X), as_multiclass=True)
        return table[list(self.classes_)].to_numpy()


def fit(job):
    if not job.classifies:
        kind = "regression"
    else:
        kind = "binary" if len(set(job.y)) == 2 else "multiclass"
    predictor = TabularPredictor(
        label=TARGET,
        problem_type=kind,
        eval_metric="log_loss" if job.classifies else "root_mean_squared_error",
        path=str(job.folder / "autogluon"),
        verbosity=0,
    )
    predictor.fit(
        as_objects(job.X).assign(**{TARGET: job.y}),
        time_limit=job.settings.budget,
        num_cpus=job.settings.n_jobs,
        num_gpus=0,
    )
    return _Model(predictor)


def describe(job, model):
    board = model.predictor.leaderboard(silent=True)
    return {"n_candidates": len(board), "final": model.predictor.model_best}
