"""SQL queries that write and read records."""

from __future__ import annotations

import math

import numpy as np

from sklearn_meta.evaluation._records import Status
from sklearn_meta.metalearning.knowledge_base._merging import (
    merged_datasets,
    merged_evaluations,
)
from sklearn_meta.metalearning.knowledge_base._records import (
    DatasetRecord,
    EvaluationRecord,
)
from sklearn_meta.metalearning.knowledge_base._schema import (
    UNKNOWN,
    decode_scores,
    decode_seconds,
    encode_score,
    encode_seconds,
    mask_unknown,
)


def write_records(connection, dataset, evaluations, source):
    """Insert or update a dataset and its evaluations.

    See `KnowledgeBase.add` for which of two evaluations is kept.

    Parameters
    ----------
    connection : sqlite3.Connection
    dataset : DatasetRecord
    evaluations : iterable of EvaluationRecord
    source : str
    """
    dataset_id = _write_dataset(connection, dataset, source)
    metric_ids = {}
    for evaluation in evaluations:
        pipeline_id = _find_or_insert(connection, "pipelines", text=evaluation.pipeline)
        key = (dataset_id, pipeline_id)
        if not _replaces_stored(connection, key, evaluation):
            continue
        connection.execute(
            "INSERT OR REPLACE INTO evaluations (dataset, pipeline, status, "
            "fit_microseconds, predict_microseconds, n_rows) VALUES (?, ?, ?, ?, ?, ?)",
            (
                *key,
                evaluation.status,
                encode_seconds(evaluation.fit_seconds),
                encode_seconds(evaluation.predict_seconds),
                int(evaluation.n_rows),
            ),
        )
        if evaluation.status != Status.OK:
            continue
        for metric, (mean, standard_error) in evaluation.scores.items():
            if not math.isfinite(mean):
                continue
            if metric not in metric_ids:
                metric_ids[metric] = _find_or_insert(
                    connection, "metrics", task=dataset.task, name=metric
                )
            connection.execute(
                "INSERT OR REPLACE INTO scores (dataset, pipeline, metric, "
                "mean, standard_error, exponent) VALUES (?, ?, ?, ?, ?, ?)",
                (*key, metric_ids[metric], *encode_score(mean, standard_error)),
            )


def _replaces_stored(connection, key, evaluation):
    """Return whether an evaluation is stored; delete scores of other rows if so."""
    where = "WHERE dataset = ? AND pipeline = ?"
    stored = connection.execute(
        f"SELECT status, n_rows FROM evaluations {where}", key
    ).fetchone()
    if stored is None:
        return True
    status, n_rows = stored
    if status == Status.OK and (
        evaluation.status != Status.OK or evaluation.n_rows < n_rows
    ):
        return False
    if evaluation.n_rows != n_rows:
        # With the metrics named, the primary key of the table is used.
        connection.execute(
            f"DELETE FROM scores {where} AND metric IN (SELECT id FROM metrics)", key
        )
    return True


def _write_dataset(connection, dataset, source):
    connection.execute(
        """
        INSERT INTO datasets
            (task, name, family, n_samples, n_features, n_classes, source)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (task, name) DO UPDATE SET
            family = excluded.family,
            n_samples = excluded.n_samples,
            n_features = excluded.n_features,
            n_classes = excluded.n_classes,
            source = excluded.source
        """,
        (
            dataset.task,
            dataset.name,
            dataset.family,
            int(dataset.n_samples),
            int(dataset.n_features),
            int(dataset.n_classes),
            source,
        ),
    )
    (dataset_id,) = connection.execute(
        "SELECT id FROM datasets WHERE task = ? AND name = ?",
        (dataset.task, dataset.name),
    ).fetchone()
    connection.execute("DELETE FROM metafeatures WHERE dataset = ?", (dataset_id,))
    connection.executemany(
        "INSERT INTO metafeatures VALUES (?, ?, ?)",
        [
            # SQLite stores NaN as NULL.
            (
                dataset_id,
                _find_or_insert(connection, "metafeature_names", name=n),
                float(v),
            )
            for n, v in dataset.metafeatures.items()
        ],
    )
    return dataset_id


def _find_or_insert(connection, table, **columns):
    """Return the id of a row, which is inserted if there is none."""
    names = list(columns)
    values = list(columns.values())
    find = f"SELECT id FROM {table} WHERE " + " AND ".join(f"{n} = ?" for n in names)
    row = connection.execute(find, values).fetchone()
    if row is not None:
        return row[0]
    marks = ", ".join("?" for _ in names)
    return connection.execute(
        f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", values
    ).lastrowid


