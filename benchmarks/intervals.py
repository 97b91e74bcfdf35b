"""Prediction intervals and sets: coverage and width on test parts, beside MAPIE's.

    python -m venv ENV
    ENV/bin/pip install -c constraints.txt ".[benchmark]" mapie==1.6.0
    ENV/bin/python -m benchmarks.intervals run --data ../shared/datasets
    ENV/bin/python -m benchmarks.intervals run --data ../shared/datasets \
        --max-evaluations 6 --results FILE
    python -m benchmarks.intervals report [--results FILE]

MAPIE is no dependency of the package: it is installed in an environment of its own, and
the runs need it. All systems are around the same model, the final combination of one
fit: its pipelines and weights, fitted again on other rows where a system needs that.

- ``sklearn_meta``: ``predict_interval`` or ``predict_set``, from out-of-fold
  predictions that the fit has made anyway;
- ``mapie_cross``: MAPIE's cross-conformal intervals (CV+, five folds) or sets (LAC),
  from the same rows;
- ``mapie_split``: three quarters of the rows for fitting, the others for calibration,
  with absolute residuals or LAC;
- ``mapie_normalized`` (intervals): the same with MAPIE's normalized residuals, half of
  the calibration rows being for their scale. Its default, a linear regression, takes no
  missing values and had intervals of 40 standard deviations; a histogram gradient
  boosting of 8 leaves takes its place.

The rule, stated before any run: the first 45 tables of each task by the SHA-256 of
``intervals/task/name`` with 200 rows or more, one of each family; at most 2 000 rows of
the test part, of which CV+ needs an array of test rows by training rows.
"""

from __future__ import annotations

import hashlib
import time
import warnings
from pathlib import Path

import numpy as np

from benchmarks._runs import dispatch, read_lines, run_pending, two_commands
from benchmarks._systems import make_automl
from benchmarks._tables import (
    CLASSIFICATION,
    REGRESSION,
    TASKS,
    read_manifest,
    read_split,
)

RESULTS = Path(__file__).parent / "results" / "intervals.jsonl"
KEYS = ("task", "table", "seed", "budget", "max_evaluations", "n_jobs")
COVERAGES = (0.8, 0.9, 0.95)
SYSTEMS = ("sklearn_meta", "mapie_cross", "mapie_split", "mapie_normalized")

N_TABLES, MIN_ROWS, MAX_TEST_ROWS = 45, 200, 2_000
CALIBRATION_SHARE = 0.25


def tables(manifest, task, n_tables=N_TABLES):
    """Return the entries of the tables of a task.

    Parameters
    ----------
    manifest : list of dict
    task : str
    n_tables : int, default=45

    Returns
    -------
    entries : list of dict
    """
    by_family = {}
    for entry in sorted(manifest, key=_order):
        if entry["task"] == task and entry["n_rows"] >= MIN_ROWS:
            by_family.setdefault(entry["family"], entry)
    return list(by_family.values())[:n_tables]


def _order(entry):
    text = f"intervals/{entry['task']}/{entry['name']}"
    return hashlib.sha256(text.encode()).hexdigest()


def measure(*, data, task, table, family, seed, budget, max_evaluations, n_jobs):
    """Fit one model, and put intervals or sets of all systems around it."""
    from sklearn_meta.metalearning import KnowledgeBase

    split = read_split(data, task, table, seed)
    rows = np.random.default_rng(seed).permutation(len(split.y_test))[:MAX_TEST_ROWS]
    X_test, y_test = split.X_test.iloc[rows], split.y_test[rows]
    model = make_automl(
        task,
        time_budget=None if max_evaluations else budget,
        max_evaluations=max_evaluations,
        knowledge_base=KnowledgeBase().without_families([family]),
        n_jobs=n_jobs,
        random_state=seed,
    )
    began = time.monotonic()
    model.fit(split.X_train, split.y_train)
    result = {
        "rows": len(split.y_train),
        "test_rows": len(y_test),
        "fit_seconds": time.monotonic() - began,
        "own_seconds": float(model.time_report_.get("intervals", np.nan)),
        "systems": {},
    }
    if task == CLASSIFICATION:
        classes = model.classes_
        result["accuracy"] = float(np.mean(model.predict(X_test) == y_test))
        # Classes that the training part lacks are in no set.
        known = np.isin(y_test, classes)
        true = np.where(
            known, np.searchsorted(classes, y_test).clip(max=len(classes) - 1), -1
        )
        ways = _set_ways(model, split, X_test, seed)
        summarize = lambda sets: _of_sets(sets, true)  # noqa: E731
    else:
        tails = model._conformal.tails[0]
        result["is_scaled"] = tails.is_scaled
        result["is_unequal"] = tails.below is not None
        ways = _interval_ways(model, split, X_test, seed)
        spread = float(np.std(split.y_train)) or 1.0
        summarize = lambda ends: _of_intervals(ends, y_test, spread)  # noqa: E731
    for system, make in ways.items():
        began = time.monotonic()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                made = make()
        except Exception as error:
            result["systems"][system] = {"error": f"{type(error).__name__}: {error}"}
            continue
        result["systems"][system] = {
            "seconds": time.monotonic() - began,
            **{f"{c:g}": summarize(m) for c, m in zip(COVERAGES, made, strict=True)},
        }
    return result


