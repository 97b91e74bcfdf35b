"""The tables of record: chosen by a rule that was fixed before any run.

    python -m benchmarks.peers.tables --data ../shared/datasets
    python -m benchmarks.peers.tables --data ../shared/datasets --families

The second command prints their families, one a line: what is trained on tables and
ships with the package is to be trained without them, or they are no test of it.

The rule is that of `benchmarks.select_tables`, for 10 classification and 8 regression
tables, with one condition more: no table of a family from which `select_tables` chose
one. The package was developed with a view to those.
"""

from __future__ import annotations

import argparse

from benchmarks._tables import CLASSIFICATION, REGRESSION, read_manifest
from benchmarks.select_tables import select

NUMBER = {CLASSIFICATION: 10, REGRESSION: 8}


def tables_of_record(manifest):
    """Return the chosen entries of the manifest, classification first.

    Parameters
    ----------
    manifest : list of dict
        Entries with `name`, `task`, `family` and `n_rows`.

    Returns
    -------
    chosen : list of dict

    Raises
    ------
    ValueError
        If the manifest has too few families.
    """
    seen = {entry["family"] for entry in select(manifest)}
    return select([e for e in manifest if e["family"] not in seen], NUMBER)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", required=True, help="folder with manifest.json")
    parser.add_argument("--families", action="store_true", help="print these only")
    arguments = parser.parse_args()
    entries = tables_of_record(read_manifest(arguments.data))
    if arguments.families:
        print("\n".join(entry["family"] for entry in entries))
        return
    print("| task | table | rows | columns | nominal |\n|---|---|---|---|---|")
    for entry in entries:
        names = ("task", "name", "n_rows", "n_columns", "n_categorical")
        print("| " + " | ".join(str(entry[name]) for name in names) + " |")


if __name__ == "__main__":
    main()
