"""Print what the runs come to, write it as Markdown, and draw it.

    python -m benchmarks.peers.report --markdown FOLDER --pictures FOLDER

A run that failed counts as the constant prediction. A table takes part in a comparison
if all systems that are compared ran on it. Scores are means over seeds. Of the lines of
a run the last one counts.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks._runs import read_lines
from benchmarks.peers._report_tables import (
    cost_table,
    failures_table,
    metric_tables,
    versions_table,
)
from benchmarks.peers._scores import METRICS
from benchmarks.peers.run import KEYS, RESULTS

DRAWN = ("log_loss", "rmse")


def read_records(paths):
    """Return the last line of every run in some files of results."""
    records = {}
    for path in paths:
        for record in read_lines(path):
            records[tuple(record[k] for k in KEYS)] = record
    return list(records.values())


def make_tables(records, metrics, ours):
    """Return all tables of a report; empty ones are left out."""
    tables = [t for metric in metrics for t in metric_tables(records, metric, ours)]
    tables += [cost_table(records), failures_table(records), versions_table(records)]
    return [table for table in tables if table.rows]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("results", nargs="*", type=Path, default=[RESULTS])
    parser.add_argument("--ours", default="sklearn_meta", metavar="NAME[@LABEL]")
    parser.add_argument("--systems", nargs="+", help="some of those in the results")
    parser.add_argument("--tables", nargs="+", help="some of those in the results")
    parser.add_argument("--n-cores", type=int, default=2)
    parser.add_argument(
        "--metrics", nargs="+", choices=list(METRICS), default=list(METRICS)
    )
    parser.add_argument("--markdown", type=Path, help="folder; one file for each table")
    parser.add_argument("--pictures", type=Path, help="folder; PNG files")
    arguments = parser.parse_args()
    records = [
        r
        for r in read_records(arguments.results)
        if r["n_cores"] == arguments.n_cores
        and (arguments.systems is None or r["system"] in arguments.systems)
        and (arguments.tables is None or r["table"] in arguments.tables)
    ]
    if not records:
        raise SystemExit(f"There are no such runs in {arguments.results}.")
    metrics = [METRICS[name] for name in arguments.metrics]
    for table in make_tables(records, metrics, arguments.ours):
        print(f"\n## {table.title}\n\n{table.markdown()}")
        if arguments.markdown is not None:
            table.write(arguments.markdown)
    if arguments.pictures is not None:
        draw(records, arguments.ours, arguments.pictures)


def draw(records, ours, folder):
    """Draw all pictures into a folder."""
    from benchmarks.peers._pictures import PICTURES

    folder.mkdir(parents=True, exist_ok=True)
    metrics = [METRICS[name] for name in DRAWN]
    for name, picture in PICTURES.items():
        picture(records, metrics, ours).savefig(folder / f"{name}.png", dpi=150)


if __name__ == "__main__":
    main()
