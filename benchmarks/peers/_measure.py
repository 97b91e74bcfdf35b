"""One run: one system on one split of one table."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks._runs import ROOT
from benchmarks.peers._process import run_process
from benchmarks.peers._scores import constant_scores, score
from benchmarks.peers.adapters._job import PREDICTIONS, RESULT, write_job

# Waiting OpenMP threads must not spin: where anything else runs, they make short fits
# take seconds. Set for all systems alike.
VARIABLES = (
    ("OMP_WAIT_POLICY", "PASSIVE"),
    ("PYTHONHASHSEED", "0"),
    ("PYTHONPATH", str(ROOT)),
    ("PYTHONWARNINGS", "ignore"),
)
# What systems without a budget may take.
UNTUNED_SECONDS = 600.0
LONGEST_TEXT = 500
STATUS = {"time limit": "timeout", "memory limit": "memory"}


@dataclass(frozen=True)
class Limits:
    """Beyond them, a run is killed.

    Parameters
    ----------
    seconds : float
        From the start of the process to its end.
    megabytes : float
        Of all processes of the run together.
    """

    seconds: float
    megabytes: float


def hard_limit(budget):
    """Seconds after which a run is killed that was given a budget (or None)."""
    if budget is None:
        return UNTUNED_SECONDS
    return max(3 * budget, budget + 120)


def measure(python, settings, split, *, limits, variables=()):
    """Run a system in a process of its own and score its predictions.

    Parameters
    ----------
    python : str
        Interpreter of its environment.
    settings : Settings
    split : Split
    limits : Limits
    variables : collection of (str, str), default=()
        Of the environment of the process.

    Returns
    -------
    record : dict
        Its ``status`` is "ok", "failed", "timeout" or "memory"; there is a ``reason``
        if it is not "ok", and there are ``scores`` if it is.
    """
    record = {
        "rows": len(split.y_train),
        "columns": split.X_train.shape[1],
        "constant": constant_scores(settings.task, split.y_train, split.y_test),
        "load_before": os.getloadavg()[0],
    }
    with tempfile.TemporaryDirectory(prefix="peer_") as name:
        folder = Path(name)
        write_job(folder, settings, split.X_train, split.y_train, split.X_test)
        ended = run_process(
            [python, "-m", "benchmarks.peers.adapters", str(folder)],
            folder=folder,
            seconds=limits.seconds,
            megabytes=limits.megabytes,
            variables=(*VARIABLES, ("TMPDIR", str(folder)), *variables),
        )
        record["wall_seconds"] = ended.wall_seconds
        record["peak_megabytes"] = ended.peak_megabytes
        result = _result(folder)
        for key in ("fit_seconds", "predict_seconds", "predict_1000_seconds"):
            if key in result:
                record[key] = result[key]
        for key in ("versions", "n_candidates", "final", "stop_reason"):
            if key in result:
                value = result[key]
                short = isinstance(value, str)
                record[key] = value[:LONGEST_TEXT] if short else value
        if settings.budget is not None and "fit_seconds" in result:
            record["overrun_seconds"] = result["fit_seconds"] - settings.budget
        return record | _judged(folder, settings.task, split, ended, result)


def _result(folder):
    path = folder / RESULT
    # None, if it was killed before it could write one.
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _judged(folder, task, split, ended, result):
    """Return status and scores, or status and reason."""
    stage = result.get("stage", "start")
    if ended.ended != "exit":
        return {
            "status": STATUS[ended.ended],
            "reason": f"{ended.ended} reached during {stage}",
        }
    if "error" in result and stage != "describe":
        return {"status": "failed", "reason": f"{stage}: {result['error']}"}
    if stage not in ("describe", "done"):
        last = _last_line(folder / "stderr")
        reason = f"{stage}: ended with exit code {ended.exit_code}. {last}"
        return {"status": "failed", "reason": reason[:LONGEST_TEXT]}
    try:
        with np.load(folder / PREDICTIONS) as predictions:
            scores = score(task, split.y_test, predictions)
    except (KeyError, ValueError) as error:
        return {"status": "failed", "reason": f"predictions: {error}"}
    return {"status": "ok", "scores": scores}


def _last_line(path):
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
