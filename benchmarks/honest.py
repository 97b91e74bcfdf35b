"""Is `honest_score_` the score on new rows, and does its interval hold that score?

    python -m benchmarks.honest run --data ../shared/datasets
    python -m benchmarks.honest report

Tables: 24 of classification and 20 of regression, with 3 000 rows or more and at most
ten classes, one of each family, by the SHA-256 of their name. Of each table, 200 and
1 000 rows are for training, stratified by class, and up to 20 000 others for the test,
so that the test score is nearly the one of infinitely many new rows. `run` appends a
JSON line for each fit, which is made in its own subprocess; started again, it goes on
where it was.

`report` compares ``best_score_`` with the test score of ``best_estimator_``, and
``honest_score_`` with that of the model. The unit of a bias is the standard error of
the difference, ``sqrt(v / n_train + v / n_test)`` with the variance v of the rows'
losses in the test part (of the root mean squared error, by the delta method): an
unbiased score is off by one unit for the chance of the rows alone, and the mean over
tables is zero. An interval has to hold the score of infinitely many rows: it is
widened on each side by the error of the test score, as the root of the sum of the
squares of the distance from `honest_score_` to its end and of 1.96 standard errors of
the test score.
"""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._runs import dispatch, read_lines, run_pending, two_commands
from benchmarks._systems import make_automl
from benchmarks._tables import (
    CLASSIFICATION,
    REGRESSION,
    SMALLEST_PROBABILITY,
    TASKS,
    read_manifest,
)

RESULTS = Path(__file__).parent / "results" / "honest.jsonl"
KEYS = ("task", "table", "rows", "seed", "budget", "max_evaluations", "n_jobs")
NUMBER = {CLASSIFICATION: 24, REGRESSION: 20}
MIN_ROWS, MAX_CLASSES, MAX_TEST_ROWS = 3_000, 10, 20_000


def select(manifest, number=NUMBER):
    """Return the entries of the tables, classification first.

    Parameters
    ----------
    manifest : list of dict
        Entries with `name`, `task`, `family`, `n_rows` and `n_classes`.
    number : dict of str to int
        How many tables of each task.

    Returns
    -------
    chosen : list of dict
    """
    chosen, families = [], set()
    for task, wanted in number.items():
        entries = [
            e
            for e in manifest
            if e["task"] == task
            and e["n_rows"] >= MIN_ROWS
            and (e.get("n_classes") or 0) <= MAX_CLASSES
        ]
        taken = 0
        for entry in sorted(entries, key=_order):
            if entry["family"] not in families and taken < wanted:
                chosen.append(entry)
                families.add(entry["family"])
                taken += 1
        if taken < wanted:
            raise ValueError(
                f"The manifest has {taken} {task} tables of distinct families with "
                f"{MIN_ROWS} rows or more; {wanted} are needed."
            )
    return chosen


def _order(entry):
    return hashlib.sha256(f"{entry['task']}/{entry['name']}".encode()).hexdigest()


def training_rows(y, n_rows, seed, *, by_class):
    """Return a mask of about `n_rows` rows for training, some of each class."""
    rng = np.random.default_rng(seed)
    mask = np.zeros(len(y), dtype=bool)
    if not by_class:
        mask[rng.permutation(len(y))[:n_rows]] = True
        return mask
    codes = pd.factorize(y, sort=True)[0]
    for code in np.unique(codes):
        rows = rng.permutation(np.flatnonzero(codes == code))
        # Folds need some rows of each class.
        wanted = max(6, round(n_rows * len(rows) / len(y)))
        mask[rows[: min(wanted, len(rows) - 1)]] = True
    return mask


def losses(task, model, X, y):
    """Return the loss of each row: of the log loss, or the squared error."""
    if task == REGRESSION:
        return (np.asarray(model.predict(X), dtype=float) - y) ** 2
    p = np.asarray(model.predict_proba(X), dtype=float)
    classes = list(model.classes_)
    true = p[np.arange(len(y)), [classes.index(label) for label in y]]
    return -np.log(np.maximum(true, SMALLEST_PROBABILITY))


def score_of(task, values):
    """Return the score that losses of rows come to, and its standard deviation of one.

    Returns
    -------
    score : float
        Minus the log loss or root mean squared error.
    deviation : float
        Divided by the root of the number of rows, it is the standard error.
    """
    mean, deviation = float(np.mean(values)), float(np.std(values))
    if task == CLASSIFICATION:
        return -mean, deviation
    root = np.sqrt(mean)
    return -float(root), float(deviation / (2 * root)) if root else 0.0


def measure(data, task, table, family, rows, seed, budget, max_evaluations, n_jobs):
    """Fit on some rows of a table, and score the model on the others."""
    from sklearn_meta.metalearning import KnowledgeBase

    frame = pd.read_parquet(Path(data) / "train" / task / f"{table}.parquet")
    frame = frame[frame["target"].notna()].reset_index(drop=True)
    y = frame.pop("target")
    y = y.astype(str).to_numpy(object) if task == CLASSIFICATION else y.to_numpy(float)
    mask = training_rows(y, rows, seed, by_class=task == CLASSIFICATION)
    test = np.random.default_rng(seed + 1).permutation(np.flatnonzero(~mask))
    test = test[:MAX_TEST_ROWS]
    model = make_automl(
        task,
        time_budget=budget,
        max_evaluations=max_evaluations,
        knowledge_base=KnowledgeBase().without_families([family]),
        n_jobs=n_jobs,
        random_state=seed,
    )
    start = time.monotonic()
    model.fit(frame[mask].reset_index(drop=True), y[mask])
    seconds = time.monotonic() - start
    X, y = frame.iloc[test].reset_index(drop=True), y[test]
    score, deviation = score_of(task, losses(task, model, X, y))
    of_best, best_deviation = score_of(task, losses(task, model.best_estimator_, X, y))
    low, high = model.honest_interval_.tolist()
    return {
        "n_train": int(mask.sum()),
        "n_test": len(test),
        "fit_seconds": seconds,
        "evaluations": int(model.n_evaluations_),
        "members": len(model.ensemble_weights_),
        "best_score": float(model.best_score_),
        "honest_score": float(model.honest_score_),
        "low": low,
        "high": high,
        "note": model.honest_note_,
        "test_score": score,
        "deviation": deviation,
        "test_score_of_best": of_best,
        "deviation_of_best": best_deviation,
    }


