"""Is the budget kept, and used?

    python -m benchmarks.budget run --data ../shared/datasets
    python -m benchmarks.budget report

For every selected table and budget one run as it is, and one into which candidates
that never finish are injected. `fit` must end at most 2 % + 0.3 s after the budget.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from benchmarks._runs import dispatch, read_lines, run_pending, two_commands
from benchmarks._systems import make_automl
from benchmarks._tables import read_manifest, read_split
from benchmarks.select_tables import select

RESULTS = Path(__file__).parent / "results" / "budget.jsonl"
KEYS = ("task", "table", "budget", "variant", "n_jobs")
VARIANTS = ("plain", "hanging")


def allowed(budget):
    """Seconds that ``fit`` may take with a budget."""
    return 1.02 * budget + 0.3


def measure(data, task, table, budget, variant, n_jobs):
    """Time one ``fit``, without imports."""
    split = read_split(data, task, table, seed=0)
    parameters = {"time_budget": budget, "n_jobs": n_jobs, "random_state": 0}
    if variant == "hanging":
        from benchmarks._hanging import HangingSearch, hanging_operator
        from sklearn_meta.pipelines import SearchSpace
        from sklearn_meta.search import EvolutionarySearch

        parameters["search"] = HangingSearch(EvolutionarySearch())
        parameters["search_space"] = SearchSpace(operators=[hanging_operator(task)])
    model = make_automl(task, **parameters)
    start = time.monotonic()
    model.fit(split.X_train, split.y_train)
    seconds = time.monotonic() - start
    return {
        "fit_seconds": seconds,
        "evaluations": int(model.n_evaluations_),
        "hanging": sum(e.candidate.origin == "injected" for e in model.history_),
        "stop_reason": str(model.stop_reason_),
    }


def run(arguments):
    plan = [
        {
            "task": entry["task"],
            "table": entry["name"],
            "budget": budget,
            "variant": variant,
            "n_jobs": arguments.n_jobs,
        }
        for budget in arguments.budgets
        for entry in select(read_manifest(arguments.data))
        for variant in arguments.variants
        if not arguments.tables or entry["name"] in arguments.tables
    ]
    run_pending(
        "benchmarks.budget",
        plan,
        KEYS,
        arguments,
        timeout=lambda settings: 3 * settings["budget"] + 120,
        shown=_shown,
    )


def _shown(record):
    return (
        f"{record['table']:26s}{record['variant']:9s}"
        f"{record['budget']:5g} s  {record['status']:8s}"
        f"fit {record.get('fit_seconds', float('nan')):7.2f} s  "
        f"{record.get('stop_reason', '')}"
    )


def report(arguments):
    # The last line of a run: what failed was perhaps run again.
    lines = read_lines(arguments.results)
    records = list({tuple(r[k] for k in KEYS): r for r in lines}.values())
    print(
        f"{'budget':>8s} {'variant':9s}{'runs':>5s}{'kept':>5s}{'failed':>7s}"
        f"{'median fit':>12s}{'longest':>10s}{'allowed':>9s}  ended early"
    )
    for budget in sorted({r["budget"] for r in records}):
        for variant in VARIANTS:
            chosen = [
                r for r in records if (r["budget"], r["variant"]) == (budget, variant)
            ]
            ok = [r for r in chosen if r["status"] == "ok"]
            if not ok:
                continue
            seconds = np.array([r["fit_seconds"] for r in ok])
            print(
                f"{budget:8g} {variant:9s}{len(chosen):5d}"
                f"{np.sum(seconds <= allowed(budget)):5d}{len(chosen) - len(ok):7d}"
                f"{np.median(seconds):12.2f}{seconds.max():10.2f}"
                f"{allowed(budget):9.2f}  {np.sum(seconds < 0.9 * budget)}"
            )
    for r in records:
        if r["status"] != "ok":
            last = r["error"].splitlines()[-1]
            print(f"failed: {r['table']}, {r['variant']}, {r['budget']:g} s: {last}")
        elif r["fit_seconds"] > allowed(r["budget"]):
            print(
                f"late: {r['table']}, {r['variant']}, {r['budget']:g} s: "
                f"{r['fit_seconds']:.2f} s"
            )


def main():
    parser, runner, _ = two_commands(__doc__, RESULTS)
    runner.add_argument("--budgets", type=float, nargs="+", default=[5, 10, 30, 60])
    runner.add_argument("--variants", nargs="+", choices=VARIANTS, default=VARIANTS)
    runner.add_argument("--tables", nargs="+", help="some of the selected tables")
    runner.add_argument("--n-jobs", type=int, default=2)
    dispatch(parser, measure=measure, run=run, report=report)


if __name__ == "__main__":
    main()
