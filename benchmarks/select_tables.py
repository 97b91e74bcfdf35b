"""Choose the tables of the benchmarks by a rule that was fixed before any run.

1. Tables of each task fall into three strata by their number of rows: under 500,
   500 to 1 999, and 2 000 or more.
2. Within a stratum they are ordered by the SHA-256 of ``task/name``.
3. Strata take turns, the smallest first; each takes its next table of a family that
   was not taken before, until there are 12 classification and 10 regression tables.

    python -m benchmarks.select_tables --data ../shared/datasets

prints them; the other scripts call `select`.
"""

from __future__ import annotations

import argparse
import hashlib

from benchmarks._tables import CLASSIFICATION, REGRESSION, read_manifest

NUMBER = {CLASSIFICATION: 12, REGRESSION: 10}
STRATA = ((0, 500), (500, 2_000), (2_000, float("inf")))


def select(manifest, number=NUMBER):
    """Return the chosen entries of the manifest, classification first.

    Parameters
    ----------
    manifest : list of dict
        Entries with `name`, `task`, `family` and `n_rows`.
    number : dict of str to int
        How many tables of each task.

    Returns
    -------
    chosen : list of dict
    """
    chosen = []
    families = set()
    for task, wanted in number.items():
        entries = sorted((e for e in manifest if e["task"] == task), key=_order)
        queues = [
            iter([e for e in entries if low <= e["n_rows"] < high])
            for low, high in STRATA
        ]
        taken = 0
        while taken < wanted:
            before = taken
            for queue in queues:
                entry = next((e for e in queue if e["family"] not in families), None)
                if entry is not None and taken < wanted:
                    chosen.append(entry)
                    families.add(entry["family"])
                    taken += 1
            if taken == before:
                raise ValueError(
                    f"The manifest has {taken} {task} tables of distinct families; "
                    f"{wanted} are needed."
                )
    return chosen


def _order(entry):
    return hashlib.sha256(f"{entry['task']}/{entry['name']}".encode()).hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", required=True, help="folder with manifest.json")
    arguments = parser.parse_args()
    print(f"{'task':15s}{'name':28s}{'rows':>7s}{'columns':>9s}{'nominal':>9s}")
    for entry in select(read_manifest(arguments.data)):
        print(
            f"{entry['task']:15s}{entry['name']:28s}{entry['n_rows']:7d}"
            f"{entry['n_columns']:9d}{entry['n_categorical']:9d}"
        )


if __name__ == "__main__":
    main()
