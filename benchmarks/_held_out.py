"""The families of tables that meta-training never sees.

1. All families of the tables that `select_tables.py` chooses: the benchmarks of the
   AutoML estimators run on them.
2. Further families in the order of the SHA-256 of their name, each one that has a table
   of a task of which there are too few, until 24 classification and 16 regression
   tables of 60 rows or more are held out. A family is held out as a whole, with its
   tables of both tasks.

No score of any model enters the rule.

    python -m benchmarks._held_out --data ../shared/datasets

prints one family a line, in alphabetical order: the ``--hold-out-file`` of
``python -m sklearn_meta.maml.training``.
"""

from __future__ import annotations

import argparse
import hashlib

from benchmarks._tables import CLASSIFICATION, REGRESSION, read_manifest
from benchmarks.select_tables import select

NUMBER = {CLASSIFICATION: 24, REGRESSION: 16}
MIN_ROWS = 60


def held_out_families(manifest, number=NUMBER) -> frozenset[str]:
    """Return the families that are held out.

    Parameters
    ----------
    manifest : list of dict
        Entries with `name`, `task`, `family` and `n_rows`.
    number : dict of str to int
        How many tables of each task are held out at least.

    Returns
    -------
    families : frozenset of str

    Raises
    ------
    ValueError
        If the manifest has too few tables.
    """
    families = {entry["family"] for entry in select(manifest)}
    others = sorted({entry["family"] for entry in manifest} - families, key=_order)
    for family in others:
        few = {
            task
            for task, wanted in number.items()
            if len(held_out_tables(manifest, task, families)) < wanted
        }
        if not few:
            break
        if any(held_out_tables(manifest, task, {family}) for task in few):
            families.add(family)
    for task, wanted in number.items():
        found = len(held_out_tables(manifest, task, families))
        if found < wanted:
            raise ValueError(
                f"The manifest has {found} {task} tables of {MIN_ROWS} rows or more; "
                f"{wanted} are needed."
            )
    return frozenset(families)


def held_out_tables(manifest, task, families):
    """Return the entries of a task, of some families, with enough rows."""
    return [
        entry
        for entry in manifest
        if entry["task"] == task
        and entry["family"] in families
        and entry["n_rows"] >= MIN_ROWS
    ]


def _order(family):
    return hashlib.sha256(family.encode()).hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", required=True, help="folder with manifest.json")
    arguments = parser.parse_args()
    for family in sorted(held_out_families(read_manifest(arguments.data))):
        print(family)


if __name__ == "__main__":
    main()
