"""Runs in subprocesses, and their results as lines of JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
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
