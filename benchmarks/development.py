"""Whole searches with and without one part, on tables to develop with.

    python -m benchmarks.development run --data ../shared/datasets \
        --systems sklearn_meta without_racing
    python -m benchmarks.development run --data ../shared/datasets --budget 10 \
        --group small --number 12 --results benchmarks/results/small.jsonl
    python -m benchmarks.development report --against without_racing

The tables are of families from which neither `select_tables` nor `peers.tables` chose
one. Of each task those of a group come in the order of the SHA-256 of
``PREFIX/task/name``, one of a family; see `GROUPS`. Runs are those of `main_job`, the
systems those of `_systems`, in turn on each table. The report compares every system in
the results with one of them; systems that are no longer in the package have their names
in the records only.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from benchmarks._runs import dispatch, read_lines, run_pending, two_commands
from benchmarks._tables import CLASSIFICATION, REGRESSION, TASKS, read_manifest
from benchmarks.main_job import KEYS, compare, losses, measure, shown, summary, told
from benchmarks.peers.tables import tables_of_record
from benchmarks.select_tables import select

RESULTS = Path(__file__).parent / "results" / "development.jsonl"
# Prefix of what is hashed, and rows from, to.
GROUPS = {
    "usual": ("dev", 300, float("inf")),
    "small": ("small", 90, 300),
    "large": ("engine", 3_000, float("inf")),
}
SYSTEMS = ("sklearn_meta", "without_racing")


def development_tables(manifest, group, number):
    """Return entries of tables that no other benchmark looks at.

    Parameters
    ----------
    manifest : list of dict
        Entries with `name`, `task`, `family` and `n_rows`.
    group : {"usual", "small", "large"}
    number : int
        How many of each task; fewer if there are no more.

    Returns
    -------
    chosen : list of dict
        The tasks take turns.
    """
    prefix, low, high = GROUPS[group]
    taken = {e["family"] for e in (*select(manifest), *tables_of_record(manifest))}

    def order(entry):
        text = f"{prefix}/{entry['task']}/{entry['name']}"
        return hashlib.sha256(text.encode()).hexdigest()

    queues = []
    for task in (CLASSIFICATION, REGRESSION):
        of_family = {}
        for entry in sorted(manifest, key=order):
            if (
                entry["task"] == task
                and low <= entry["n_rows"] < high
                and entry["family"] not in taken
            ):
                of_family.setdefault(entry["family"], entry)
        queues.append(list(of_family.values())[:number])
    longest = max(map(len, queues))
    return [queue[i] for i in range(longest) for queue in queues if i < len(queue)]


def run(arguments):
    manifest = read_manifest(arguments.data)
    plan = [
        {
            "task": entry["task"],
            "table": entry["name"],
            "family": entry["family"],
            "seed": 0,
            "system": system,
            "budget": arguments.budget,
            "n_jobs": 2,
        }
        for entry in development_tables(manifest, arguments.group, arguments.number)
        for system in arguments.systems
    ]
    run_pending(
        "benchmarks.main_job",
        plan,
        KEYS,
        arguments,
        timeout=lambda settings: settings["budget"] + 120,
        shown=shown,
    )


def report(arguments):
    records = read_lines(arguments.results)
    for budget in sorted({r["budget"] for r in records}):
        ran = losses(r for r in records if r["budget"] == budget)
        systems = {system for by_system in ran.values() for system in by_system}
        for system in sorted(systems - {arguments.against, "constant"}):
            for tasks in (*((task,) for task in TASKS), TASKS):
                both = {
                    key: by_system
                    for key, by_system in ran.items()
                    if key[0] in tasks
                    and {system, arguments.against} <= by_system.keys()
                }
                if both:
                    compared = compare(both, system, (arguments.against,))
                    print(
                        f"{budget:g} s, {' and '.join(tasks)}: {system} "
                        f"{told(summary(compared))}"
                    )


def main():
    parser, runner, reporter = two_commands(__doc__, RESULTS)
    runner.add_argument("--group", choices=GROUPS, default="usual")
    runner.add_argument("--number", type=int, default=10, help="tables of each task")
    runner.add_argument("--systems", nargs="+", default=SYSTEMS)
    reporter.add_argument(
        "--against", default=SYSTEMS[1], help="system to compare with"
    )
    runner.add_argument("--budget", type=float, default=30.0, help="seconds")
    dispatch(parser, measure=measure, run=run, report=report)


if __name__ == "__main__":
    main()
