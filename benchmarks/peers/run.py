"""Run systems on tables, each run in a process of its own.

    python -m benchmarks.peers.run --data ../shared/datasets --budgets 10 60

Appends one line to the results for every (table, seed, budget, system), and skips what
has a line already. All tables come with the first seed before any comes with the
second one; all systems of a table follow each other.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from benchmarks._runs import ROOT, append_line, read_lines
from benchmarks._tables import TASKS, read_manifest, read_split
from benchmarks.peers._measure import Limits, hard_limit, measure
from benchmarks.peers._systems import SYSTEMS, system_of
from benchmarks.peers.environments import FOLDER, interpreter, is_complete
from benchmarks.peers.tables import tables_of_record

RESULTS = Path(__file__).parents[1] / "results" / "peers.jsonl"
KEYS = ("task", "table", "seed", "system", "budget", "n_cores")


def make_plan(entries, labels, *, budgets, seeds, n_cores):
    """Return the settings of all runs, in the order in which they are made.

    Parameters
    ----------
    entries : list of dict
        Tables, as in the manifest.
    labels : list of str
        ``NAME`` or ``NAME@LABEL``.
    budgets : list of float
    seeds : list of int
    n_cores : int

    Returns
    -------
    plan : list of dict
        With the `KEYS`. Systems without a budget come once, with the first one.
    """
    plan = []
    for seed in seeds:
        for entry in entries:
            for i, budget in enumerate(budgets):
                for label in labels:
                    searches = system_of(label).searches
                    if searches or i == 0:
                        values = (
                            entry["task"],
                            entry["name"],
                            seed,
                            label,
                            budget if searches else None,
                            n_cores,
                        )
                        plan.append(dict(zip(KEYS, values, strict=True)))
    return plan


def without_line(path, plan, repeated=()):
    """Return the settings of `plan` that the results have no line for.

    Parameters
    ----------
    path : Path
    plan : list of dict
    repeated : collection of str, default=()
        Statuses of runs that are made again, such as "failed".
    """
    status = {tuple(r[k] for k in KEYS): r["status"] for r in read_lines(path)}
    return [
        settings
        for settings in plan
        if status.get(tuple(settings[k] for k in KEYS)) in (None, *repeated)
    ]


def use_cores(n):
    """Keep this process, and all it starts, on the first `n` of its cores."""
    cores = sorted(os.sched_getaffinity(0))
    if n > len(cores):
        raise SystemExit(f"There are {len(cores)} cores, {n} are asked for.")
    os.sched_setaffinity(0, cores[:n])


def commit():
    """Return the commit of the checkout, with a plus if files differ from it."""
    command = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() or None


def stop_on_termination():
    """Let SIGTERM end this process as an exception would, so that runs end too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def shown(record):
    """Return a line that says how a run ended."""
    score = next(iter(record.get("scores", {}).values()), None)
    return (
        f"{record['table']:24s}{record['system']:24s}"
        f"{'' if record['budget'] is None else format(record['budget'], 'g'):>5s} s"
        f"  seed {record['seed']}  {record['status']:8s}"
        f"{float('nan') if score is None else score:11.4f}"
        f"  fit {record.get('fit_seconds', float('nan')):7.2f} s"
        f"  {record['peak_megabytes']:6.0f} MB  {record.get('reason', '')}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", required=True, help="folder with manifest.json")
    parser.add_argument(
        "--systems",
        nargs="+",
        metavar="NAME[@LABEL]",
        default=list(SYSTEMS),
        help=f"of {', '.join(SYSTEMS)}; all by default",
    )
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS)
    parser.add_argument(
        "--tables", nargs="+", help="any of the manifest; those of record by default"
    )
    parser.add_argument("--budgets", nargs="+", type=float, default=[10.0, 60.0])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--n-cores", type=int, default=2)
    parser.add_argument("--megabytes", type=float, default=16_384.0)
    parser.add_argument("--environments", type=Path, default=FOLDER)
    parser.add_argument(
        "--initializations",
        type=Path,
        help="folder with classification.safetensors, regression.safetensors and their "
        ".json, trained without the tables; without it, ours has no networks",
    )
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument(
        "--repeat",
        nargs="+",
        choices=["failed", "timeout", "memory"],
        default=[],
        help="make runs again that ended like this",
    )
    arguments = parser.parse_args()
    try:
        systems = {label: system_of(label) for label in arguments.systems}
    except ValueError as error:
        parser.error(str(error))
    for system in systems.values():
        if not is_complete(arguments.environments, system.environment):
            parser.error(
                f"{arguments.environments} has no environment for {system.name}. Make "
                f"it with `python -m benchmarks.peers.environments --systems "
                f"{system.name} --folder {arguments.environments}`."
            )
    entries = chosen(read_manifest(arguments.data), arguments.tasks, arguments.tables)
    plan = make_plan(
        entries,
        arguments.systems,
        budgets=arguments.budgets,
        seeds=arguments.seeds,
        n_cores=arguments.n_cores,
    )
    todo = without_line(arguments.results, plan, arguments.repeat)
    print(f"{len(todo)} runs to do, {len(plan) - len(todo)} done", flush=True)
    stop_on_termination()
    use_cores(arguments.n_cores)
    families = {(e["task"], e["name"]): e["family"] for e in entries}
    state = commit()
    initializations = ""
    if arguments.initializations is not None:
        initializations = str(arguments.initializations.resolve(strict=True))
    for i, keys in enumerate(todo, 1):
        system = systems[keys["system"]]
        family = families[keys["task"], keys["table"]]
        settings = replace(
            system.settings(keys, keys["task"], family), initializations=initializations
        )
        began = time.strftime("%Y-%m-%dT%H:%M:%S")
        result = measure(
            interpreter(arguments.environments, system.environment),
            settings,
            read_split(arguments.data, keys["task"], keys["table"], keys["seed"]),
            limits=Limits(hard_limit(keys["budget"]), arguments.megabytes),
            variables=system.variables,
        )
        about = {"time": began, "commit": state, **keys, "family": family}
        record = {**about, **result}
        append_line(arguments.results, record)
        print(f"[{i}/{len(todo)}] {shown(record)}", flush=True)


def chosen(manifest, tasks, tables):
    """Return the entries of some tables; of the tables of record for None.

    Raises
    ------
    SystemExit
        If the manifest has no table of that name.
    """
    entries = tables_of_record(manifest) if tables is None else manifest
    if tables is not None:
        unknown = sorted(set(tables) - {entry["name"] for entry in manifest})
        if unknown:
            raise SystemExit(f"The manifest has no table {', '.join(unknown)}.")
    return [
        entry
        for entry in entries
        if entry["task"] in tasks and (tables is None or entry["name"] in tables)
    ]


if __name__ == "__main__":
    main()
