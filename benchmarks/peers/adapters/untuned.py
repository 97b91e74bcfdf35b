"""Models with their defaults, those of the main job; the first one that one tries."""

from __future__ import annotations

from benchmarks._systems import UNTUNED
from benchmarks._tables import Split
from benchmarks.peers.adapters._columns import Prepared, categories


def fit(job):
    prepare = categories(job.X)
    split = Split(prepare(job.X), job.y, X_test=None, y_test=None)
    model = UNTUNED[job.settings.model](
        job.settings.task, split, seed=job.settings.seed, n_jobs=job.settings.n_jobs
    )
    return Prepared(prepare, model)
