"""Runs in subprocesses, and their results as lines of JSON."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def run_module(module, settings, *, timeout, environment=()):
    """Run ``python -m module --settings JSON`` and return what it prints, parsed.

    Waiting OpenMP threads do not spin there, for the sake of all systems alike: on a
    machine where anything else runs they make short fits take seconds.

    Returns
    -------
    result : dict
        With the key `status`: "ok", "failed" or "timeout"; the last lines of the error
        stream are under `error` if it is not "ok".
    """
    process = subprocess.Popen(
        [sys.executable, "-m", module, "--settings", json.dumps(settings)],
        cwd=ROOT,
        env={
            **os.environ,
            "OMP_WAIT_POLICY": "PASSIVE",
            "PYTHONWARNINGS": "ignore",
            **dict(environment),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        output, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return {"status": "timeout", "error": f"not finished after {timeout:g} s"}
    except BaseException:
        process.kill()
        raise
    if process.returncode:
        last = "\n".join(errors.strip().splitlines()[-15:])
        return {"status": "failed", "error": last or f"exit {process.returncode}"}
    return {"status": "ok", **json.loads(output.strip().splitlines()[-1])}


def read_lines(path):
    """Return the records of a file of JSON lines; none if there is no file."""
    path = Path(path)
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def append_line(path, record):
    """Append one record to a file of JSON lines, and make its folder."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


def pending(path, plan, keys):
    """Return the settings of `plan` that have no finished run in the file `path`."""
    done = {
        tuple(record[k] for k in keys)
        for record in read_lines(path)
        if record["status"] == "ok"
    }
    return [s for s in plan if tuple(s[k] for k in keys) not in done]


def run_pending(module, plan, keys, arguments, *, timeout, shown, **shared):
    """Make the runs of a plan that have no result yet, one line for each.

    Parameters
    ----------
    module : str
        Of the benchmark, see `run_module`.
    plan : list of dict
        Settings of every run.
    keys : tuple of str
        Settings that tell runs apart.
    arguments : Namespace
        With `data` and `results`.
    timeout : callable
        ``timeout(settings)``: seconds after which a run is killed.
    shown : callable
        ``shown(record)``: what is printed of a finished run.
    **shared
        Further settings of all runs, which are not in the records.
    """
    todo = pending(arguments.results, plan, keys)
    print(f"{len(todo)} runs to do, {len(plan) - len(todo)} done", flush=True)
    # An absolute path: the subprocess has the checkout as its folder.
    shared = {"data": str(Path(arguments.data).resolve()), **shared}
    for i, settings in enumerate(todo, 1):
        began = time.strftime("%Y-%m-%dT%H:%M:%S")
        result = run_module(module, {**shared, **settings}, timeout=timeout(settings))
        record = {"time": began, **settings, **result}
        append_line(arguments.results, record)
        print(f"[{i}/{len(todo)}] {shown(record)}", flush=True)


def two_commands(text, results):
    """Make the command line of a benchmark that runs and reports.

    Parameters
    ----------
    text : str
        Its description; the first line counts.
    results : Path
        Where results go by default.

    Returns
    -------
    parser, runner, reporter : ArgumentParser
        The whole, and those of its commands ``run`` and ``report``.
    """
    parser = argparse.ArgumentParser(description=text.partition("\n")[0])
    parser.add_argument("--settings", help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command")
    runner = commands.add_parser("run", help="run what is not in the results yet")
    reporter = commands.add_parser("report", help="print the comparison")
    runner.add_argument("--data", required=True, help="folder with manifest.json")
    for command in (runner, reporter):
        command.add_argument("--results", type=Path, default=results)
    return parser, runner, reporter


def dispatch(parser, *, measure, run, report):
    """Do what the command line says: a command, or one measurement of `run_module`."""
    arguments = parser.parse_args()
    if arguments.settings:
        print(json.dumps(measure(**json.loads(arguments.settings))))
    elif arguments.command is None:
        parser.error("say `run` or `report`")
    else:
        {"run": run, "report": report}[arguments.command](arguments)