def _interval_ways(model, split, X_test, seed):
    """Return functions that make arrays (n_samples, 2), one for each coverage."""
    from mapie.conformity_scores import ResidualNormalisedScore
    from mapie.regression import CrossConformalRegressor, SplitConformalRegressor
    from sklearn.ensemble import HistGradientBoostingRegressor

    (X, y), new = _encoded(model, split), _encode(model, X_test)

    def cross():
        mapie = CrossConformalRegressor(
            _same_model(model), confidence_level=COVERAGES, cv=5, random_state=seed
        )
        return _ends(mapie.fit_conformalize(X, y).predict_interval(new))

    def prefit(score):
        inside, outside = _two_parts(len(y), seed)
        fitted = _same_model(model).fit(X[inside], y[inside])
        mapie = SplitConformalRegressor(
            fitted, confidence_level=COVERAGES, conformity_score=score, prefit=True
        )
        mapie.conformalize(X[outside], y[outside])
        return _ends(mapie.predict_interval(new))

    return {
        "sklearn_meta": lambda: [model.predict_interval(X_test, c) for c in COVERAGES],
        "mapie_cross": cross,
        "mapie_split": lambda: prefit("absolute"),
        "mapie_normalized": lambda: prefit(
            ResidualNormalisedScore(
                HistGradientBoostingRegressor(
                    max_iter=50, max_leaf_nodes=8, random_state=seed
                ),
                split_size=0.5,
                random_state=seed,
            )
        ),
    }


def _set_ways(model, split, X_test, seed):
    """Return functions that make arrays (n_samples, n_classes), one a coverage."""
    from mapie.classification import (
        CrossConformalClassifier,
        SplitConformalClassifier,
    )

    (X, y), new = _encoded(model, split), _encode(model, X_test)

    def cross():
        mapie = CrossConformalClassifier(
            _same_model(model), confidence_level=COVERAGES, cv=5, random_state=seed
        )
        return _memberships(mapie.fit_conformalize(X, y).predict_set(new))

    def prefit():
        inside, outside = _two_parts(len(y), seed, y)
        fitted = _same_model(model).fit(X[inside], y[inside])
        mapie = SplitConformalClassifier(
            fitted, confidence_level=COVERAGES, conformity_score="lac", prefit=True
        )
        mapie.conformalize(X[outside], y[outside])
        return _memberships(mapie.predict_set(new))

    return {
        "sklearn_meta": lambda: [model.predict_set(X_test, c) for c in COVERAGES],
        "mapie_cross": cross,
        "mapie_split": prefit,
    }


def _same_model(model):
    """Return the final combination of a fitted model, unfitted, on encoded rows."""
    from sklearn.base import clone

    ensemble = model.ensemble_
    members = [
        clone(m[0] if isinstance(m, list | tuple) else m) for m in ensemble.members
    ]
    return clone(ensemble).set_params(members=members)


def _encode(model, X):
    return model._row_encoder.encode(model, X)


def _encoded(model, split):
    return _encode(model, split.X_train), split.y_train


def _two_parts(n, seed, y=None):
    """Return the rows for fitting and those for calibration."""
    from sklearn.model_selection import train_test_split

    rows = np.arange(n)
    if y is not None and np.unique(y, return_counts=True)[1].min() < 2:
        y = None
    return train_test_split(
        rows, test_size=CALIBRATION_SHARE, random_state=seed, stratify=y
    )


def _ends(predicted):
    _, intervals = predicted
    return [intervals[:, :, i] for i in range(len(COVERAGES))]


def _memberships(predicted):
    _, sets = predicted
    return [sets[:, :, i] for i in range(len(COVERAGES))]


def _of_intervals(ends, y, spread):
    """Return coverage, and mean width in standard deviations of the target."""
    low, high = ends[:, 0], ends[:, 1]
    finite = np.isfinite(high - low)
    return {
        "coverage": float(np.mean((low <= y) & (y <= high))),
        "width": float(np.mean(high[finite] - low[finite]) / spread)
        if finite.any()
        else None,
        "infinite": float(np.mean(~finite)),
    }


def _of_sets(sets, true):
    """Return coverage, mean number of classes and share of empty sets."""
    sets = np.asarray(sets, dtype=bool)
    rows = np.flatnonzero(true >= 0)
    return {
        "coverage": float(sets[rows, true[rows]].sum() / len(true)),
        "width": float(sets.sum(axis=1).mean()),
        "empty": float(np.mean(~sets.any(axis=1))),
    }


