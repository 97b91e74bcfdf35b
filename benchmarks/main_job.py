"""The main job: better than the best untuned model, and than random search?

    python -m benchmarks.main_job run --data ../shared/datasets
    python -m benchmarks.main_job report

`run` appends one JSON line to the results for every (table, seed, system), each in its
own subprocess; started again, it goes on where it was. Tables and split: see
`select_tables.py` and `_tables.py`. All systems of a table and seed run one after the
other, so that they meet the same load; all tables come with the first seed before any
comes with the second.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from benchmarks._runs import dispatch, read_lines, run_pending, two_commands
from benchmarks._systems import (
    SEARCHES,
    SYSTEMS,
    UNTUNED,
    make_automl,
    parts_of,
    search_parameters,
    with_plain_columns,
)
from benchmarks._tables import TASKS, constant_loss, loss, read_manifest, read_split
from benchmarks.select_tables import select

RESULTS = Path(__file__).parent / "results" / "main_job.jsonl"
KEYS = ("task", "table", "seed", "system", "budget", "n_jobs")


def measure(data, task, table, family, seed, system, budget, n_jobs):
    """Fit one system on the training part and score it on the test part.

    What is recalled from knows nothing of the table's family.
    """
    split = read_split(data, task, table, seed)
    result = {
        "rows": len(split.y_train),
        "constant": constant_loss(task, split),
        "load_before": os.getloadavg()[0],
    }
    if system in UNTUNED:
        split = with_plain_columns(split)
        start = time.monotonic()
        model = UNTUNED[system](task, split, seed=seed, n_jobs=n_jobs)
        result["fit_seconds"] = time.monotonic() - start
    else:
        from sklearn_meta.metalearning import KnowledgeBase

        model = make_automl(
            task,
            time_budget=budget,
            knowledge_base=KnowledgeBase().without_families([family]),
            n_jobs=n_jobs,
            random_state=seed,
            **search_parameters(system),
        )
        start = time.monotonic()  # without the import
        with parts_of(system):
            model.fit(split.X_train, split.y_train)
        result["fit_seconds"] = time.monotonic() - start
        result["evaluations"] = int(model.n_evaluations_)
        result["validation_score"] = float(model.best_score_)
        result["recall_note"] = model.recall_note_
        result["trace"] = best_scores(model.history_, n_jobs)
        result["time_report"] = {k: float(v) for k, v in model.time_report_.items()}
        result["members"] = [
            [e.candidate.text, round(model.ensemble_weights_[e.number], 4)]
            for e in model.history_
            if e.number in model.ensemble_weights_
        ]
    start = time.monotonic()
    result["loss"] = loss(task, model, split)
    result["predict_seconds"] = time.monotonic() - start
    return result


def best_scores(history, n_jobs):
    """Return the best validation score so far as ``[seconds, score]``, at each rise.

    The seconds are those of the evaluations by then, spread over the workers.
    """
    rises, seconds, best = [], 0.0, -np.inf
    for evaluation in history:
        seconds += evaluation.seconds / n_jobs
        if evaluation.status == "ok" and evaluation.score > best:
            best = evaluation.score
            rises.append([round(seconds, 3), best])
    return rises


def run(arguments):
    entries = select(read_manifest(arguments.data))
    plan = [
        {
            "task": entry["task"],
            "table": entry["name"],
            "family": entry["family"],
            "seed": seed,
            "system": system,
            # Untuned models know no budget: they are the same run for all of them.
            "budget": arguments.budget if system in SEARCHES else None,
            "n_jobs": arguments.n_jobs,
        }
        for seed in arguments.seeds
        for entry in entries
        if entry["task"] in arguments.tasks
        if not arguments.tables or entry["name"] in arguments.tables
        for system in arguments.systems
    ]
    longest = max(3 * arguments.budget, arguments.budget + 120)
    run_pending(
        "benchmarks.main_job",
        plan,
        KEYS,
        arguments,
        timeout=lambda settings: longest,
        shown=shown,
    )


def shown(record):
    """Return the line that is printed of a finished run."""
    return (
        f"{record['table']:26s}{record['system']:24s}"
        f"seed {record['seed']}  {record['status']:8s}"
        f"loss {record.get('loss', float('nan')):10.4f}"
        f"  fit {record.get('fit_seconds', float('nan')):6.1f} s"
        f"  {record.get('evaluations', '')}"
    )


def losses(records):
    """Return ``{(task, table, seed): {system: loss}}``; a failed run has none."""
    table = {}
    for record in records:
        key = record["task"], record["table"], record["seed"]
        entry = table.setdefault(key, {})
        if record["status"] == "ok":
            entry[record["system"]] = record["loss"]
            entry["constant"] = record["constant"]
    return table


def compare(table, ours, others):
    """Compare one system with the best of others, on each (table, seed).

    Returns
    -------
    compared : dict of (task, table) to ndarray of shape (n_seeds, 3)
        Loss of `ours`, smallest loss among `others`, loss of the constant prediction.
        `ours` counts as the constant prediction where its run failed.
    """
    compared = {}
    for (task, name, _), by_system in sorted(table.items()):
        rivals = [by_system[s] for s in others if s in by_system]
        if not rivals:
            continue
        row = (
            by_system.get(ours, by_system["constant"]),
            min(rivals),
            by_system["constant"],
        )
        compared.setdefault((task, name), []).append(row)
    return {key: np.array(rows) for key, rows in compared.items()}


def summary(compared):
    """Return what the comparison of all tables comes to.

    `runs` counts every (table, seed); `tables` compares the mean loss over the seeds.
    `gain` is the mean over tables of the share of the rival's loss that is saved, and
    `normalized` the mean difference where 0 is the constant prediction and 1 a loss of
    zero; both come with their standard error over tables, which one table has none of.
    `scores` are the normalized ones of both sides.
    """
    means = np.array([rows.mean(axis=0) for rows in compared.values()])
    runs = np.concatenate(list(compared.values()))
    ours, rival, constant = means.T
    gains = 1 - ours / rival
    normalized = (rival - ours) / constant
    return {
        "runs": len(runs),
        "runs_won": int(np.sum(runs[:, 0] < runs[:, 1])),
        "tables": len(means),
        "tables_won": int(np.sum(ours < rival)),
        "tables_tied": int(np.sum(ours == rival)),
        "gain": float(np.mean(gains)),
        "gain_error": _standard_error(gains),
        "normalized": float(np.mean(normalized)),
        "normalized_error": _standard_error(normalized),
        "scores": tuple(float(np.mean(1 - side / constant)) for side in (ours, rival)),
    }


def _standard_error(values):
    if len(values) < 2:
        return float("nan")
    return float(np.std(values, ddof=1) / np.sqrt(len(values)))


def told(s):
    """Put a `summary` into words."""
    return (
        f"wins {s['tables_won']} of {s['tables']} tables "
        f"({s['tables_won'] / s['tables']:.0%}), {s['tables_tied']} tied, "
        f"{s['runs_won']} of {s['runs']} runs; loss smaller by {s['gain']:.2%} ± "
        f"{s['gain_error']:.2%} on average; normalized score {s['scores'][0]:.3f} "
        f"against {s['scores'][1]:.3f} ({s['normalized']:+.4f} ± "
        f"{s['normalized_error']:.4f})"
    )


def seconds_saved(records, ours, other):
    """Return how much sooner one system is where another one ends.

    Returns
    -------
    ratios : ndarray of shape (n_runs,)
        Seconds until `ours` has the best validation score of `other`, by those that
        `other` needed itself; infinity where it never has.
    """
    traces = {}
    for record in records:
        if record["status"] == "ok" and record.get("trace"):
            run = record["task"], record["table"], record["seed"]
            traces[record["system"], *run] = record["trace"]
    ratios = []
    for (system, *run), trace in traces.items():
        own = traces.get((ours, *run))
        if system == other and own is not None:
            needed, goal = trace[-1]
            reached = (seconds for seconds, score in own if score >= goal)
            ratios.append(next(reached, np.inf) / max(needed, 1e-3))
    return np.array(ratios)


def report(arguments):
    # The last line of a run: what failed was perhaps run again.
    records = {
        tuple(r[k] for k in KEYS): r
        for r in read_lines(arguments.results)
        if r["budget"] in (None, arguments.budget) and r["n_jobs"] == arguments.n_jobs
    }
    records = list(records.values())
    table = losses(records)
    systems = [s for s in SYSTEMS if any(s in row for row in table.values())]
    print(f"{'table':28s}{'seed':>5s}" + "".join(f"{s[:14]:>16s}" for s in systems))
    for (_, name, seed), by_system in sorted(table.items()):
        smallest = min((by_system[s] for s in systems if s in by_system), default=None)
        cells = []
        for system in systems:
            value = by_system.get(system)
            star = "*" if value == smallest else " "
            cells.append(f"{'failed' if value is None else f'{value:.4f}'}{star}")
        print(f"{name:28s}{seed:5d}" + "".join(f"{cell:>16s}" for cell in cells))
    for ours, others, title in (
        ("sklearn_meta", tuple(UNTUNED), "the best untuned model"),
        ("random_search", tuple(UNTUNED), "the best untuned model"),
        *(("sklearn_meta", (other,), other) for other in SEARCHES[1:]),
    ):
        for tasks in (*((task,) for task in TASKS), TASKS):
            # Only runs in which both sides took part.
            ran = {
                (r["task"], r["table"], r["seed"])
                for r in records
                if r["system"] == ours
            }
            both = {k: v for k, v in table.items() if k in ran and k[0] in tasks}
            compared = compare(both, ours, others)
            if compared:
                print(
                    f"{ours} against {title}, {' and '.join(tasks)}: "
                    f"{told(summary(compared))}"
                )
    for system in SEARCHES:
        own = [r for r in records if r["system"] == system and r["status"] == "ok"]
        if own:
            seconds = [r["fit_seconds"] for r in own]
            evaluations = [r["evaluations"] for r in own]
            print(
                f"{system}: fit {np.median(seconds):.1f} s in the median, "
                f"{np.max(seconds):.1f} s at most; {np.median(evaluations):.0f} "
                f"evaluations in the median"
            )
    ratios = seconds_saved(records, "sklearn_meta", "without_recall")
    if len(ratios):
        print(
            f"recall reaches the best validation score of the run without it in "
            f"{np.median(ratios):.2f} of its seconds in the median of {len(ratios)} "
            f"runs; in {np.mean(np.isinf(ratios)):.0%} of them it never does"
        )
    failed = [r for r in records if r["status"] != "ok"]
    for record in failed:
        last = record["error"].splitlines()[-1]
        print(f"failed: {record['system']} on {record['table']}: {last}")


def main():
    parser, runner, reporter = two_commands(__doc__, RESULTS)
    runner.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    runner.add_argument(
        "--systems",
        nargs="+",
        choices=SYSTEMS,
        default=("sklearn_meta", "random_search", *UNTUNED),
    )
    runner.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS)
    runner.add_argument("--tables", nargs="+", help="some of the selected tables")
    for command in (runner, reporter):
        command.add_argument("--budget", type=float, default=60.0, help="seconds")
        command.add_argument("--n-jobs", type=int, default=2)
    dispatch(parser, measure=measure, run=run, report=report)


if __name__ == "__main__":
    main()
