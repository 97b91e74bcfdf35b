"""Meta-features: numbers that describe a table, comparable between tables."""

from sklearn_meta.metalearning.metafeatures._describe import (
    MetaFeatures,
    compute_metafeatures,
    describe,
    encode_dataset,
)
from sklearn_meta.metalearning.metafeatures._groups import (
    METAFEATURE_NAMES,
    METAFEATURES,
    metafeature_names,
)

__all__ = [
    "METAFEATURES",
    "METAFEATURE_NAMES",
    "MetaFeatures",
    "compute_metafeatures",
    "describe",
    "encode_dataset",
    "metafeature_names",
]
