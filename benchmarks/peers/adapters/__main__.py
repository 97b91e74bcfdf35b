"""Fit one system on one table and leave its predictions behind."""

from __future__ import annotations

import importlib
import json
import os
import statistics
import sys
import time
import traceback
from importlib import metadata
from pathlib import Path

import numpy as np

from benchmarks.peers.adapters._job import PREDICTIONS, RESULT, read_job

# The time of a prediction is the median of some.
N_ROWS = 1000
N_TIMES = 3


def main(folder):
    """Run the job of a folder; how far it came is in its result, whatever happens."""
    folder = Path(folder).resolve()
    result = {"stage": "import"}
    try:
        job, X_test = read_job(folder)
        adapter = importlib.import_module(job.settings.adapter)
        result["versions"] = versions(job.settings.distributions)
        if hasattr(adapter, "start"):
            adapter.start(job)
        result["stage"] = "fit"
        save(folder, result)
        model = timed(result, "fit_seconds", lambda: adapter.fit(job))
        result["stage"] = "predict"
        save(folder, result)
        decide = model.predict_proba if job.classifies else model.predict
        first = timed(result, "predict_seconds", lambda: decide(X_test))
        predictions = {"predicted": first}
        if job.classifies:
            predictions = {
                "probabilities": np.asarray(first, dtype=float),
                "classes": np.asarray(model.classes_).astype(str),
                "predicted": np.asarray(model.predict(X_test)).astype(str),
            }
        else:
            predictions = {"predicted": np.asarray(first, dtype=float).ravel()}
        np.savez(folder / PREDICTIONS, **predictions)
        rows = np.resize(np.arange(len(X_test)), N_ROWS)
        sample = X_test.iloc[rows].reset_index(drop=True)
        times = {}
        for i in range(N_TIMES):
            timed(times, i, lambda: decide(sample))
        result["predict_1000_seconds"] = statistics.median(times.values())
        result["stage"] = "describe"
        if hasattr(adapter, "describe"):
            result |= adapter.describe(job, model)
        result["stage"] = "done"
    except Exception as error:
        result["error"] = reason(error)
        traceback.print_exc()
    finally:
        save(folder, result)


def timed(result, name, action):
    """Return what `action` returns; its seconds are kept even if it fails."""
    start = time.monotonic()
    try:
        return action()
    finally:
        result[name] = time.monotonic() - start


def reason(error):
    """Return one line that says what an exception says."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:500]


def versions(distributions):
    """Return the versions of distributions, as far as they are installed."""
    found = {"python": sys.version.split()[0]}
    for name in distributions:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # a checkout that is not installed
    return found


def save(folder, result):
    """Write the result as one piece, as the process may be killed at any time."""
    draft = folder / f"{RESULT}.draft"
    draft.write_text(json.dumps(result), encoding="utf-8")
    draft.replace(folder / RESULT)


if __name__ == "__main__":
    main(sys.argv[1])
    sys.stdout.flush()
    sys.stderr.flush()
    # Servers and pools that a system leaves behind are ended from outside; waiting for
    # them could take forever.
    os._exit(0)
