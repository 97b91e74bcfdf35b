"""Reliability of probabilities on test parts, beside untuned and calibrated models.

    python -m benchmarks.calibration run --data ../shared/datasets
    python -m benchmarks.calibration run --data ../shared/datasets \
        --max-evaluations 6 --results FILE
    python -m benchmarks.calibration report [--results FILE] [--figure PNG]

The records of other AutoML systems (``peers-*.jsonl``) hold scores of the test parts,
neither probabilities nor calibration errors. The estimators are compared with models
that need no environment of their own:

- ``sklearn_meta``: the default estimator;
- ``single`` and ``single_uncalibrated``: with ``ensemble_size=1``, ``predict_proba`` of
  the estimator and of its ``best_estimator_``, of one fit;
- ``lightgbm``, ``random_forest``, ``linear``: with their defaults, see `_systems.py`;
- ``lightgbm_calibrated``, ...: in scikit-learn's ``CalibratedClassifierCV`` with five
  folds and Platt's method.

The tables and splits are the classification ones of `intervals.py`. The expected
calibration error (ECE) is the mean distance, weighted by rows, between the probability
of the most probable class and the share of rows in which that is right, over ten bins
of equal width. It is above zero by chance, most of all on small test parts, for all
systems alike.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from benchmarks._runs import dispatch, read_lines, run_pending, two_commands
from benchmarks._systems import UNTUNED, make_automl, with_plain_columns
from benchmarks._tables import (
    CLASSIFICATION,
    log_loss,
    read_manifest,
    read_split,
)
from benchmarks.intervals import N_TABLES, tables

RESULTS = Path(__file__).parent / "results" / "calibration.jsonl"
KEYS = ("table", "seed", "system", "budget", "max_evaluations", "n_jobs")
LEARNERS = ("lightgbm", "random_forest", "linear")
CALIBRATED = tuple(f"{name}_calibrated" for name in LEARNERS)
# A run of `single` measures the other one as well.
RUNS = ("sklearn_meta", "single", *LEARNERS, *CALIBRATED)
SYSTEMS = (*RUNS[:2], "single_uncalibrated", *RUNS[2:])
N_BINS, N_FOLDS = 10, 5


def reliability(probabilities, right, n_bins=N_BINS):
    """Return rows, sum of probabilities and number of right ones of each bin.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples,)
        Of the most probable class.
    right : ndarray of bool of shape (n_samples,)
        Whether that is the true class.
    n_bins : int, default=10

    Returns
    -------
    bins : ndarray of shape (n_bins, 3)
    """
    numbers = np.minimum((probabilities * n_bins).astype(int), n_bins - 1)
    weights = (None, probabilities, right.astype(float))
    return np.column_stack(
        [np.bincount(numbers, weights=w, minlength=n_bins) for w in weights]
    )


def calibration_error(bins) -> float:
    """Return the expected calibration error of the bins of `reliability`."""
    bins = np.asarray(bins)
    return float(np.abs(bins[:, 1] - bins[:, 2]).sum() / bins[:, 0].sum())


def measure(*, data, table, family, seed, system, budget, max_evaluations, n_jobs):
    """Fit one system on one table, and judge its probabilities on the test part."""
    split = read_split(data, CLASSIFICATION, table, seed)
    began = time.monotonic()
    if system in ("sklearn_meta", "single"):
        model = _searched(split, family, seed, system, budget, max_evaluations, n_jobs)
    else:
        split = with_plain_columns(split)
        model = _untuned(split, seed, system, n_jobs)
    result = {"rows": len(split.y_train), "fit_seconds": time.monotonic() - began}
    result[system] = judged(model, split)
    if system == "single":
        result["kind"] = model.ensemble_.combination.kind
        result["single_uncalibrated"] = judged(model.best_estimator_, split)
    return result


def _searched(split, family, seed, system, budget, max_evaluations, n_jobs):
    from sklearn_meta.metalearning import KnowledgeBase

    model = make_automl(
        CLASSIFICATION,
        time_budget=None if max_evaluations else budget,
        max_evaluations=max_evaluations,
        ensemble_size=25 if system == "sklearn_meta" else 1,
        knowledge_base=KnowledgeBase().without_families([family]),
        n_jobs=n_jobs,
        random_state=seed,
    )
    return model.fit(split.X_train, split.y_train)


def _untuned(split, seed, system, n_jobs):
    name = system.removesuffix("_calibrated")
    fitted = UNTUNED[name](CLASSIFICATION, split, seed=seed, n_jobs=n_jobs)
    if system == name:
        return fitted
    from sklearn.base import clone
    from sklearn.calibration import CalibratedClassifierCV

    smallest = np.unique(split.y_train, return_counts=True)[1].min()
    # Each fold needs every class.
    folds = int(np.clip(smallest, 2, N_FOLDS))
    calibrated = CalibratedClassifierCV(clone(fitted), method="sigmoid", cv=folds)
    return calibrated.fit(split.X_train, split.y_train)


def judged(model, split) -> dict:
    """Return the log loss, accuracy and reliability of a classifier on the test part.

    Parameters
    ----------
    model : classifier
    split : Split

    Returns
    -------
    scores : dict
    """
    probabilities = np.asarray(model.predict_proba(split.X_test), dtype=float)
    right = model.classes_[probabilities.argmax(axis=1)] == split.y_test
    bins = reliability(probabilities.max(axis=1), right)
    return {
        "log_loss": log_loss(split.y_test, probabilities, model.classes_),
        "accuracy": float(right.mean()),
        "ece": calibration_error(bins),
        "bins": bins.round(6).tolist(),
    }


def run(arguments):
    """Run what is not in the results yet."""
    chosen = tables(read_manifest(arguments.data), CLASSIFICATION, arguments.tables)
    plan = [
        {
            "table": entry["name"],
            "family": entry["family"],
            "seed": seed,
            "system": system,
            # Untuned models know no budget: they are the same run for all of them.
            "budget": arguments.budget if system in RUNS[:2] else None,
            "max_evaluations": arguments.max_evaluations
            if system in RUNS[:2]
            else None,
            "n_jobs": arguments.n_jobs,
        }
        for seed in arguments.seeds
        for entry in chosen
        for system in arguments.systems
    ]
    run_pending(
        "benchmarks.calibration",
        plan,
        KEYS,
        arguments,
        timeout=lambda settings: 20 * (settings["budget"] or 0) + 600,
        shown=_shown,
    )


def _shown(record):
    found = record.get(record["system"], {})
    return (
        f"{record['table']:26s}{record['system']:26s}{record['status']:8s}"
        f"log loss {found.get('log_loss', np.nan):.3f}"
        f"  ECE {found.get('ece', np.nan):.3f}"
    )


def by_table(records):
    """Return what each system did on the tables on which all have a result.

    Parameters
    ----------
    records : iterable of dict

    Returns
    -------
    found : dict of (str, int) to dict of str to dict
        By table and seed, then by system.
    """
    found: dict = {}
    for record in records:
        if record["status"] == "ok":
            key = record["table"], record["seed"]
            scores = {s: record[s] for s in SYSTEMS if s in record}
            found.setdefault(key, {}).update(scores)
    systems = {s for by_system in found.values() for s in by_system}
    return {k: v for k, v in found.items() if set(v) == systems}


def report(arguments):
    """Print means over tables, and draw the reliability."""
    records = read_lines(arguments.results)
    found = list(by_table(records).values())
    systems = [s for s in SYSTEMS if found and s in found[0]]
    print(f"{len(found)} tables on which all systems have a result")
    print(f"{'':26s}{'ECE':>16s}{'of all rows':>13s}{'log loss':>10s}{'accuracy':>10s}")
    for system in systems:
        scores = [by_system[system] for by_system in found]
        ece = np.array([s["ece"] for s in scores])
        error = np.std(ece, ddof=min(1, len(ece) - 1)) / np.sqrt(len(ece))
        print(
            f"{system:26s}{ece.mean():8.4f} ± {error:.4f}"
            f"{calibration_error(pooled(scores)):12.4f}"
            f"{np.mean([s['log_loss'] for s in scores]):10.4f}"
            f"{np.mean([s['accuracy'] for s in scores]):10.4f}"
        )
    for ours, other in (("sklearn_meta", s) for s in systems[1:]):
        gain = np.array([f[other]["ece"] - f[ours]["ece"] for f in found])
        print(
            f"{ours}: smaller ECE than {other} on {np.mean(gain > 0):.0%} of the tables"
        )
    _print_single(found, records)
    for record in records:
        if record["status"] != "ok":
            last = record["error"].splitlines()[-1]
            print(f"failed: {record['system']} on {record['table']}: {last}")
    if arguments.figure and found:
        draw(found, systems, arguments.figure)
        print(f"drawn in {arguments.figure}")


def _print_single(found, records):
    """Print what the calibration of a single candidate does."""
    pairs = [(f["single_uncalibrated"], f["single"]) for f in found if "single" in f]
    if not pairs:
        return
    kinds = [r["kind"] for r in records if r["status"] == "ok" and "kind" in r]
    before, after = (np.array([p[i]["log_loss"] for p in pairs]) for i in range(2))
    gain = 1 - after / before
    changed = after != before
    text = f"a single candidate: calibrated on {sum(k != 'single' for k in kinds)} of "
    text += f"{len(kinds)} tables; log loss smaller by {gain.mean():.2%} ± "
    text += f"{np.std(gain, ddof=min(1, len(gain) - 1)) / np.sqrt(len(gain)):.2%}"
    text += f", better on {(gain > 0).sum()}, worse on {(gain[changed] < 0).sum()}"
    print(text)


def pooled(scores) -> np.ndarray:
    """Return the bins of the rows of all tables, each table with the same weight."""
    bins = [np.asarray(s["bins"]) for s in scores]
    return np.sum([b / b[:, 0].sum() for b in bins], axis=0)


def draw(found, systems, path):
    """Draw the reliability of the systems over all tables.

    Parameters
    ----------
    found : list of dict
        See `by_table`.
    systems : list of str
    path : path-like
        File of the picture.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    groups = (
        [s for s in ("sklearn_meta", "single", "single_uncalibrated") if s in systems],
        [s for s in LEARNERS if s in systems],
        [s for s in CALIBRATED if s in systems],
    )
    groups = [group for group in groups if group]
    figure, axes = plt.subplots(
        1, len(groups), figsize=(4 * len(groups), 4), sharey=True, squeeze=False
    )
    for ax, group in zip(axes[0], groups, strict=True):
        ax.plot([0, 1], [0, 1], color="0.7", linewidth=1)
        for system in group:
            bins = pooled([f[system] for f in found])
            # Bins of hardly any rows are chance.
            bins = bins[bins[:, 0] > 0.01 * bins[:, 0].sum()]
            label = f"{system} ({calibration_error(bins):.3f})"
            ax.plot(
                bins[:, 1] / bins[:, 0],
                bins[:, 2] / bins[:, 0],
                marker="o",
                label=label,
            )
        ax.set(
            xlabel="probability of the most probable class", xlim=(0, 1), ylim=(0, 1)
        )
        ax.legend(loc="upper left", frameon=False, fontsize=8)
    axes[0, 0].set_ylabel("share of rows in which it is right")
    figure.suptitle(f"Reliability on the test parts of {len(found)} tables (ECE)")
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main():
    parser, runner, reporter = two_commands(__doc__, RESULTS)
    runner.add_argument("--budget", type=float, default=10.0, help="seconds")
    runner.add_argument("--max-evaluations", type=int, help="in place of seconds")
    runner.add_argument("--n-jobs", type=int, default=2)
    runner.add_argument("--seeds", type=int, nargs="+", default=[0])
    runner.add_argument("--tables", type=int, default=N_TABLES)
    runner.add_argument("--systems", nargs="+", choices=RUNS, default=RUNS)
    reporter.add_argument("--figure", type=Path, help="picture of the reliability")
    dispatch(parser, measure=measure, run=run, report=report)


if __name__ == "__main__":
    main()
