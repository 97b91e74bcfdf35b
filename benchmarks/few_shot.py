"""Few-shot benchmark: the meta-learned network against common methods.

    python -m benchmarks.few_shot run --data ../shared/datasets
    python -m benchmarks.few_shot report
    python -m benchmarks.few_shot adaptation --data ../shared/datasets
    python -m benchmarks.few_shot adaptation-report

The tables are those of families that were held out from meta-training
(`_held_out.py`). A draw has 5, 10 or 25 training rows of each class, or 10, 25 or 50
training rows of a regression table, and at most 500 test rows (`_few_shot_draws.py`).
The methods are in `_few_shot_methods.py`.

`run` appends one JSON line to the results for every (table, shots, draw, method);
called again, it resumes. The first draws of all tables come before any second one.
`report` compares the means over the draws of each table that all compared methods were
run on. `adaptation` evaluates the loss after different numbers of gradient steps from
the meta-learned and from a random initialization. For the latter there are several
learning rates, of which the report takes the best one in hindsight for every number of
steps.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from pathlib import Path

import joblib
import numpy as np
from scipy.stats import rankdata, wilcoxon
from threadpoolctl import threadpool_limits

from benchmarks._few_shot_draws import SHOTS, TooFewRowsError, draw_split, read_frame
from benchmarks._few_shot_methods import METHODS
from benchmarks._held_out import held_out_families, held_out_tables
from benchmarks._runs import append_line, pending, read_lines
from benchmarks._systems import with_plain_columns
from benchmarks._tables import CLASSIFICATION, TASKS, log_loss, read_manifest

RESULTS = Path(__file__).parent / "results" / "few_shot.jsonl"
ADAPTATION = Path(__file__).parent / "results" / "adaptation.jsonl"
KEYS = ("task", "table", "shots", "draw", "method")
ADAPTATION_KEYS = ("task", "table", "shots", "draw", "init", "learning_rate")
STEPS = (0, 1, 2, 3, 5, 10, 20, 50, 100)
RANDOM_RATES = (0.3, 1.0, 3.0)
# Measures of each task, and whether larger values are better.
MEASURES = {
    "classification": {"accuracy": True, "log_loss": False},
    "regression": {"rmse": False},
}
# The measure for ranks and tests.
MAIN = {"classification": "log_loss", "regression": "rmse"}
OURS = "maml"


def scores(task, model, split):
    """Return the measures of a fitted model on the test rows.

    The RMSE is divided by the standard deviation of the test targets.
    """
    if task == CLASSIFICATION:
        probabilities = model.predict_proba(split.X_test)
        predicted = model.classes_[probabilities.argmax(axis=1)]
        return {
            "accuracy": float(np.mean(predicted == split.y_test)),
            "log_loss": log_loss(split.y_test, probabilities, model.classes_),
        }
    error = np.asarray(model.predict(split.X_test), dtype=float) - split.y_test
    return {"rmse": float(np.sqrt(np.mean(error**2)) / _spread(split))}


def constant_scores(task, split):
    """Return the measures of the constant prediction."""
    if task == CLASSIFICATION:
        n_classes = len(np.unique(split.y_train))
        return {"accuracy": 1.0 / n_classes, "log_loss": float(np.log(n_classes))}
    error = split.y_train.mean() - split.y_test
    return {"rmse": float(np.sqrt(np.mean(error**2)) / _spread(split))}


def _spread(split):
    """Return the standard deviation of the test targets, or 1 if it is 0."""
    return split.y_test.std() or 1.0


def measure(task, method, split, seed):
    """Fit one method on the training rows and score it on the test rows."""
    try:
        with threadpool_limits(1), warnings.catch_warnings():
            # Convergence on ten rows, folds without a class, feature names.
            warnings.simplefilter("ignore")
            model = METHODS[task][method](task, split.y_train, seed)
            start = time.perf_counter()  # after the import
            model.fit(split.X_train, split.y_train)
            fitted = time.perf_counter()
            result = scores(task, model, split)
    except Exception as error:  # recorded and reported; the other methods continue
        return {"status": "failed", "error": f"{type(error).__name__}: {error}"[:500]}
    return {
        "status": "ok",
        **result,
        "fit_seconds": fitted - start,
        "predict_seconds": time.perf_counter() - fitted,
    }


def measure_all(data, unit, methods):
    """Return one record for each method on one draw of one table."""
    split = _split(data, unit)
    constant = constant_scores(unit["task"], split)
    return [
        {
            **unit,
            "method": method,
            "rows": len(split.y_train),
            "constant": constant,
            **measure(unit["task"], method, split, unit["draw"]),
        }
        for method in methods
    ]


def _split(data, unit):
    """Read a table and draw its training and test rows."""
    X, y = read_frame(data, unit["task"], unit["table"])
    return with_plain_columns(draw_split(X, y, **unit))


def units(arguments):
    """Return the draws of all tables, first draws before second ones."""
    manifest = read_manifest(arguments.data)
    families = held_out_families(manifest)
    found = []
    for task in arguments.tasks:
        for entry in held_out_tables(manifest, task, families):
            X, y = read_frame(arguments.data, task, entry["name"])
            for shots in SHOTS[task]:
                unit = {"task": task, "table": entry["name"], "shots": shots}
                try:
                    draw_split(X, y, draw=0, **unit)
                except TooFewRowsError:
                    continue
                found.append(unit)
    return [{**u, "draw": draw} for draw in range(arguments.draws) for u in found]


def run(arguments):
    """Run what is not in the results yet."""
    plan = [
        {**unit, "method": method}
        for unit in units(arguments)
        for method in arguments.methods or METHODS[unit["task"]]
        if method in METHODS[unit["task"]]
    ]
    todo = pending(arguments.results, plan, KEYS)
    print(f"{len(todo)} runs to do, {len(plan) - len(todo)} done", flush=True)
    _work(arguments, todo, "method", measure_all)


def _work(arguments, todo, of, function):
    """Call a function on each unit with its pending settings; append its records.

    Parameters
    ----------
    arguments : Namespace
    todo : list of dict
        Pending settings. Those that differ only in the key `of` are one unit.
    of : str
    function : callable
        ``function(data, unit, values)`` returns the records for the values of `of`.
    """
    jobs = {}
    for settings in todo:
        unit = tuple((key, settings[key]) for key in settings if key != of)
        jobs.setdefault(unit, []).append(settings[of])
    data = str(Path(arguments.data).resolve())
    pool = joblib.Parallel(arguments.n_jobs, return_as="generator_unordered")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    calls = (joblib.delayed(function)(data, dict(u), w) for u, w in jobs.items())
    for i, records in enumerate(pool(calls), 1):
        for record in records:
            append_line(arguments.results, record)
        unit = records[0]
        failed = sum(record["status"] != "ok" for record in records)
        print(
            f"[{i}/{len(jobs)}] {unit['table']:26s}{unit['shots']:3d} shots  "
            f"draw {unit['draw']:2d}" + (f"  {failed} failed" if failed else ""),
            flush=True,
        )


def adapt_all(data, unit, starts):
    """Return the loss after each number of steps from each initialization."""
    from sklearn_meta.maml import MAMLClassifier, MAMLRegressor

    split = _split(data, unit)
    task = unit["task"]
    kind = MAMLClassifier if task == CLASSIFICATION else MAMLRegressor
    records = []
    for init, rate in starts:
        losses = {}
        for steps in STEPS:
            model = kind(
                init=init,
                n_adaptation_steps=steps,
                learning_rate=rate,
                # From random parameters, the head alone is not enough.
                fine_tune="head" if init == "meta" else "all",
                device="cpu",
                random_state=unit["draw"],
            )
            with threadpool_limits(1), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model.fit(split.X_train, split.y_train)
                losses[steps] = scores(task, model, split)[MAIN[task]]
        start = {"init": init, "learning_rate": rate}
        records.append({**unit, **start, "status": "ok", "losses": losses})
    return records


def adaptation(arguments):
    """Evaluate the loss over gradient steps."""
    starts = [("meta", 1.0), *(("random", rate) for rate in RANDOM_RATES)]
    plan = [
        {**unit, "init": init, "learning_rate": rate}
        for unit in units(arguments)
        for init, rate in starts
    ]
    todo = pending(arguments.results, plan, ADAPTATION_KEYS)
    print(f"{len(todo)} curves to do, {len(plan) - len(todo)} done", flush=True)
    for settings in todo:
        settings["start"] = (settings.pop("init"), settings.pop("learning_rate"))
    _work(arguments, todo, "start", adapt_all)


def table_means(records, task, shots):
    """Average each measure over the draws of each table.

    Only draws that all methods were run on count. A failed run counts as the constant
    prediction.

    Returns
    -------
    tables, methods : lists of str
    means : dict of str to ndarray of shape (n_tables, n_methods)
        Means of each measure of the task.
    n_draws : int
        Maximum number of draws of a table.
    """
    runs = {}
    for record in records:
        if record["task"] == task and record["shots"] == shots:
            key = record["table"], record["draw"]
            # The last line counts: failed runs may have been repeated.
            runs.setdefault(key, {})[record["method"]] = record
    present = {method for by_method in runs.values() for method in by_method}
    methods = [method for method in METHODS[task] if method in present]
    sums = {}
    for (table, _), by_method in sorted(runs.items()):
        if len(by_method) == len(methods):
            rows = sums.setdefault(table, {measure: [] for measure in MEASURES[task]})
            for measure, values in rows.items():
                values.append([_value(by_method[m], measure) for m in methods])
    means = {
        measure: np.array([np.mean(rows[measure], axis=0) for rows in sums.values()])
        for measure in MEASURES[task]
    }
    n_draws = max((len(rows[MAIN[task]]) for rows in sums.values()), default=0)
    return list(sums), methods, means, n_draws


def _value(record, measure):
    """Return a measure, that of the constant prediction if the run failed."""
    return (record if record["status"] == "ok" else record["constant"])[measure]


def mean_ranks(values):
    """Return the mean ranks of the methods over tables; the smallest is rank 1."""
    return rankdata(values, axis=1).mean(axis=0)


def compare(values, methods, ours=OURS):
    """Compare the losses of one method with those of the others, paired by table.

    Parameters
    ----------
    values : ndarray of shape (n_tables, n_methods)
    methods : list of str
    ours : str, default="maml"

    Returns
    -------
    compared : dict of str to (int, float)
        For each other method, the number of tables on which it has the larger loss, and
        the p-value of the two-sided Wilcoxon signed-rank test (1 if all tables tie).
    """
    our = values[:, methods.index(ours)]
    compared = {}
    for j, method in enumerate(methods):
        if method != ours:
            difference = values[:, j] - our
            p = wilcoxon(difference).pvalue if difference.any() else 1.0
            compared[method] = int((difference > 0).sum()), float(p)
    return compared


def report(arguments):
    """Print the comparison."""
    records = [
        record
        for record in read_lines(arguments.results)
        if arguments.methods is None or record["method"] in arguments.methods
    ]
    for task in TASKS:
        for shots in sorted({r["shots"] for r in records if r["task"] == task}):
            tables, methods, means, n_draws = table_means(records, task, shots)
            if tables:
                print(
                    f"\n{task}, {shots} rows"
                    f"{' per class' if task == CLASSIFICATION else ''}: "
                    f"{len(tables)} tables, up to {n_draws} draws"
                )
                _print_table(task, methods, means, _median_seconds(records, task))
    failed = {}
    for record in records:
        if record["status"] != "ok":
            failed.setdefault((record["method"], record["error"]), []).append(record)
    for (method, error), runs in failed.items():
        print(f"failed {len(runs)} times: {method}: {error}")


def _median_seconds(records, task):
    """Return the median seconds of `fit` of each method."""
    seconds = {}
    for record in records:
        if record["task"] == task and record["status"] == "ok":
            seconds.setdefault(record["method"], []).append(record["fit_seconds"])
    return {method: float(np.median(values)) for method, values in seconds.items()}


def _print_table(task, methods, means, seconds):
    """Print one line for each method, sorted by mean rank."""
    main = MAIN[task]
    ranks = {
        measure: mean_ranks(-means[measure] if larger else means[measure])
        for measure, larger in MEASURES[task].items()
    }
    compared = compare(means[main], methods) if OURS in methods else {}
    header = f"{'method':24s}"
    for measure in MEASURES[task]:
        header += f"{measure:>10s}{'rank':>7s}"
    print(header + f"{'maml wins':>11s}{'p':>9s}{'fit s':>8s}")
    for j in np.argsort(ranks[main]):
        method = methods[j]
        line = f"{method:24s}"
        for measure in MEASURES[task]:
            line += f"{means[measure][:, j].mean():10.4f}{ranks[measure][j]:7.2f}"
        if method in compared:
            wins, p = compared[method]
            line += f"{wins:11d}{p:9.2g}"
        else:
            line += " " * 20
        print(line + f"{seconds.get(method, float('nan')):8.2f}")


def adaptation_curves(records, task):
    """Average the curves over draws, then over tables.

    Returns
    -------
    curves : dict of (str, float) to ndarray of shape (n_steps,)
        Mean loss after `STEPS` for each initialization and learning rate.
    """
    by_table = {}
    for record in records:
        if record["task"] == task:
            start = record["init"], record["learning_rate"]
            losses = [record["losses"][str(step)] for step in STEPS]
            tables = by_table.setdefault(start, {})
            tables.setdefault((record["table"], record["shots"]), []).append(losses)
    return {
        start: np.mean([np.mean(curves, axis=0) for curves in tables.values()], axis=0)
        for start, tables in by_table.items()
    }


def report_adaptation(arguments):
    """Print the loss over gradient steps."""
    records = read_lines(arguments.results)
    for task in TASKS:
        curves = adaptation_curves(records, task)
        if not curves:
            continue
        random = [curve for (init, _), curve in curves.items() if init == "random"]
        lines = {
            "meta": curves["meta", 1.0],
            "random": np.min(random, axis=0),
        }
        print(f"\n{task}: mean {MAIN[task]} after each number of steps")
        print("start   " + "".join(f"{step:>9d}" for step in STEPS))
        for name, curve in lines.items():
            print(f"{name:8s}" + "".join(f"{loss:9.4f}" for loss in curve))
        print(json.dumps({"task": task, "steps": STEPS, **_lists(lines)}))


def _lists(lines):
    """Return arrays as rounded lists."""
    return {name: [round(float(v), 5) for v in curve] for name, curve in lines.items()}


COMMANDS = {
    "run": (run, RESULTS, "run what is not in the results yet"),
    "report": (report, RESULTS, "print the comparison"),
    "adaptation": (adaptation, ADAPTATION, "evaluate the loss over gradient steps"),
    "adaptation-report": (report_adaptation, ADAPTATION, "print these losses"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (_, results, text) in COMMANDS.items():
        command = commands.add_parser(name, help=text)
        command.add_argument("--results", type=Path, default=results)
        if name in ("run", "adaptation"):
            command.add_argument("--data", required=True, help="folder with manifest")
            draws = 20 if name == "run" else 5
            command.add_argument("--draws", type=int, default=draws)
            command.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS)
            command.add_argument("--n-jobs", type=int, default=1)
        if name in ("run", "report"):
            every = sorted({method for task in TASKS for method in METHODS[task]})
            command.add_argument("--methods", nargs="+", choices=every)
    arguments = parser.parse_args()
    COMMANDS[arguments.command][0](arguments)


if __name__ == "__main__":
    main()
