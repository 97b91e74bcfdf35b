"""LightGBM tuned by random search with 5 folds, as one would by hand.

The defaults are tried first. The search ends when another candidate as slow as the
slowest one would not be finished at 90 % of the budget; the best one is fitted again
on all rows.
"""

from __future__ import annotations

import time

import numpy as np
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.model_selection import (
    KFold,
    ParameterSampler,
    StratifiedKFold,
    cross_val_score,
)

from benchmarks.peers.adapters._columns import Prepared, categories

N_FOLDS = 5
SHARE_FOR_SEARCH = 0.9
MOST_CANDIDATES = 1000
SPACE = {
    "n_estimators": [50, 100, 200, 400, 800],
    "learning_rate": list(np.logspace(-2.3, -0.5, 20)),
    "num_leaves": [4, 7, 15, 31, 63, 127],
    "min_child_samples": [2, 5, 10, 20, 40, 80],
    "subsample": [0.6, 0.8, 1.0],
    "subsample_freq": [1],
    "colsample_bytree": [0.4, 0.6, 0.8, 1.0],
    "reg_lambda": [0.0, 0.01, 0.1, 1.0, 10.0],
    "reg_alpha": [0.0, 0.01, 0.1, 1.0],
}


class _Tuned(Prepared):
    def __init__(self, prepare, model, n_candidates):
        super().__init__(prepare, model)
        self.n_candidates = n_candidates


def fit(job):
    settings = job.settings
    start = time.monotonic()
    prepare = categories(job.X)
    X = prepare(job.X)
    if job.classifies:
        kind, folds, scoring = LGBMClassifier, StratifiedKFold, "neg_log_loss"
    else:
        kind, folds, scoring = LGBMRegressor, KFold, "neg_root_mean_squared_error"
    base = kind(random_state=settings.seed, n_jobs=settings.n_jobs, verbosity=-1)
    cv = folds(N_FOLDS, shuffle=True, random_state=settings.seed)
    sampled = ParameterSampler(SPACE, MOST_CANDIDATES, random_state=settings.seed)
    best, best_score, slowest, n_candidates = {}, -np.inf, 0.0, 0
    for parameters in [{}, *sampled]:
        began = time.monotonic()
        model = kind(**{**base.get_params(), **parameters})
        scores = cross_val_score(
            model, X, job.y, cv=cv, scoring=scoring, error_score=-np.inf
        )
        n_candidates += 1
        slowest = max(slowest, time.monotonic() - began)
        if scores.mean() > best_score:
            best, best_score = parameters, scores.mean()
        used = time.monotonic() - start
        if used + slowest > SHARE_FOR_SEARCH * settings.budget:
            break
    model = kind(**{**base.get_params(), **best}).fit(X, job.y)
    return _Tuned(prepare, model, n_candidates)


def describe(job, model):
    return {"n_candidates": model.n_candidates}
