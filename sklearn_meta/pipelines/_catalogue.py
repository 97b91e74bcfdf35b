"""The built-in operators, for both tasks."""

from __future__ import annotations

import functools

from sklearn_meta.pipelines._catalogue_learners import (
    LEARNER_OPERATORS,
    WRAPPER_OPERATORS,
)
from sklearn_meta.pipelines._catalogue_transformers import TRANSFORMER_OPERATORS
from sklearn_meta.pipelines._operators import Catalogue
from sklearn_meta.pipelines._preparation import PREPARATION_OPERATORS


@functools.cache
def default_catalogue() -> Catalogue:
    """Return the catalogue of all built-in operators.

    Nothing is imported from scikit-learn or LightGBM: operators name their classes, and
    a class is imported when a pipeline is built.

    Returns
    -------
    catalogue : Catalogue
        Always the same immutable object.
    """
    return Catalogue(
        (
            *PREPARATION_OPERATORS,
            *TRANSFORMER_OPERATORS,
            *LEARNER_OPERATORS,
            *WRAPPER_OPERATORS,
        )
    )
