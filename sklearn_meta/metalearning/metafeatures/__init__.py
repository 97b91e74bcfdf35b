"""Meta-features: a table described by numbers that tables can be compared by."""

from sklearn_meta.metalearning.metafeatures._describe import (
    MetaFeatures,
    compute_metafeatures,
    describe,
    read_table,
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
    "metafeature_names",
    "read_table",
]
