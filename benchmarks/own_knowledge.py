"""A knowledge base of one's own: does a search get better with every table?

    python -m benchmarks.own_knowledge run --data ../shared/datasets
    python -m benchmarks.own_knowledge run --data ../shared/datasets --stream strong \
        --random-states 0 1 --results benchmarks/results/own_knowledge_strong.jsonl
    python -m benchmarks.own_knowledge run --data ../shared/datasets --stream large \
        --results benchmarks/results/own_knowledge_large.jsonl
    python -m benchmarks.own_knowledge report [--results FILE]

A stream of 15 related tables, as a team has them that works on the same few matters:
five variants of each of three tables, in turn. Each table is fitted twice in 10 s: with
the knowledge base that ships, and with a file of one's own beside it, empty at first,
that grows with each table. Neither knows the family of the table from elsewhere. A
stream with another random state has the same tables and a file of its own.

The rule, stated before any run:

1. The sources are the first two classification tables and the first regression table by
   the SHA-256 of ``stream/task/name``, of 1 500 to 15 000 rows, from families that the
   main job is not measured on. Two rules were added when the first stream had shown no
   gain. With ``--stream strong`` only those that can be predicted well count: the
   manifest's reference score is above 0.9 (ROC AUC) or 0.8 (R2). There, pipelines
   differ. With ``--stream large`` they also have 15 000 rows or more: there, 10 s are
   short.
2. A variant has 40 % of the rows, at most 2 000 unless the stream is ``large``, drawn
   with odds that grow with the rank of a random numeric column (the shift), and three
   quarters of the columns, at least two. Numeric columns are multiplied by ``10 ** u``,
   u uniform in [-1, 1].
3. A third of its rows is the test part.
"""

from __future__ import annotations

import hashlib
import sys
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import wilcoxon

from benchmarks._runs import dispatch, read_lines, run_pending, two_commands
from benchmarks._systems import make_automl
from benchmarks._tables import (
    CLASSIFICATION,
    REGRESSION,
    TEST_SHARE,
    Split,
    loss,
    read_manifest,
    read_split,
)
from benchmarks.select_tables import select

RESULTS = Path(__file__).parent / "results" / "own_knowledge.jsonl"
KEYS = ("task", "table", "variant", "system", "budget", "n_jobs", "random_state")
SYSTEMS = ("built_in", "own")

NUMBER = {CLASSIFICATION: 2, REGRESSION: 1}
N_VARIANTS = 5
SHARE_OF_ROWS, SHARE_OF_COLUMNS = 0.4, 0.75


@dataclass(frozen=True)
class Stream:
    """Which tables a stream is made of.

    Parameters
    ----------
    rows : tuple of (int, int)
        Least and largest number of rows of a source.
    least_score : dict of str to float or None
        By task, what the reference score of a source has to exceed; None for no matter
        what.
    max_rows : int
        Of a variant.
    """

    rows: tuple
    least_score: dict | None
    max_rows: int


STRONG = {CLASSIFICATION: 0.9, REGRESSION: 0.8}
STREAMS = {
    "usual": Stream((1_500, 15_000), None, 2_000),
    "strong": Stream((1_500, 15_000), STRONG, 2_000),
    "large": Stream((15_000, sys.maxsize), STRONG, sys.maxsize),
}


def sources(manifest, stream=STREAMS["usual"]):
    """Return the entries of the tables that a stream is made of.

    Parameters
    ----------
    manifest : list of dict
    stream : Stream, default=STREAMS["usual"]

    Returns
    -------
    entries : list of dict
    """
    taken = {entry["family"] for entry in select(manifest)}
    chosen = []
    for task, wanted in NUMBER.items():
        entries = [
            e
            for e in sorted(manifest, key=_order)
            if e["task"] == task
            and stream.rows[0] <= e["n_rows"] <= stream.rows[1]
            and (
                stream.least_score is None
                or e["reference_score"] > stream.least_score[task]
            )
        ]
        for entry in entries:
            if sum(e["task"] == task for e in chosen) == wanted:
                break
            if entry["family"] not in taken:
                taken.add(entry["family"])
                chosen.append(entry)
    return chosen


def variant_of(X, y, seed, max_rows):
    """Return one variant of a table, split into training and test part.

    Parameters
    ----------
    X : DataFrame of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
    seed : int or sequence of int
    max_rows : int

    Returns
    -------
    split : Split
    """
    rng = np.random.default_rng(seed)
    n = min(int(SHARE_OF_ROWS * len(y)), max_rows)
    numbers = X.select_dtypes("number").columns
    odds = np.ones(len(y))
    if len(numbers):
        odds += X[rng.choice(numbers)].rank(pct=True).fillna(0.5).to_numpy()
    rows = rng.choice(len(y), size=n, replace=False, p=odds / odds.sum())
    n_columns = max(2, round(SHARE_OF_COLUMNS * X.shape[1]))
    columns = np.sort(rng.choice(X.shape[1], min(n_columns, X.shape[1]), replace=False))
    X, y = X.iloc[rows, columns].reset_index(drop=True), y[rows]
    factors = {
        name: 10.0 ** rng.uniform(-1, 1) for name in X.columns if name in numbers
    }
    X = X.assign(**{name: X[name] * factor for name, factor in factors.items()})
    n_test = round(TEST_SHARE * n)
    return Split(
        X_train=X.iloc[n_test:].reset_index(drop=True),
        y_train=y[n_test:],
        X_test=X.iloc[:n_test].reset_index(drop=True),
        y_test=y[:n_test],
    )