def merge_records(connection, records):
    """Insert datasets and evaluations, or merge them with those that are stored.

    Parameters
    ----------
    connection : sqlite3.Connection
    records : iterable of (DatasetRecord, list of EvaluationRecord, str)
        As `read_records` yields them.
    """
    # Of what is stored before the first of the records is.
    texts, metrics = _read_names(connection)
    for dataset, evaluations, source in records:
        row = connection.execute(
            f"{_DATASETS} WHERE task = ? AND name = ?", (dataset.task, dataset.name)
        ).fetchone()
        if row is None:
            write_records(connection, dataset, evaluations, source)
            continue
        stored = _read_record(connection, row, texts, metrics)
        dataset, source = merged_datasets((stored[0], stored[2]), (dataset, source))
        merged = dataset, merged_evaluations(stored[1], evaluations), source
        # By their texts, in which NaN equals NaN.
        if repr(merged) != repr(stored):
            write_records(connection, *merged)


_DATASETS = """
    SELECT id, name, task, family, n_samples, n_features, n_classes, source
    FROM datasets
"""


def read_records(connection):
    """Return all records, in the order in which they were added.

    Parameters
    ----------
    connection : sqlite3.Connection

    Yields
    ------
    dataset : DatasetRecord
    evaluations : list of EvaluationRecord
    source : str
    """
    texts, metrics = _read_names(connection)
    for row in connection.execute(f"{_DATASETS} ORDER BY id").fetchall():
        yield _read_record(connection, row, texts, metrics)


def _read_names(connection):
    """Return the texts of pipelines and the names of metrics, by id."""
    return tuple(
        dict(connection.execute(f"SELECT id, {column} FROM {table}"))
        for table, column in (("pipelines", "text"), ("metrics", "name"))
    )


def _read_record(connection, row, texts, metrics):
    dataset_id, *values, source = row
    dataset = DatasetRecord(*values, _read_metafeatures(connection, dataset_id))
    scores = _read_scores(connection, dataset_id, metrics)
    return dataset, _read_evaluations(connection, dataset_id, texts, scores), source


def _read_metafeatures(connection, dataset_id):
    rows = connection.execute(
        """
        SELECT name, value FROM metafeatures
        JOIN metafeature_names ON metafeature_names.id = metafeature
        WHERE dataset = ? ORDER BY metafeature
        """,
        (dataset_id,),
    )
    return {name: math.nan if value is None else value for name, value in rows}


def _read_scores(connection, dataset_id, metrics):
    """Return ``{pipeline id: {metric: (mean, standard error)}}`` of a dataset."""
    scores = {}
    for metric_id, metric in metrics.items():
        rows = connection.execute(
            f"""
            SELECT pipeline, mean, ifnull(standard_error, {UNKNOWN}), exponent
            FROM scores WHERE metric = ? AND dataset = ?
            """,
            (metric_id, dataset_id),
        ).fetchall()
        if not rows:
            continue
        pipelines, means, errors, exponents = np.array(rows).T
        errors = mask_unknown(decode_scores(errors, exponents), errors)
        means = decode_scores(means, exponents)
        if np.isinf(means).any() or np.isinf(errors).any() or (errors < 0).any():
            raise ValueError("a score is out of range")
        for pipeline, mean, error in zip(
            pipelines.tolist(), means.tolist(), errors.tolist(), strict=True
        ):
            scores.setdefault(pipeline, {})[metric] = (mean, error)
    return scores


def _read_evaluations(connection, dataset_id, texts, scores):
    rows = connection.execute(
        f"""
        SELECT pipeline, status, ifnull(fit_microseconds, {UNKNOWN}),
            ifnull(predict_microseconds, {UNKNOWN}), n_rows
        FROM evaluations WHERE dataset = ? ORDER BY pipeline
        """,
        (dataset_id,),
    ).fetchall()
    if not rows:
        return []
    pipelines, statuses, fit, predict, n_rows = zip(*rows, strict=True)
    return [
        EvaluationRecord(texts[pipeline], status, scores.get(pipeline, {}), *numbers)
        for pipeline, status, *numbers in zip(
            pipelines,
            statuses,
            decode_seconds(np.array(fit)).tolist(),
            decode_seconds(np.array(predict)).tolist(),
            n_rows,
            strict=True,
        )
    ]
