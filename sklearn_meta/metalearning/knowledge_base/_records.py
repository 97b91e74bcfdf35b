"""What the knowledge base knows of one dataset and of one pipeline on it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from sklearn_meta.data._task_names import TASKS
from sklearn_meta.evaluation._records import Status

_STATUSES = frozenset(str(status) for status in Status)


@dataclass(frozen=True)
class DatasetRecord:
    """A dataset, as numbers that describe it; never its rows.

    Parameters
    ----------
    name : str
        Unique among the datasets of its task.
    task : {"classification", "regression"}
    family : str
        Datasets of one origin (versions, subsamples, several targets of one table)
        share a family; they are left out together when recall is judged.
    n_samples, n_features : int
    n_classes : int
        0 for regression.
    metafeatures : mapping of str to float
        By name. NaN where a meta-feature is not defined.

    Raises
    ------
    ValueError
        If the task is unknown, the name is empty, a count is negative, or a
        meta-feature is infinite.
    """

    name: str
    task: str
    family: str
    n_samples: int
    n_features: int
    n_classes: int = 0
    metafeatures: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self):
        check_task(self.task)
        if not (isinstance(self.name, str) and self.name):
            raise ValueError(
                f"The name of a dataset must be a str that is not empty. Got "
                f"{self.name!r} instead."
            )
        for count in ("n_samples", "n_features", "n_classes"):
            if getattr(self, count) < 0:
                raise ValueError(
                    f"The '{count}' of dataset {self.name!r} must be at least 0. Got "
                    f"{getattr(self, count)!r} instead."
                )
        for name, value in self.metafeatures.items():
            if math.isinf(value):
                raise ValueError(
                    f"The meta-feature {name!r} of dataset {self.name!r} must be "
                    f"finite, or NaN where it is not defined. Got {value!r} instead."
                )


@dataclass(frozen=True)
class EvaluationRecord:
    """How one pipeline did on one dataset.

    Parameters
    ----------
    pipeline : str
        Its canonical text.
    status : str
        A member of `Status`: ``"ok"``, ``"timeout"``, ``"failed"``, ...
    scores : mapping of str to (float, float)
        Mean and standard error over the folds, by scikit-learn's name of the scorer;
        greater is better. The standard error may be NaN. Scores whose mean is not
        finite are taken as absent.
    fit_seconds, predict_seconds : float
        Of one fit, and of predicting one validation fold. NaN where not known; for a
        time-out, the seconds that had passed.
    n_rows : int
        Rows of the dataset that the folds were made of.

    Raises
    ------
    ValueError
        If the status is unknown, or a number of rows or seconds is negative.
    """

    pipeline: str
    status: str = "ok"
    scores: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    fit_seconds: float = math.nan
    predict_seconds: float = math.nan
    n_rows: int = 0

    def __post_init__(self):
        if self.status not in _STATUSES:
            raise ValueError(
                f"The 'status' of an evaluation must be one of {sorted(_STATUSES)}. "
                f"Got {self.status!r} instead."
            )
        # A member of Status is a str, but does not look like one.
        object.__setattr__(self, "status", str(self.status))
        for name in ("fit_seconds", "predict_seconds", "n_rows"):
            value = getattr(self, name)
            if value < 0 or math.isinf(value):
                raise ValueError(
                    f"The '{name}' of an evaluation must be finite and at least 0. "
                    f"Got {value!r} instead."
                )


def check_task(task):
    """Raise a ValueError unless `task` is the name of a task."""
    if task not in TASKS:
        raise ValueError(
            f"The 'task' must be one of {list(TASKS)}. Got {task!r} instead."
        )