def run(arguments):
    """Run what is not in the results yet."""
    manifest = read_manifest(arguments.data)
    entries = [
        entry
        for pair in zip(
            *(tables(manifest, task, arguments.tables) for task in TASKS), strict=False
        )
        for entry in pair
        if entry["task"] in arguments.tasks
    ]
    plan = [
        {
            "task": entry["task"],
            "table": entry["name"],
            "family": entry["family"],
            "seed": seed,
            "budget": arguments.budget,
            "max_evaluations": arguments.max_evaluations,
            "n_jobs": arguments.n_jobs,
        }
        for seed in arguments.seeds
        for entry in entries
    ]
    run_pending(
        "benchmarks.intervals",
        plan,
        KEYS,
        arguments,
        timeout=lambda settings: 20 * settings["budget"] + 600,
        shown=_shown,
    )


def _shown(record):
    text = f"{record['table']:26s}{record['status']:8s}"
    for system, found in record.get("systems", {}).items():
        at = found.get("0.9")
        text += f"  {system} "
        text += "failed" if at is None else f"{at['coverage']:.3f}/{at['width']:.3f}"
    return text + f"  {record.get('error', '')[-80:]}"


def by_system(records, task):
    """Return what each system did on the tables on which all of them have a result.

    Parameters
    ----------
    records : iterable of dict
    task : str

    Returns
    -------
    found : dict of str to dict of str to ndarray
        By system and coverage, rows of coverage and width (of intervals, relative to
        those of ``sklearn_meta``), and for sets accuracy and share of empty sets.
    n_tables : int
    """
    systems = [s for s in SYSTEMS if task == REGRESSION or s != "mapie_normalized"]
    complete = [
        r
        for r in records
        if r["status"] == "ok"
        and r["task"] == task
        and all(_is_complete(r["systems"].get(s, {})) for s in systems)
    ]
    found = {}
    for system in systems:
        found[system] = {}
        for c in map("{:g}".format, COVERAGES):
            found[system][c] = np.array(
                [
                    [
                        r["systems"][system][c]["coverage"],
                        r["systems"][system][c]["width"],
                        r["systems"]["sklearn_meta"][c]["width"],
                        r.get("accuracy", np.nan),
                        r["systems"][system][c].get("empty", 0.0),
                    ]
                    for r in complete
                ]
            ).reshape(-1, 5)
    return found, len(complete)


def _is_complete(found):
    return all((found.get(f"{c:g}") or {}).get("width") is not None for c in COVERAGES)


def report(arguments):
    """Print coverage and width by system, means over tables."""
    records = read_lines(arguments.results)
    for task in (REGRESSION, CLASSIFICATION):
        found, n = by_system(records, task)
        what = "width" if task == REGRESSION else "classes"
        print(f"{task}, {n} tables; seconds in the median:")
        for system in found:
            seconds = [
                r["systems"][system]["seconds"]
                for r in records
                if r["status"] == "ok"
                and r["task"] == task
                and "seconds" in r["systems"].get(system, {})
            ]
            failed = sum(
                "error" in r["systems"].get(system, {})
                for r in records
                if r["status"] == "ok" and r["task"] == task
            )
            text = f"  {system:18s}{np.median(seconds or [np.nan]):8.2f}"
            print(text + (f"  failed on {failed} tables" if failed else ""))
        if not n:
            continue
        for c in map("{:g}".format, COVERAGES):
            print(f"  coverage {c}")
            for system, by_coverage in found.items():
                _print_line(system, by_coverage[c], float(c), what)
    failed = [r for r in records if r["status"] != "ok"]
    for record in failed:
        print(f"failed: {record['table']}: {record['error'].splitlines()[-1]}")


def _print_line(system, values, nominal, what):
    coverage, width, of_ours, accuracy, empty = values.T
    n = len(coverage)
    error = np.std(coverage, ddof=1) / np.sqrt(n) if n > 1 else np.nan
    text = f"    {system:18s}{coverage.mean():.3f} ± {error:.3f}, "
    if what == "width":
        logs = np.log(np.maximum(width, 1e-12) / np.maximum(of_ours, 1e-12))
        ratio, spread = np.exp(logs.mean()), np.std(logs, ddof=min(1, n - 1)) / n**0.5
        text += (
            f"width {width.mean():.3f} SD of the target, {ratio:.3f} ± {spread:.3f} "
        )
        text += f"of ours, wider on {np.mean(width > of_ours):.0%}"
    else:
        text += f"{width.mean():.3f} classes, {empty.mean():.1%} empty"
        hard = accuracy < nominal
        if hard.any():
            text += f"; accuracy below {nominal:g} ({hard.sum()} tables): "
            text += f"{coverage[hard].mean():.3f}, {width[hard].mean():.3f} classes"
    print(text)


def main():
    parser, runner, _ = two_commands(__doc__, RESULTS)
    runner.add_argument("--budget", type=float, default=10.0, help="seconds")
    runner.add_argument("--max-evaluations", type=int, help="in place of seconds")
    runner.add_argument("--n-jobs", type=int, default=2)
    runner.add_argument("--seeds", type=int, nargs="+", default=[0])
    runner.add_argument("--tables", type=int, default=N_TABLES, help="of each task")
    runner.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS)
    dispatch(parser, measure=measure, run=run, report=report)


if __name__ == "__main__":
    main()
