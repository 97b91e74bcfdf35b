"""Score matrices with a structure that is known."""

import numpy as np

from sklearn_meta.metalearning.knowledge_base._score_matrix import ScoreMatrix


def matrix_of(mean, metafeatures=None, **changes):
    """A `ScoreMatrix` of given scores; a family for each dataset."""
    mean = np.asarray(mean, dtype=float)
    n_datasets, n_pipelines = mean.shape
    if metafeatures is None:
        metafeatures = np.zeros((n_datasets, 1))
    metafeatures = np.asarray(metafeatures, dtype=float)
    arguments = {
        "task": "regression",
        "metric": "r2",
        "datasets": tuple(f"dataset {i}" for i in range(n_datasets)),
        "families": tuple(f"family {i}" for i in range(n_datasets)),
        "n_samples": np.full(n_datasets, 500),
        "n_features": np.full(n_datasets, 10),
        "n_classes": np.zeros(n_datasets, dtype=int),
        "pipelines": tuple(f"pipeline {j}" for j in range(n_pipelines)),
        "mean": mean,
        "standard_error": np.zeros_like(mean),
        "tried": np.ones(mean.shape, dtype=bool),
        "fit_seconds": np.ones_like(mean),
        "n_rows": np.full(mean.shape, 500),
        "metafeature_names": tuple(f"f{i}" for i in range(metafeatures.shape[1])),
        "metafeatures": metafeatures,
    }
    return ScoreMatrix(**{**arguments, **changes})


def planted(n_datasets=90, n_pipelines=40, seed=0):
    """Datasets whose meta-features tell, with noise, which pipelines are good."""
    rng = np.random.default_rng(seed)
    kinds = rng.normal(size=(n_datasets, 3))
    metafeatures = kinds @ rng.normal(size=(3, 12))
    metafeatures += 0.3 * rng.normal(size=metafeatures.shape)
    mean = kinds @ rng.normal(size=(3, n_pipelines)) + rng.normal(size=n_pipelines)
    mean += 0.3 * rng.normal(size=mean.shape)
    return matrix_of(mean, metafeatures)
