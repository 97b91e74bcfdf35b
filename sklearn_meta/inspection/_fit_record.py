"""Record of what a fit has seen, as far as reports need it: no row of the table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sklearn_meta._sklearn_compat import metric_of_scorer
from sklearn_meta.data._single_columns import (
    SingleColumn,
    owners_of,
    single_columns,
)
from sklearn_meta.data._task import EXTRAPOLATION_IN_TIME
from sklearn_meta.evaluation._constant_guess import constant_guess
from sklearn_meta.evaluation._search_plan import trial_context


@dataclass(frozen=True)
class FitRecord:
    """What a fit has seen.

    Parameters
    ----------
    n_rows, n_columns : int
        Size of the table that was passed to ``fit``, without rows of weight zero.
    task : {"classes", "labels", "numbers"}
        One class for each row, several labels, or one or several numbers.
    counts : tuple of int
        Rows of each class, or with each label; empty for numbers.
    spread : tuple of (float, float)
        Mean and standard deviation of each numeric target; empty for classes.
    target_names : tuple of str
        Names of the columns of the target, if it is a data frame or series.
    n_groups : int
        Number of groups; 0 without groups.
    n_copies : int
        Rows that are copies of others.
    is_weighted : bool
        Whether there were sample weights.
    metric : str
        Name of the scorer, such as ``"neg_log_loss"``. For a callable, the name of its
        function in this form.
    objective : str
        Name of the metric by which candidates were compared; empty if it is `metric`.
    guess : tuple of float
        The best constant prediction, see `constant_guess`.
    constant_score : float
        Its score.
    single_columns : tuple of SingleColumn
        See `single_columns`.
    is_in_order : bool
        Whether splits were in temporal order.
    """

    n_rows: int
    n_columns: int
    task: str
    counts: tuple[int, ...]
    spread: tuple[tuple[float, float], ...]
    target_names: tuple[str, ...]
    n_groups: int
    n_copies: int
    is_weighted: bool
    metric: str
    objective: str
    guess: tuple[float, ...]
    constant_score: float
    single_columns: tuple[SingleColumn, ...]
    is_in_order: bool = False


def record_fit(table, settings) -> FitRecord:
    """Record what a fit has seen; takes some milliseconds.

    Parameters
    ----------
    table : Table
    settings : SearchSettings

    Returns
    -------
    record : FitRecord
    """
    dataset = table.dataset
    task, y = dataset.task, dataset.y
    kind, counts, spread = "numbers", np.zeros(0, dtype=np.intp), []
    if not task.is_classifier:
        outputs = y.reshape(len(y), -1).T
        spread = [(float(np.mean(o)), float(np.std(o))) for o in outputs]
    elif y.ndim == 1:
        kind, counts = "classes", np.bincount(y, minlength=task.n_classes)
    else:
        kind, counts = "labels", y.sum(axis=0)
    columns = table.encoding.columns
    labels = [c.label for c in columns] or range(dataset.n_features)
    owners = owners_of(table.row_encoder.encoder, labels, dataset.n_features)
    groups = dataset.groups
    guess, score = constant_guess(trial_context(table, settings.scoring))
    return FitRecord(
        n_rows=dataset.n_samples,
        n_columns=len(labels),
        task=kind,
        counts=tuple(int(n) for n in counts),
        spread=tuple(spread),
        target_names=_target_names(table.given.y),
        # Of any type that has a hash, perhaps of several.
        n_groups=0 if groups is None else len(set(groups.tolist())),
        n_copies=table.n_copies,
        is_weighted=dataset.sample_weight is not None,
        metric=_metric_name(settings.scoring),
        objective="" if settings.objective is None else settings.objective.name,
        guess=guess,
        constant_score=score,
        single_columns=single_columns(dataset, owners),
    )


def is_in_order(context) -> bool:
    """Whether the splits of an evaluation context are in temporal order."""
    return context.extrapolation == EXTRAPOLATION_IN_TIME


def _metric_name(scoring):
    """Return the name of a scorer, also of one that scikit-learn does not name."""
    if not scoring.is_own_code:
        return scoring.name
    metric, _, sign = metric_of_scorer(scoring.scorer)
    name = getattr(metric or scoring.scorer, "__name__", "")
    name = name if name.isidentifier() else "score"
    return f"neg_{name}" if sign < 0 else name


def _target_names(y):
    """Return the names of the columns of a target that are strings."""
    names = getattr(y, "columns", None)
    names = [getattr(y, "name", None)] if names is None else list(names)
    if not all(isinstance(name, str) for name in names):
        return ()
    return tuple(str(name) for name in names)
