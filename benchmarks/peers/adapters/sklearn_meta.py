"""This package. The table as it is; the knowledge base without the table's family.

The initializations that ship with the package were meta-trained on the tables of
record. Networks therefore start from those of the folder `initializations`, trained
without these tables, and are no candidates where there is none.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sklearn_meta import MetaAutoClassifier, MetaAutoRegressor
from sklearn_meta.metalearning import KnowledgeBase
from sklearn_meta.pipelines import SearchSpace, default_catalog


def fit(job):
    settings = job.settings
    if job.classifies:
        kind, scoring = MetaAutoClassifier, "neg_log_loss"
    else:
        kind, scoring = MetaAutoRegressor, "neg_root_mean_squared_error"
    model = kind(
        time_budget=settings.budget,
        scoring=scoring,
        search_space=search_space(settings.task, settings.initializations),
        # A table that taught the knowledge base would be recognized.
        knowledge_base=KnowledgeBase().without_families([settings.family]),
        n_jobs=settings.n_jobs,
        random_state=settings.seed,
    )
    return model.fit(job.X, job.y)


def search_space(task, initializations):
    """Return the default space with other initializations, or without networks."""
    if not initializations:
        return SearchSpace(exclude=["maml"])
    maml = default_catalog(task).find("maml")
    fixed = {**maml.fixed, "init": str(Path(initializations, task))}
    return SearchSpace(operators=[replace(maml, fixed=fixed)])


def describe(job, model):
    return {
        "n_candidates": int(model.n_evaluations_),
        "final": str(model.best_pipeline_),
        "stop_reason": str(model.stop_reason_),
    }
