"""Tuned decisions on imbalanced tables: against 0.5 and TunedThresholdClassifierCV.

    python -m benchmarks.decisions run --data ../shared/datasets
    python -m benchmarks.decisions run --data ../shared/datasets --tables 5
    python -m benchmarks.decisions report [--results FILE]

F1 of the minority class and balanced accuracy on the test part, of three systems:

- ``tuned``: the estimator, with the metric as `scoring`;
- ``untuned``: the same fit, with the most probable class;
- ``tuned_cv``: scikit-learn's ``TunedThresholdClassifierCV`` around the estimator with
  ``scoring=None``. Each of its fits, one for each fold and one on all rows, has the
  whole budget.

The rule, stated before any run: the first ten tables by the SHA-256 of
``decisions/name`` of two classes, the minority being at most 15 % of the rows, with 800
rows or more and a reference score (ROC AUC) between 0.6 and 0.98; one of each family.
"""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import numpy as np
from scipy.stats import wilcoxon
from sklearn.metrics import balanced_accuracy_score, f1_score
from sklearn.model_selection import TunedThresholdClassifierCV

from benchmarks._runs import dispatch, read_lines, run_pending, two_commands
from benchmarks._systems import make_automl
from benchmarks._tables import CLASSIFICATION, read_manifest, read_split

RESULTS = Path(__file__).parent / "results" / "decisions.jsonl"
KEYS = ("table", "metric", "system", "budget", "n_jobs", "random_state")
METRICS = {"f1": f1_score, "balanced_accuracy": balanced_accuracy_score}
# A run of `tuned` measures `untuned` as well.
SYSTEMS = ("tuned", "tuned_cv")

N_TABLES = 10
MOST_BALANCED, MIN_ROWS, REFERENCE_SCORES = 0.15, 800, (0.6, 0.98)


def tables(manifest, n_tables=N_TABLES):
    """Return the names of the tables.

    Parameters
    ----------
    manifest : list of dict
    n_tables : int, default=10

    Returns
    -------
    names : list of str
    """
    least, most = REFERENCE_SCORES
    by_family = {}
    for entry in sorted(manifest, key=_order):
        if (
            entry["task"] == CLASSIFICATION
            and entry["n_classes"] == 2
            and entry["class_balance"] <= MOST_BALANCED
            and entry["n_rows"] >= MIN_ROWS
            and least <= entry["reference_score"] <= most
        ):
            by_family.setdefault(entry["family"], entry["name"])
    return list(by_family.values())[:n_tables]


def indicators(split):
    """Return the targets of both parts, 1 for the minority class.

    Parameters
    ----------
    split : Split

    Returns
    -------
    y_train, y_test : ndarray of int
    """
    classes, counts = np.unique(split.y_train, return_counts=True)
    minority = classes[np.argmin(counts)]
    return (split.y_train == minority).astype(int), (split.y_test == minority).astype(
        int
    )


def measure(*, data, table, metric, system, budget, n_jobs, random_state, cv):
    """Fit one system on one table, and score its decisions on the test part."""
    split = read_split(data, CLASSIFICATION, table, random_state)
    y_train, y_test = indicators(split)
    wrapped = system == "tuned_cv"
    model = make_automl(
        CLASSIFICATION,
        time_budget=budget,
        n_jobs=n_jobs,
        scoring=None if wrapped else metric,
        random_state=random_state,
    )
    if wrapped:
        model = TunedThresholdClassifierCV(model, scoring=metric, cv=cv)
    start = time.monotonic()
    model.fit(split.X_train, y_train)
    seconds = time.monotonic() - start
    if wrapped:
        threshold = model.best_threshold_
    else:
        threshold = model.decision_threshold_
    positive = model.predict_proba(split.X_test)[:, 1]
    score = METRICS[metric]
    return {
        "rows": len(y_train),
        "minority": float(y_train.mean()),
        "fit_seconds": seconds,
        "threshold": float(threshold),
        "score": float(score(y_test, model.predict(split.X_test))),
        "untuned_score": float(score(y_test, (positive > 0.5).astype(int))),
    }


def run(arguments):
    """Run what is not in the results yet."""
    plan = [
        {
            "table": table,
            "metric": metric,
            "system": system,
            "budget": arguments.budget,
            "n_jobs": arguments.n_jobs,
            "random_state": arguments.random_state,
            "cv": arguments.cv,
        }
        for table in tables(read_manifest(arguments.data), arguments.tables)
        for metric in METRICS
        for system in arguments.systems
    ]
    run_pending(
        "benchmarks.decisions",
        plan,
        KEYS,
        arguments,
        timeout=lambda settings: (settings["cv"] + 1) * settings["budget"] + 180,
        shown=_shown,
    )


def _shown(record):
    return (
        f"{record['table']:24s}{record['metric']:18s}{record['system']:10s}"
        f"{record['status']:8s}{record.get('score', np.nan):.3f} at "
        f"{record.get('threshold', np.nan):.3f}, "
        f"{record.get('untuned_score', np.nan):.3f} untuned"
    )


def scores_by_table(records):
    """Return the scores by metric and table.

    Parameters
    ----------
    records : iterable of dict

    Returns
    -------
    scores : dict of str to dict of str to dict of str to float
        By metric, table and system; of tables for which there are all systems.
    """
    scores = {metric: {} for metric in METRICS}
    for record in records:
        if record["status"] != "ok":
            continue
        of_table = scores[record["metric"]].setdefault(record["table"], {})
        of_table[record["system"]] = record["score"]
        if record["system"] == "tuned":
            of_table["untuned"] = record["untuned_score"]
    return {
        metric: {t: s for t, s in by_table.items() if len(s) == len(SYSTEMS) + 1}
        for metric, by_table in scores.items()
    }


def report(arguments):
    """Print the scores of each table, and paired comparisons."""
    systems = ("tuned", "untuned", "tuned_cv")
    for metric, by_table in scores_by_table(read_lines(arguments.results)).items():
        print(f"{metric:26s}" + "".join(f"{s:>10s}" for s in systems))
        for table, scores in by_table.items():
            print(f"  {table:24s}" + "".join(f"{scores[s]:10.3f}" for s in systems))
        if not by_table:
            continue
        columns = {s: np.array([v[s] for v in by_table.values()]) for s in systems}
        means = "".join(f"{columns[s].mean():10.3f}" for s in systems)
        print(f"  {'mean':24s}{means}")
        for other in systems[1:]:
            gain = columns["tuned"] - columns[other]
            text = f"  tuned − {other}: {gain.mean():+.3f}, better on "
            text += f"{(gain > 0).sum()}, worse on {(gain < 0).sum()} of {len(gain)}"
            if gain.any() and len(gain) > 1:
                text += f", Wilcoxon p = {wilcoxon(gain).pvalue:.2g}"
            print(text)


def _order(entry):
    return hashlib.sha256(f"decisions/{entry['name']}".encode()).hexdigest()


def main():
    parser, runner, _ = two_commands(__doc__, RESULTS)
    runner.add_argument("--budget", type=float, default=10.0, help="seconds")
    runner.add_argument("--n-jobs", type=int, default=2)
    runner.add_argument("--random-state", type=int, default=0)
    runner.add_argument("--tables", type=int, default=N_TABLES)
    runner.add_argument("--systems", nargs="+", choices=SYSTEMS, default=SYSTEMS)
    runner.add_argument("--cv", type=int, default=5, help="folds of tuned_cv")
    dispatch(parser, measure=measure, run=run, report=report)


if __name__ == "__main__":
    main()
