"""Records of datasets and evaluations, and data frames of them."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from sklearn_meta.data._task_names import TASKS
from sklearn_meta.evaluation._records import Status

# Limits of what a file is read with, so that nobody can fill the memory of others:
# numbers of rows, columns and classes, and characters of names and pipelines.
MAX_COUNT = 10**15
MAX_TEXT = 100_000

_STATUSES = frozenset(str(status) for status in Status)


@dataclass(frozen=True)
class DatasetRecord:
    """Description of a dataset by numbers; it holds no rows.

    Parameters
    ----------
    name : str
        Unique among the datasets of its task.
    task : {"classification", "regression"}
    family : str
        Shared by datasets of one origin (versions, subsamples, several targets of one
        table), which leave-one-family-out evaluations leave out together.
    n_samples, n_features : int
        Numbers of rows and of columns.
    n_classes : int, default=0
        0 for regression.
    metafeatures : mapping of str to float, default={}
        By name. NaN where a meta-feature is not defined.

    Raises
    ------
    ValueError
        If the task is unknown, the name is empty, a text is longer than 100 000
        bytes, a count is negative or above 1e15, or a meta-feature is infinite.
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
        for name in ("name", "family"):
            _check_text(getattr(self, name), f"The '{name}' of a dataset")
        for name in self.metafeatures:
            _check_text(name, "The name of a meta-feature")
        for count in ("n_samples", "n_features", "n_classes"):
            if not 0 <= getattr(self, count) <= MAX_COUNT:
                raise ValueError(
                    f"The '{count}' of dataset {self.name!r} must be at least 0 and at "
                    f"most {MAX_COUNT:.0e}. Got {getattr(self, count)!r} instead."
                )
        for name, value in self.metafeatures.items():
            if math.isinf(value):
                raise ValueError(
                    f"The meta-feature {name!r} of dataset {self.name!r} must be "
                    f"finite, or NaN where it is not defined. Got {value!r} instead."
                )


@dataclass(frozen=True)
class EvaluationRecord:
    """Result of one pipeline on one dataset.

    Parameters
    ----------
    pipeline : str
        Canonical text.
    status : str, default="ok"
        A member of `Status`: ``"ok"``, ``"timeout"``, ``"failed"``, ...
    scores : mapping of str to (float, float), default={}
        Mean and standard error over the folds, by scikit-learn's name of the scorer;
        greater is better. The standard error may be NaN. Scores whose mean is not
        finite are not stored.
    fit_seconds, predict_seconds : float, default=nan
        Of one fit, and of predicting one validation fold. NaN where not known; after a
        time-out, the seconds until then.
    n_rows : int, default=0
        Number of rows of the dataset that were split into folds.

    Raises
    ------
    ValueError
        If the status is unknown, the text of the pipeline is longer than 100 000
        bytes, or a number of rows, seconds or a standard error is negative.
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
        _check_text(self.pipeline, "The 'pipeline' of an evaluation")
        for metric, (_, standard_error) in self.scores.items():
            _check_text(metric, "The name of a metric")
            if standard_error < 0:
                raise ValueError(
                    f"The standard error of a score must be at least 0, or NaN where "
                    f"it is not known. Got {standard_error!r} for {metric!r} instead."
                )
        # The repr of a member of Status is not that of a str.
        object.__setattr__(self, "status", str(self.status))
        for name in ("fit_seconds", "predict_seconds", "n_rows"):
            value = getattr(self, name)
            if value < 0 or math.isinf(value):
                raise ValueError(
                    f"The '{name}' of an evaluation must be finite and at least 0. "
                    f"Got {value!r} instead."
                )


def _check_text(text, what):
    if not isinstance(text, str):
        raise TypeError(f"{what} must be a str. Got {text!r} instead.")
    if len(text) > MAX_TEXT // 4 and len(text.encode(errors="replace")) > MAX_TEXT:
        raise ValueError(
            f"{what} must be at most {MAX_TEXT} bytes long. Got a text that begins "
            f"with {text[:40]!r} instead."
        )


def check_task(task):
    """Raise a ValueError unless `task` is the name of a task."""
    if task not in TASKS:
        raise ValueError(
            f"The 'task' must be one of {list(TASKS)}. Got {task!r} instead."
        )


# Data frames

# Prefixes of columns whose names come from the data, so that a meta-feature called
# "n_samples" is another column than the field.
METAFEATURE = "metafeature:"
MEAN = "mean:"
STANDARD_ERROR = "standard_error:"


def dataset_row(dataset, source):
    """Return one row for a dataset, with a column for each meta-feature."""
    row = _scalar_fields(dataset, without="metafeatures") | {"source": source}
    for name, value in dataset.metafeatures.items():
        row[METAFEATURE + name] = value
    return row


def evaluation_row(dataset, evaluation):
    """Return one row for an evaluation, with two columns for each metric."""
    row = {"task": dataset.task, "dataset": dataset.name}
    row |= _scalar_fields(evaluation, without="scores")
    for metric, (mean, standard_error) in evaluation.scores.items():
        row[MEAN + metric] = mean
        row[STANDARD_ERROR + metric] = standard_error
    return row


def _scalar_fields(record, without):
    names = (field.name for field in fields(record) if field.name != without)
    return {name: getattr(record, name) for name in names}


def as_data_frame(rows):
    """Return rows as a data frame.

    Parameters
    ----------
    rows : list of dict

    Returns
    -------
    table : DataFrame or list of dict
        A DataFrame where pandas is installed. All rows have the columns of any; those
        that a row lacks are NaN.
    """
    columns = list(dict.fromkeys(column for row in rows for column in row))
    try:
        pandas = importlib.import_module("pandas")
    except ImportError:
        return [{name: row.get(name, math.nan) for name in columns} for row in rows]
    return pandas.DataFrame(rows, columns=columns)
