"""Matrix of the scores of all pipelines on all datasets in one metric."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, eq=False)
class ScoreMatrix:
    """Scores and seconds of every pipeline on every dataset, in one metric.

    Parameters
    ----------
    task : {"classification", "regression"}
    metric : str
        Name of the scikit-learn scorer.
    datasets, families : tuple of str of length n_datasets
        Name and family of each dataset.
    n_samples, n_features, n_classes : ndarray of int of shape (n_datasets,)
        Size of each dataset; 0 classes for regression.
    pipelines : tuple of str of length n_pipelines
        Canonical texts.
    mean, standard_error : ndarray of shape (n_datasets, n_pipelines)
        Over the folds; greater is better. NaN where there is no score.
    tried : ndarray of bool of shape (n_datasets, n_pipelines)
        Where there is an evaluation, of any status. One without a score failed, or has
        scores in other metrics only.
    fit_seconds : ndarray of shape (n_datasets, n_pipelines)
        Of one fit. NaN where not known; after a time-out, the seconds until then.
    n_rows : ndarray of int of shape (n_datasets, n_pipelines)
        Number of rows that were used; 0 where the pipeline was not tried.
    metafeature_names : tuple of str of length n_metafeatures
        Names of the columns of `metafeatures`.
    metafeatures : ndarray of shape (n_datasets, n_metafeatures)
        NaN where not defined or not known.
    """

    task: str
    metric: str
    datasets: tuple[str, ...]
    families: tuple[str, ...]
    n_samples: np.ndarray
    n_features: np.ndarray
    n_classes: np.ndarray
    pipelines: tuple[str, ...]
    mean: np.ndarray
    standard_error: np.ndarray
    tried: np.ndarray
    fit_seconds: np.ndarray
    n_rows: np.ndarray
    metafeature_names: tuple[str, ...]
    metafeatures: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of datasets and of pipelines."""
        return self.mean.shape

    @property
    def ok(self) -> np.ndarray:
        """Where there is a score; of shape (n_datasets, n_pipelines)."""
        return ~np.isnan(self.mean)

    def take_datasets(self, rows) -> ScoreMatrix:
        """Return the matrix of some datasets, with all pipelines.

        Parameters
        ----------
        rows : ndarray of bool or int
            A mask, or indices.

        Returns
        -------
        matrix : ScoreMatrix
            Selected rows, in the order of `rows`.
        """
        rows = np.arange(len(self.datasets))[rows]
        return replace(
            self,
            datasets=tuple(self.datasets[i] for i in rows),
            families=tuple(self.families[i] for i in rows),
            **{
                name: getattr(self, name)[rows]
                for name in (*_PER_DATASET, *_PER_CELL, "metafeatures")
            },
        )

    def take_pipelines(self, columns) -> ScoreMatrix:
        """Return the matrix of some pipelines, with all datasets.

        Parameters
        ----------
        columns : ndarray of bool or int
            A mask, or indices.

        Returns
        -------
        matrix : ScoreMatrix
            Selected columns, in the order of `columns`.
        """
        columns = np.arange(len(self.pipelines))[columns]
        return replace(
            self,
            pipelines=tuple(self.pipelines[j] for j in columns),
            **{name: getattr(self, name)[:, columns] for name in _PER_CELL},
        )

    def without_families(self, families: Collection[str]) -> ScoreMatrix:
        """Return the matrix without the datasets of some families.

        Parameters
        ----------
        families : collection of str
            Families to leave out; unknown names are ignored.

        Returns
        -------
        matrix : ScoreMatrix
            Remaining datasets, with all pipelines.
        """
        families = frozenset(families)
        return self.take_datasets(
            np.array([f not in families for f in self.families], dtype=bool)
        )


# Fields that are arrays of shape (n_datasets,) and (n_datasets, n_pipelines).
_PER_DATASET = ("n_samples", "n_features", "n_classes")
_PER_CELL = (
    "mean",
    "standard_error",
    "tried",
    "fit_seconds",
    "n_rows",
)
# Values of a pipeline that was not tried; NaN for the other fields.
_EMPTY = {"tried": False, "n_rows": 0}


def concatenate(matrices) -> ScoreMatrix:
    """Return the datasets of several matrices in one.

    Parameters
    ----------
    matrices : sequence of ScoreMatrix
        Of one task and one metric. A dataset (by name) that is in several is taken
        from the last of them.

    Returns
    -------
    matrix : ScoreMatrix
        With the union of their pipelines and meta-features, in the order of their
        first occurrence.

    Raises
    ------
    ValueError
        If tasks or metrics differ.
    """
    first = matrices[0]
    for other in matrices[1:]:
        if (other.task, other.metric) != (first.task, first.metric):
            raise ValueError(
                "The 'matrices' must be of one task and metric. Got "
                f"{(first.task, first.metric)} and {(other.task, other.metric)}. Read "
                "all of them in the metric of the first one."
            )
    last = {name: m for m in matrices for name in m.datasets}
    matrices = [
        m.take_datasets(np.array([last[n] is m for n in m.datasets], dtype=bool))
        for m in matrices
    ]
    pipelines = tuple(dict.fromkeys(text for m in matrices for text in m.pipelines))
    names = tuple(dict.fromkeys(n for m in matrices for n in m.metafeature_names))

    def stacked(field, of, labels, empty):
        places = {label: j for j, label in enumerate(labels)}
        blocks = []
        for m in matrices:
            values = getattr(m, field)
            block = np.full((len(values), len(labels)), empty, dtype=values.dtype)
            block[:, [places[label] for label in getattr(m, of)]] = values
            blocks.append(block)
        return np.concatenate(blocks)

    return replace(
        first,
        datasets=tuple(name for m in matrices for name in m.datasets),
        families=tuple(family for m in matrices for family in m.families),
        pipelines=pipelines,
        metafeature_names=names,
        metafeatures=stacked("metafeatures", "metafeature_names", names, np.nan),
        **{n: np.concatenate([getattr(m, n) for m in matrices]) for n in _PER_DATASET},
        **{
            field: stacked(field, "pipelines", pipelines, _EMPTY.get(field, np.nan))
            for field in _PER_CELL
        },
    )


def family_weights(families):
    """Return weights of datasets that are equal for all families.

    Parameters
    ----------
    families : sequence of str of length n_datasets

    Returns
    -------
    weights : ndarray of shape (n_datasets,)
        They sum to the number of families.
    """
    _, family, size = np.unique(families, return_inverse=True, return_counts=True)
    return 1.0 / size[family]
