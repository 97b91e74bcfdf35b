"""This package. The table as it is; the knowledge base without the table's family.

Initialisations of networks must have been trained without it: they are one file for all
tables (`benchmarks.peers.tables`).
"""

from __future__ import annotations

from sklearn_meta import MetaAutoClassifier, MetaAutoRegressor
from sklearn_meta.metalearning import KnowledgeBase


def fit(job):
    settings = job.settings
    if job.classifies:
        kind, scoring = MetaAutoClassifier, "neg_log_loss"
    else:
        kind, scoring = MetaAutoRegressor, "neg_root_mean_squared_error"
    model = kind(
        time_budget=settings.budget,
        scoring=scoring,
        # A table that taught the knowledge base would be recognised.
        knowledge_base=KnowledgeBase().without_families([settings.family]),
        n_jobs=settings.n_jobs,
        random_state=settings.seed,
    )
    return model.fit(job.X, job.y)


def describe(job, model):
    return {
        "n_candidates": int(model.n_evaluations_),
        "final": str(model.best_pipeline_),
        "stop_reason": str(model.stop_reason_),
    }
