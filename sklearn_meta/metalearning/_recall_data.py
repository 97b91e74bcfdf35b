"""Scores of one task and metric, prepared for recall.

`prepare` computes what does not depend on the new dataset: regrets, the forest of the
similarity, and models of the seconds. `RecallData` combines it with the meta-features
and the size of a new dataset.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sklearn_meta.metalearning._portfolio import PortfolioCriterion
from sklearn_meta.metalearning._posterior import DatasetPosterior
from sklearn_meta.metalearning._regret import impute_regrets, regrets_of
from sklearn_meta.metalearning.knowledge_base._score_matrix import (
    ScoreMatrix,
    family_weights,
)
from sklearn_meta.metalearning.similarity._forest_proximity import (
    ForestProximity,
    grow_forest,
)
from sklearn_meta.timing._known_datasets import SecondsModel, fit_seconds_model


@dataclass(frozen=True)
class RecallData:
    """Regrets, similarity and seconds of known datasets.

    Parameters
    ----------
    matrix : ScoreMatrix
    regrets : ndarray of shape (n_datasets, n_pipelines)
        NaN where nothing is known.
    imputed : ndarray of shape (n_datasets, n_pipelines)
        The regrets without NaN.
    proximity : ForestProximity
    seconds : SecondsModel
    """

    matrix: ScoreMatrix = field(repr=False)
    regrets: np.ndarray = field(repr=False)
    imputed: np.ndarray = field(repr=False)
    proximity: ForestProximity = field(repr=False)
    seconds: SecondsModel = field(repr=False)

    def posterior(self, metafeatures, *, shrinkage, evidence=0.0, importance=1.0):
        """Weight the known datasets for a new one.

        Parameters
        ----------
        metafeatures : ndarray of shape (n_metafeatures,)
            Of the new dataset, in the order of ``matrix.metafeature_names``.
        shrinkage : float
            See `ForestProximity.weights`.
        evidence : float, default=0.0
            See `DatasetPosterior`.
        importance : float or ndarray of shape (n_datasets,), default=1.0
            Factors of the weights.

        Returns
        -------
        posterior : DatasetPosterior
            Before the first evaluation.
        """
        weights = importance * self.proximity.weights(metafeatures, shrinkage)
        return DatasetPosterior(self.imputed, weights / weights.sum(), evidence)

    def criterion(self, size, **parameters):
        """Return the criterion that pipelines are selected by for a new dataset.

        Parameters
        ----------
        size : tuple of int
            Numbers of samples, features and classes of the new dataset.
        **parameters
            See `PortfolioCriterion`.

        Returns
        -------
        criterion : PortfolioCriterion
        """
        return PortfolioCriterion(
            self.imputed,
            self.seconds.predict(*size),
            _learners(self.matrix.pipelines),
            **parameters,
        )


def prepare(matrix, min_datasets_leaf=3) -> RecallData:
    """Prepare a score matrix for recall.

    Parameters
    ----------
    matrix : ScoreMatrix
    min_datasets_leaf : int, default=3
        See `grow_forest`.

    Returns
    -------
    data : RecallData
    """
    regrets = regrets_of(matrix)
    imputed = impute_regrets(regrets)
    weights = family_weights(matrix.families)
    scored = matrix.ok
    n_rows = np.where(scored, matrix.n_rows, 0).max(axis=1)
    return RecallData(
        matrix=matrix,
        regrets=regrets,
        imputed=imputed,
        proximity=grow_forest(
            matrix.metafeature_names,
            matrix.metafeatures,
            imputed,
            matrix.families,
            weights / weights.sum(),
            min_datasets_leaf,
        ),
        seconds=fit_seconds_model(
            np.where(scored, matrix.fit_seconds, np.nan),
            np.where(n_rows > 0, n_rows, matrix.n_samples),
            matrix.n_features,
            matrix.n_classes,
        ),
    )


def _learners(texts):
    """Number the outermost operators of pipelines."""
    return np.unique([t.partition("(")[0] for t in texts], return_inverse=True)[1]
