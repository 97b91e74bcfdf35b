"""A knowledge base as a folder of CSV files, and back without loss.

``datasets.csv`` has a row for each dataset and a column for each meta-feature;
``evaluations.csv`` a row for each evaluation and two columns for each metric;
``provenance.csv`` names and values, as JSON. An empty cell says that nothing is
stored, ``nan`` that a number is not defined.
"""

from __future__ import annotations

import csv
import json

from sklearn_meta.metalearning.knowledge_base._file import KnowledgeBaseError
from sklearn_meta.metalearning.knowledge_base._tables import (
    columns_of,
    dataset_of_row,
    dataset_row,
    evaluation_of_row,
    evaluation_row,
)

DATASETS, EVALUATIONS, PROVENANCE = (
    "datasets.csv",
    "evaluations.csv",
    "provenance.csv",
)

# The csv module refuses longer cells than this by default (131 072); a pipeline may be
# any text.
_LONGEST_CELL = 2**31 - 1


def write_csv(folder, records, provenance):
    """Write a knowledge base to a folder.

    Parameters
    ----------
    folder : Path
        Created if it does not exist; files in it are replaced.
    records : list of (DatasetRecord, list of EvaluationRecord, str)
        With the source of each.
    provenance : mapping of str to value
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / DATASETS, [dataset_row(d, source) for d, _, source in records])
    _write(
        folder / EVALUATIONS,
        [evaluation_row(d, e) for d, evaluations, _ in records for e in evaluations],
    )
    _write(
        folder / PROVENANCE,
        [{"name": n, "value": json.dumps(v)} for n, v in provenance.items()],
    )


def read_csv(folder):
    """Read a knowledge base from a folder.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    records : list of (DatasetRecord, list of EvaluationRecord, str)
    provenance : dict

    Raises
    ------
    KnowledgeBaseError
        If a file is missing or a row cannot be understood; the message names the file
        and the line.
    """
    records = {}
    for dataset, source in _read(folder / DATASETS, dataset_of_row):
        records[dataset.task, dataset.name] = dataset, [], source

    def of_known_dataset(row):
        key = row["task"], row["dataset"]
        if key not in records:
            raise ValueError(f"{DATASETS} has no {key[0]} dataset {key[1]!r}")
        return key, evaluation_of_row(row)

    for key, evaluation in _read(folder / EVALUATIONS, of_known_dataset):
        records[key][1].append(evaluation)
    provenance = _read(
        folder / PROVENANCE, lambda row: (row["name"], json.loads(row["value"]))
    )
    return list(records.values()), dict(provenance)


def _write(path, rows):
    # A number is written with as many digits as it takes to read the same number.
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns_of(rows), restval="")
        writer.writeheader()
        writer.writerows(rows)


def _read(path, parse):
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            parsed = []
            for row in reader:
                try:
                    parsed.append(parse(row))
                except (KeyError, TypeError, ValueError) as error:
                    raise KnowledgeBaseError(
                        f"Line {reader.line_num} of {str(path)!r} is not a row of an "
                        f"exported knowledge base: {error!r}. Mend or remove it."
                    ) from error
            return parsed
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise KnowledgeBaseError(
            f"{str(path)!r} cannot be read: {error}. A folder that "
            f"KnowledgeBase.export_csv wrote holds {DATASETS}, {EVALUATIONS} and "
            f"{PROVENANCE}."
        ) from error
