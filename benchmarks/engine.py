"""Where the engine's time and memory go.

    python -m benchmarks.engine

Share: one search on a synthetic table of 5 000 rows and 20 columns; the seconds that
candidates spend in fit and predict, over the seconds of all workers together.

Overhead: two searches with warm workers over candidates that fit in some milliseconds,
one longer than the other. What the longer one needs more, less what its candidates
need more, is what is added to an evaluation; starting up falls out. The median of some
repetitions. The seconds are those of all workers: two of them wait for each other's
proposals, which come from one process.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from sklearn.datasets import make_classification

from benchmarks._watch import MemoryWatch

REPEATS = 5


def tiny_learner():
    """Return an operator that fits in a millisecond.

    An operator of the user's own always runs in a worker, never in this process.
    """
    from sklearn_meta.pipelines import Float, Operator

    return Operator(
        name="tiny",
        kind="learner",
        path="sklearn.naive_bayes.GaussianNB",
        tasks=("classification",),
        hyperparameters=(Float("var_smoothing", 1e-12, 1.0, 1e-9, log=True),),
    )


def fitted(X, y, **parameters):
    """Return a fitted classifier and the seconds of its ``fit``."""
    from sklearn_meta import MetaAutoClassifier

    model = MetaAutoClassifier(random_state=0, **parameters)
    start = time.perf_counter()
    model.fit(X, y)
    return model, time.perf_counter() - start


def share(budget, n_jobs):
    X, y = make_classification(5_000, 20, n_informative=10, random_state=0)
    with MemoryWatch() as memory:
        model, seconds = fitted(X, y, time_budget=budget, n_jobs=n_jobs)
    report = model.time_report_
    inside = sum(report[k] for k in ("candidates", "candidates cut short", "refit"))
    print(
        f"share: {inside / (n_jobs * seconds):.1%} of {n_jobs} x {seconds:.1f} s "
        f"inside {model.n_evaluations_} candidates' fit and predict "
        f"(budget {budget:g} s; ended: {model.stop_reason_})"
    )
    for name, value in model.time_report_.items():
        print(f"  {name:20s}{value:10.2f}")
    print(f"peak memory of the process and its workers: {memory.peak:.0f} MB")


def overhead(short, long, n_jobs, search):
    from sklearn_meta.pipelines import SearchSpace

    X, y = make_classification(1_000, 5, random_state=0)

    def totals(n):
        model, seconds = fitted(
            X,
            y,
            time_budget=300,
            max_evaluations=n,
            n_jobs=n_jobs,
            cv=2,
            ensemble_size=1,
            search=search,
            search_space=SearchSpace(
                include=["standard_scaler"], operators=[tiny_learner()]
            ),
        )
        inside = model.time_report_["candidates"]
        return np.array([model.n_evaluations_, seconds, inside])

    # Starting up varies by more than some evaluations take.
    pairs = [(totals(short), totals(long)) for _ in range(REPEATS)]
    n, seconds, inside = np.median([after - before for before, after in pairs], axis=0)
    if n <= 0:
        raise SystemExit(f"Both searches ended after {pairs[0][1][0]} evaluations.")
    print(
        f"overhead with {search}: {1000 * (n_jobs * seconds - inside) / n:.2f} ms of "
        f"{n_jobs} warm worker(s) per evaluation, {1000 * inside / n:.2f} ms inside "
        f"the candidate, {1000 * seconds / n:.2f} ms from one evaluation to the next "
        f"({pairs[0][0][0]:.0f} and {pairs[0][1][0]:.0f} evaluations)"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--budget", type=float, default=60.0, help="seconds")
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--evaluations", type=int, nargs=2, default=[50, 250])
    arguments = parser.parse_args()
    from sklearn_meta.search import EvolutionarySearch

    share(arguments.budget, arguments.n_jobs)
    for n_jobs in sorted({1, arguments.n_jobs}):
        overhead(*arguments.evaluations, n_jobs, EvolutionarySearch())


if __name__ == "__main__":
    main()
