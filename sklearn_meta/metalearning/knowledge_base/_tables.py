"""Records of the knowledge base as rows of tables, and back."""

from __future__ import annotations

import importlib
import math
from dataclasses import fields

from sklearn_meta.metalearning.knowledge_base._records import (
    DatasetRecord,
    EvaluationRecord,
)

# Columns whose names come from the data have one of these in front, so that a
# meta-feature called "n_samples" does no harm.
METAFEATURE = "metafeature:"
MEAN = "mean:"
STANDARD_ERROR = "standard_error:"

_DATASET_FIELDS = tuple(
    field.name for field in fields(DatasetRecord) if field.name != "metafeatures"
)
_EVALUATION_FIELDS = tuple(
    field.name for field in fields(EvaluationRecord) if field.name != "scores"
)


def dataset_row(dataset, source):
    """Return one row for a dataset, with a column for each meta-feature."""
    row = {name: getattr(dataset, name) for name in _DATASET_FIELDS}
    row["source"] = source
    for name, value in dataset.metafeatures.items():
        row[METAFEATURE + name] = value
    return row


def evaluation_row(dataset, evaluation):
    """Return one row for an evaluation, with two columns for each metric."""
    row = {"task": dataset.task, "dataset": dataset.name}
    row |= {name: getattr(evaluation, name) for name in _EVALUATION_FIELDS}
    for metric, (mean, standard_error) in evaluation.scores.items():
        row[MEAN + metric] = mean
        row[STANDARD_ERROR + metric] = standard_error
    return row


def dataset_of_row(row):
    """Return the dataset and the source of a row of texts; empty ones are absent."""
    dataset = DatasetRecord(
        **{name: row[name] for name in ("name", "task", "family")},
        **{name: int(row[name]) for name in ("n_samples", "n_features", "n_classes")},
        metafeatures={
            column.removeprefix(METAFEATURE): float(value)
            for column, value in row.items()
            if column.startswith(METAFEATURE) and value != ""
        },
    )
    return dataset, row["source"]


def evaluation_of_row(row):
    """Return the evaluation of a row of texts; empty scores are absent."""
    metrics = [
        column.removeprefix(MEAN)
        for column, value in row.items()
        if column.startswith(MEAN) and value != ""
    ]
    return EvaluationRecord(
        pipeline=row["pipeline"],
        status=row["status"],
        scores={
            metric: (float(row[MEAN + metric]), float(row[STANDARD_ERROR + metric]))
            for metric in metrics
        },
        fit_seconds=float(row["fit_seconds"]),
        predict_seconds=float(row["predict_seconds"]),
        n_rows=int(row["n_rows"]),
    )


def columns_of(rows):
    """Return the columns that any of some rows has, in the order they are met."""
    return list(dict.fromkeys(column for row in rows for column in row))


def as_table(rows):
    """Return rows as people read them.

    Parameters
    ----------
    rows : list of dict
        A column that a row lacks becomes NaN.

    Returns
    -------
    table : DataFrame or list of dict
        A DataFrame where pandas is installed.
    """
    columns = columns_of(rows)
    try:
        pandas = importlib.import_module("pandas")
    except ImportError:
        return [{name: row.get(name, math.nan) for name in columns} for row in rows]
    return pandas.DataFrame(rows, columns=columns)
