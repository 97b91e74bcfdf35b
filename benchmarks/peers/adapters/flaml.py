"""FLAML. Takes categories and missing values; LightGBM in it refuses some names."""

from __future__ import annotations

from flaml import AutoML

from benchmarks.peers.adapters._columns import Prepared, categories

LOG = "flaml.log"


def fit(job):
    settings = job.settings
    prepare = categories(job.X)
    model = AutoML()
    model.fit(
        prepare(job.X),
        job.y,
        task=settings.task,
        metric="log_loss" if job.classifies else "rmse",
        time_budget=settings.budget,
        n_jobs=settings.n_jobs,
        seed=settings.seed,
        verbose=0,
        log_file_name=str(job.folder / LOG),
        log_type="all",
    )
    if model.model is None:
        raise RuntimeError("FLAML returned no model within the budget.")
    return Prepared(prepare, model)


def describe(job, model):
    # The model remembers improvements only; the log has every trial.
    lines = (job.folder / LOG).read_text(encoding="utf-8").splitlines()
    return {"n_candidates": sum('"record_id"' in line for line in lines)}
