"""Large tables: better than default LightGBM, within the budget and the memory?

    python -m benchmarks.large

The tables are generated. 30 columns are independent standard normal variables, of
which 15 matter. The logit of the positive class is

    0.6 x0 - 0.4 x1 + 0.3 x2                   linear
    + x3 x4 + 0.8 x5 x6 + 0.5 x7 x8 x9         products
    + 1.2 sign(x10 x11)                        an exclusive or
    + 1.5 [x12 > 0.5 and x13 > 0] + sin(2 x14) a rule and a wave

and a label is drawn from 0.05 + 0.9 / (1 + exp(-logit)): whatever the columns say, one
label in twenty is turned around. As the probabilities are known, so is the log loss
that nobody can beat. The test part has 100 000 rows more.

Runs and their limits are those of `benchmarks.peers`. What has a line in the results is
not run again.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._runs import append_line, read_lines
from benchmarks._tables import CLASSIFICATION, Split, log_loss
from benchmarks.peers._markdown import Table, number
from benchmarks.peers._measure import Limits, hard_limit, measure
from benchmarks.peers._systems import SYSTEMS
from benchmarks.peers.run import (
    KEYS,
    commit,
    make_plan,
    shown,
    stop_on_termination,
    use_cores,
    without_line,
)

RESULTS = Path(__file__).parent / "results" / "large.jsonl"
N_COLUMNS = 30
N_TEST = 100_000
COMPARED = ("lightgbm", "sklearn_meta")
TURNED_AROUND = 0.05


def logit(x):
    """Logit of the positive class, without the noise.

    Parameters
    ----------
    x : ndarray of shape (n_rows, 30)

    Returns
    -------
    logit : ndarray of shape (n_rows,)
    """
    x = x.T
    linear = 0.6 * x[0] - 0.4 * x[1] + 0.3 * x[2]
    products = x[3] * x[4] + 0.8 * x[5] * x[6] + 0.5 * x[7] * x[8] * x[9]
    exclusive = 1.2 * np.sign(x[10] * x[11])
    rule = 1.5 * ((x[12] > 0.5) & (x[13] > 0))
    return linear + products + exclusive + rule + np.sin(2 * x[14])


def make_split(n_rows, seed, n_test=N_TEST):
    """Generate a table.

    Parameters
    ----------
    n_rows : int
        Of the training part.
    seed : int
    n_test : int, default=100_000

    Returns
    -------
    split : Split
    probabilities : ndarray of shape (n_test, 2)
        The true ones of the rows of the test part.
    """
    rng = np.random.default_rng([seed, n_rows])
    x = rng.standard_normal((n_rows + n_test, N_COLUMNS))
    positive = TURNED_AROUND + (1 - 2 * TURNED_AROUND) / (1 + np.exp(-logit(x)))
    y = np.where(rng.random(len(x)) < positive, "1", "0").astype(object)
    X = pd.DataFrame(x, columns=[f"x{i}" for i in range(N_COLUMNS)])
    split = Split(
        X_train=X.iloc[:n_rows],
        y_train=y[:n_rows],
        X_test=X.iloc[n_rows:].reset_index(drop=True),
        y_test=y[n_rows:],
    )
    return split, np.column_stack([1 - positive, positive])[n_rows:]


def run(arguments):
    """Run what is not in the results yet."""
    entries = [{"task": CLASSIFICATION, "name": _name(n)} for n in arguments.rows]
    n_rows = {_name(n): n for n in arguments.rows}
    plan = make_plan(
        entries,
        COMPARED,
        budgets=[arguments.budget],
        seeds=[arguments.seed],
        n_cores=arguments.n_cores,
    )
    state = commit()
    for keys in without_line(arguments.results, plan):
        split, truth = make_split(n_rows[keys["table"]], keys["seed"])
        system = SYSTEMS[keys["system"]]
        settings = system.settings(keys, CLASSIFICATION, "generated")
        began = time.strftime("%Y-%m-%dT%H:%M:%S")
        result = measure(
            sys.executable,
            settings,
            split,
            limits=Limits(hard_limit(keys["budget"]), arguments.megabytes),
            variables=system.variables,
        )
        truth = log_loss(split.y_test, truth, ["0", "1"])
        record = {"time": began, "commit": state, **keys, "truth": truth, **result}
        append_line(arguments.results, record)
        print(shown(record), flush=True)


def _name(n_rows):
    return f"generated_{n_rows}"


def results_table(records):
    """Return the table of all runs, with what nobody can beat."""
    rows = [
        [
            f"{r['rows']:,}".replace(",", " "),
            r["system"],
            "–" if r["budget"] is None else f"{r['budget']:g}",
            number(r.get("scores", {}).get("log_loss")),
            number(r["truth"]),
            number(r.get("scores", {}).get("roc_auc")),
            number(r.get("fit_seconds"), 3),
            number(r["peak_megabytes"]),
            number(1000 * r.get("predict_1000_seconds", np.nan), 3),
            "" if r["status"] == "ok" else r["reason"],
        ]
        for r in sorted(records, key=lambda r: (r["rows"], r["seed"], r["system"]))
    ]
    header = [
        "rows",
        "system",
        "budget (s)",
        "log loss",
        "of the truth",
        "ROC AUC",
        "fit (s)",
        "memory (MB)",
        "prediction of 1 000 rows (ms)",
        "failure",
    ]
    return Table("large", "Large tables", header, rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[200_000, 1_000_000])
    parser.add_argument("--budget", type=float, default=120.0, help="seconds")
    parser.add_argument("--megabytes", type=float, default=16_384.0)
    parser.add_argument("--n-cores", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--markdown", type=Path, help="folder; large.md in it")
    arguments = parser.parse_args()
    stop_on_termination()
    use_cores(arguments.n_cores)
    run(arguments)
    records = {tuple(r[k] for k in KEYS): r for r in read_lines(arguments.results)}
    table = results_table(list(records.values()))
    print(f"\n{table.markdown()}")
    if arguments.markdown is not None:
        table.write(arguments.markdown)


if __name__ == "__main__":
    main()
