"""Categories of many levels: cross-fitted means of the target for each level.

One-hot columns and native splits of learners serve categories of some dozens of levels.
Of thousands of levels with a few rows each they keep the most frequent ones only, while
a mean of the target, shrunk to that of all rows, keeps what each level tells [1]_.

References
----------
.. [1] D. Micci-Barreca, "A preprocessing scheme for high-cardinality categorical
   attributes in classification and prediction problems", SIGKDD Explorations 3(1),
   2001.
"""

from __future__ import annotations

from dataclasses import dataclass

from sklearn_meta._sklearn_compat import target_encoder_takes_splitters
from sklearn_meta.pipelines._spec import Spec

# A category of more levels is replaced by means of the target.
MANY_LEVELS = 100

# With more classes, categories are not replaced: each would become as many columns.
MAX_CLASSES = 20

# Folds of the target encoder's own cross-fitting, scikit-learn's default.
TARGET_ENCODER_FOLDS = 5


@dataclass(frozen=True)
class SingleTarget:
    """Target of one output, as far as it is known before fit.

    Parameters
    ----------
    n_classes : int
        One for regression.
    random_state : int
        Seed of the folds of cross-fitting.
    """

    n_classes: int
    random_state: int

    @property
    def n_columns(self) -> int:
        """Number of columns that replace a category, or an upper bound of it."""
        return self.n_classes if self.n_classes > 2 else 1


def single_target(n_classes, n_outputs, random_state) -> SingleTarget | None:
    """Describe a target; None if it has several outputs."""
    return SingleTarget(n_classes, random_state) if n_outputs == 1 else None


def columns_of_many_levels(layout, target: SingleTarget | None) -> list[int]:
    """Return the categorical columns that means of the target replace.

    Parameters
    ----------
    layout : Layout
    target : SingleTarget or None
        None for several outputs, which have no such means.

    Returns
    -------
    columns : list of int
    """
    if target is None or target.n_classes > MAX_CLASSES:
        return []
    return [i for i, n in enumerate(layout.cardinalities) if n > MANY_LEVELS]


def target_encoder(n_classes, random_state, *, smooth="auto") -> Spec:
    """Cross-fitted means of the target for each level."""
    return Spec(
        "sklearn.preprocessing.TargetEncoder",
        (
            # "auto" takes a numeric target with few integer values for classes. For
            # classes it is right, also in a fold that has seen only two of them.
            ("target_type", "continuous" if n_classes == 1 else "auto"),
            ("smooth", smooth),
            *_cross_fitting(random_state),
        ),
    )


def _cross_fitting(random_state):
    """Return the arguments of the target encoder's own cross-fitting."""
    if not target_encoder_takes_splitters():
        return [("cv", TARGET_ENCODER_FOLDS), ("random_state", random_state)]
    # Not stratified: StratifiedKFold warns of, and may refuse, rare classes.
    folds = Spec(
        "sklearn.model_selection.KFold",
        (
            ("n_splits", TARGET_ENCODER_FOLDS),
            ("shuffle", True),
            ("random_state", random_state),
        ),
    )
    return [("cv", folds)]