def run(arguments):
    plan = [
        {
            "task": entry["task"],
            "table": entry["name"],
            "family": entry["family"],
            "rows": rows,
            "seed": seed,
            "budget": None if arguments.max_evaluations else arguments.budget,
            "max_evaluations": arguments.max_evaluations,
            "n_jobs": arguments.n_jobs,
        }
        for seed in arguments.seeds
        for entry in select(read_manifest(arguments.data))
        if not arguments.tables or entry["name"] in arguments.tables
        for rows in arguments.rows
    ]
    run_pending(
        "benchmarks.honest",
        plan,
        KEYS,
        arguments,
        timeout=lambda settings: 3 * arguments.budget + 300,
        shown=shown,
    )


def shown(record):
    """Return the line that is printed of a finished run."""

    def value(key):
        return f"{record.get(key, float('nan')):11.4f}"

    return (
        f"{record['table']:24s}{record['rows']:6d} {record['status']:8s}"
        f"best{value('best_score')}  honest{value('honest_score')} "
        f"[{value('low')},{value('high')}]  test{value('test_score')}"
        f"  fit {record.get('fit_seconds', float('nan')):5.1f} s"
    )


def compared(record):
    """Return the biases of a run in standard errors, and whether the interval holds.

    Returns
    -------
    comparison : dict
        `best` and `honest`: bias of each score; `width`: of the interval, relative to
        that of 1.96 standard errors on both sides; `holds`: whether it holds the test
        score; `holds_exactly`: the same without the error of the test score.
    """
    both = np.sqrt(1 / record["n_train"] + 1 / record["n_test"])
    error = record["deviation"] / np.sqrt(record["n_test"])
    score, honest = record["test_score"], record["honest_score"]
    room = 1.96 * error
    below = np.hypot(honest - record["low"], room)
    above = np.hypot(record["high"] - honest, room)
    of_rows = record["deviation"] / np.sqrt(record["n_train"])
    return {
        "best": (record["best_score"] - record["test_score_of_best"])
        / (record["deviation_of_best"] * both),
        "best_of_model": (record["best_score"] - score) / (record["deviation"] * both),
        "honest": (honest - score) / (record["deviation"] * both),
        "width": (record["high"] - record["low"]) / (2 * 1.96 * of_rows),
        "holds": bool(honest - below <= score <= honest + above),
        "holds_exactly": bool(record["low"] <= score <= record["high"]),
    }


def told(comparisons):
    """Put the comparisons of some runs into words."""
    table = {key: np.array([c[key] for c in comparisons]) for key in comparisons[0]}

    def bias(key):
        values = table[key]
        error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0
        return f"{np.mean(values):+.2f} ± {error:.2f} (median {np.median(values):+.2f})"

    return (
        f"{len(comparisons)} fits; bias in standard errors: best_score_ "
        f"{bias('best')}, honest_score_ {bias('honest')}; the interval holds the score "
        f"in {np.mean(table['holds']):.1%} ({np.mean(table['holds_exactly']):.1%} "
        f"without the error of the test) and is {np.median(table['width']):.2f} times "
        "as wide as standard errors say"
    )


def report(arguments):
    records = {tuple(r[k] for k in KEYS): r for r in read_lines(arguments.results)}
    records = [r for r in records.values() if r["status"] == "ok"]
    with_score = [r for r in records if not r["note"]]
    for record in sorted(with_score, key=lambda r: (r["task"], r["table"], r["rows"])):
        c = compared(record)
        print(
            f"{shown(record)}  bias {c['best']:+6.2f} {c['honest']:+6.2f}"
            f"  {'' if c['holds'] else 'outside'}"
        )
    for record in records:
        if record["note"]:
            print(f"no estimate: {record['table']} {record['rows']}: {record['note']}")
    tasks = [t for t in TASKS if any(r["task"] == t for r in with_score)]
    sizes = sorted({r["rows"] for r in with_score})
    for some_tasks in dict.fromkeys((*((t,) for t in tasks), tuple(tasks))):
        for some_sizes in dict.fromkeys((*((n,) for n in sizes), tuple(sizes))):
            some = [
                compared(r)
                for r in with_score
                if r["task"] in some_tasks and r["rows"] in some_sizes
            ]
            if some:
                rows = " and ".join(map(str, some_sizes))
                print(f"{' and '.join(some_tasks)}, {rows} rows: {told(some)}")


def main():
    parser, runner, reporter = two_commands(__doc__, RESULTS)
    runner.add_argument("--seeds", type=int, nargs="+", default=[0])
    runner.add_argument("--rows", type=int, nargs="+", default=[200, 1_000])
    runner.add_argument("--tables", nargs="+", help="some of the selected tables")
    runner.add_argument("--budget", type=float, default=10.0, help="seconds")
    runner.add_argument(
        "--max-evaluations", type=int, help="in place of a budget, on a busy machine"
    )
    runner.add_argument("--n-jobs", type=int, default=2)
    dispatch(parser, measure=measure, run=run, report=report)


if __name__ == "__main__":
    main()
