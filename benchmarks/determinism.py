"""Is the result the same for every number of workers and on every run?

    python -m benchmarks.determinism --data ../shared/datasets

Fits each table with a fixed number of evaluations and a fixed seed, with one worker,
with two, and with two again, each time in a fresh process with another hash seed, and
compares the pipelines, their scores and the predictions, bit by bit.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np

from benchmarks._runs import run_module
from benchmarks._systems import make_automl
from benchmarks._tables import CLASSIFICATION, read_manifest, read_split
from benchmarks.select_tables import select

# (n_jobs, PYTHONHASHSEED)
RUNS = ((1, 0), (2, 1), (2, 2))


def measure(data, task, table, evaluations, n_jobs):
    """Return fingerprints of what one ``fit`` found."""
    split = read_split(data, task, table, seed=0)
    model = make_automl(
        task,
        time_budget=None,
        max_evaluations=evaluations,
        n_jobs=n_jobs,
        random_state=0,
    )
    model.fit(split.X_train, split.y_train)
    if task == CLASSIFICATION:
        predictions = model.predict_proba(split.X_test)
    else:
        predictions = model.predict(split.X_test)
    history = [(e.candidate.text, str(e.status)) for e in model.history_]
    return {
        "evaluations": len(history),
        "pipelines": _digest(repr(history).encode()),
        "scores": _digest(np.array([e.score for e in model.history_]).tobytes()),
        "predictions": _digest(np.ascontiguousarray(predictions).tobytes()),
    }


def _digest(content):
    return hashlib.sha256(content).hexdigest()[:16]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--settings", help=argparse.SUPPRESS)
    parser.add_argument("--data", help="folder with manifest.json")
    parser.add_argument("--evaluations", type=int, default=40)
    parser.add_argument("--tables", nargs="+", help="some of the selected tables")
    arguments = parser.parse_args()
    if arguments.settings:
        print(json.dumps(measure(**json.loads(arguments.settings))))
        return
    if arguments.data is None:
        parser.error("--data is needed")
    data = str(Path(arguments.data).resolve())
    n_equal = n_tables = 0
    for entry in select(read_manifest(data)):
        if arguments.tables and entry["name"] not in arguments.tables:
            continue
        settings = {
            "data": data,
            "task": entry["task"],
            "table": entry["name"],
            "evaluations": arguments.evaluations,
        }
        results = [
            run_module(
                "benchmarks.determinism",
                {**settings, "n_jobs": n_jobs},
                timeout=3_600,
                environment={"PYTHONHASHSEED": str(hash_seed)},
            )
            for n_jobs, hash_seed in RUNS
        ]
        failed = [r for r in results if r["status"] != "ok"]
        if failed:
            verdict = f"failed: {failed[0]['error'].splitlines()[-1]}"
        else:
            unequal = [k for k in results[0] if len({r[k] for r in results}) > 1]
            verdict = f"differs in {', '.join(unequal)}" if unequal else "equal"
        n_tables += 1
        n_equal += verdict == "equal"
        evaluations = results[0].get("evaluations", "-")
        print(
            f"{entry['name']:28s}{evaluations!s:>5s} evaluations  {verdict}", flush=True
        )
    print(f"{n_equal} of {n_tables} tables: the same for n_jobs 1, 2 and 2 again")


if __name__ == "__main__":
    main()