def measure(
    data,
    task,
    table,
    family,
    variant,
    system,
    budget,
    n_jobs,
    random_state,
    max_rows,
    knowledge,
):
    """Fit one variant with what ships alone, or with one's own knowledge beside it."""
    from sklearn_meta.metalearning import KNNMetaLearner

    class Recall(KNNMetaLearner):
        """As it comes, but for the family of the source."""

        def fit(self, knowledge_base=None, y=None):
            super().fit(knowledge_base)
            built_in, *own = self.knowledge_bases_
            self.knowledge_bases_ = (built_in.without_families([family]), *own)
            return self

    whole = read_split(data, task, table, 0)
    X = pd.concat([whole.X_train, whole.X_test], ignore_index=True)
    y = np.concatenate([whole.y_train, whole.y_test])
    seed = [variant, zlib.crc32(table.encode())]
    split = variant_of(X, y, seed, max_rows)
    model = make_automl(
        task,
        time_budget=budget,
        n_jobs=n_jobs,
        random_state=random_state,
        meta_learner=Recall(),
        knowledge_base=knowledge if system == "own" else None,
    )
    start = time.monotonic()
    model.fit(split.X_train, split.y_train)
    return {
        "rows": len(split.y_train),
        "fit_seconds": time.monotonic() - start,
        "evaluations": int(model.n_evaluations_),
        "validation_score": float(model.best_score_),
        "loss": loss(task, model, split),
        "nearest": list(map(str, model.neighbors_.index[:3])),
    }


def run(arguments):
    """Run one stream after the other, each with a knowledge base of its own."""
    stream = STREAMS[arguments.stream]
    entries = sources(read_manifest(arguments.data), stream)
    arguments.results.parent.mkdir(parents=True, exist_ok=True)
    for random_state in arguments.random_states:
        plan = [
            {
                "task": entry["task"],
                "table": entry["name"],
                "family": entry["family"],
                "variant": variant,
                "system": system,
                "budget": arguments.budget,
                "n_jobs": arguments.n_jobs,
                "random_state": random_state,
                "max_rows": stream.max_rows,
            }
            for variant in range(N_VARIANTS)
            for entry in entries
            for system in SYSTEMS
        ]
        name = f"{arguments.results.stem}-{random_state}.sqlite"
        knowledge = arguments.results.with_name(name).resolve()
        done = read_lines(arguments.results)
        if all(record["random_state"] != random_state for record in done):
            knowledge.unlink(missing_ok=True)  # of an earlier stream
        run_pending(
            "benchmarks.own_knowledge",
            plan,
            KEYS,
            arguments,
            timeout=lambda settings: settings["budget"] + 120,
            shown=_shown,
            knowledge=str(knowledge),
        )


def _shown(record):
    return (
        f"{record['table']:26s}{record['variant']} "
        f"{record['system']:10s}{record['status']:8s}"
        f"loss {record.get('loss', float('nan')):10.4f}"
    )


def ratios(records):
    """Return the losses with one's own knowledge by those without.

    Returns
    -------
    ratios : dict of int to list of float
        By the number of variants that were seen before; geometric means over the
        random states of a table.
    """
    losses = {}
    for record in records:
        if record["status"] == "ok":
            key = record["variant"], record["task"], record["table"]
            by_system = losses.setdefault(key, {}).setdefault(
                record["random_state"], {}
            )
            by_system[record["system"]] = record["loss"]
    result = {}
    for (variant, _, _), by_state in sorted(losses.items()):
        of_table = [
            by_system["own"] / by_system["built_in"]
            for by_system in by_state.values()
            if len(by_system) == len(SYSTEMS)
        ]
        if of_table:
            result.setdefault(variant, []).append(_mean(of_table))
    return result


def report(arguments):
    by_variant = ratios(read_lines(arguments.results))
    for variant, values in sorted(by_variant.items()):
        text = ", ".join(f"{value:.3f}" for value in values)
        print(f"{variant} variants seen: {text}; {_mean(values):.3f} in the mean")
    later = [v for variant, values in by_variant.items() if variant for v in values]
    if len(later) > 1:
        p = wilcoxon(np.log(later)).pvalue
        print(
            f"after the first: loss times {_mean(later):.3f} (geometric mean of "
            f"{len(later)} tables, {sum(v < 1 for v in later)} of them better, "
            f"Wilcoxon p = {p:.2g})"
        )


def _mean(values):
    return float(np.exp(np.mean(np.log(values))))


def _order(entry):
    return hashlib.sha256(
        f"stream/{entry['task']}/{entry['name']}".encode()
    ).hexdigest()


def main():
    parser, runner, _ = two_commands(__doc__, RESULTS)
    runner.add_argument("--budget", type=float, default=10.0, help="seconds")
    runner.add_argument("--n-jobs", type=int, default=2)
    runner.add_argument("--random-states", type=int, nargs="+", default=[0])
    runner.add_argument("--stream", choices=STREAMS, default="usual")
    dispatch(parser, measure=measure, run=run, report=report)


if __name__ == "__main__":
    main()
