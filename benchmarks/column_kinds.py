"""Columns as people have them, against the obvious pipeline made by hand.

    python -m benchmarks.column_kinds run --data DATA [--budget 10]
    python -m benchmarks.column_kinds report

Each kind of column has two or more tables. Numbers are those of real tables, written as
money, percentages, durations or with gaps of "?"; sets are binary columns of real
tables written as "a; c"; texts are the docstrings of installed packages; tables of
dates and of zip codes are generated. The pipeline by hand is told what the columns are:
it parses them without error (or keeps the original numbers), and fits gradient boosting
or a linear model. Both see the same training rows; scores are those of a third of the
rows.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import inspect
import json
import pkgutil
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import TargetEncoder

from benchmarks._tables import (
    CLASSIFICATION,
    REGRESSION,
    TEST_SHARE,
    read_manifest,
)
from sklearn_meta import MetaAutoClassifier, MetaAutoRegressor

RESULTS = Path(__file__).parent / "results" / "column_kinds.jsonl"


@dataclass(frozen=True)
class Problem:
    """A table as people have it, and the same table read by hand.

    Parameters
    ----------
    kind, name, task : str
    X : DataFrame
        What our estimators get.
    by_hand : DataFrame
        What the pipeline by hand gets.
    y : ndarray
    pipeline : estimator
        The pipeline by hand.
    """

    kind: str
    name: str
    task: str
    X: pd.DataFrame
    by_hand: pd.DataFrame
    y: np.ndarray
    pipeline: object


def boosting(task):
    """Return gradient boosting that knows categorical columns by their type."""
    boosted = (
        HistGradientBoostingRegressor
        if task == REGRESSION
        else HistGradientBoostingClassifier
    )
    return boosted(categorical_features="from_dtype", random_state=0)


# ------------------------------------------------------------------------ real tables


def chosen_table(data, kind, task, is_suitable):
    """Return the first suitable table of 300 to 5 000 rows in the order of a hash."""
    entries = [
        e
        for e in read_manifest(data)
        if e["task"] == task and 300 <= e["n_rows"] <= 5000
    ]
    entries.sort(
        key=lambda e: hashlib.sha256(f"{kind}/{e['name']}".encode()).hexdigest()
    )
    for entry in entries:
        path = Path(data) / "train" / task / f"{entry['name']}.parquet"
        frame = pd.read_parquet(path)
        frame = frame[frame["target"].notna()].reset_index(drop=True)
        y = frame.pop("target")
        if is_suitable(frame):
            target = y.to_numpy(float) if task == REGRESSION else y.astype(str)
            return entry["name"], frame, np.asarray(target)
    raise LookupError(f"No table of {data} is suitable for {kind}.")


def written(data, kind, is_suitable, write, tasks=(REGRESSION, CLASSIFICATION)):
    """Yield real tables whose numbers are written in another way."""
    for task in tasks:
        name, frame, y = chosen_table(data, kind, task, is_suitable)
        X, by_hand = write(frame)
        yield Problem(kind, name, task, X, by_hand, y, boosting(task))


def has_numbers(frame):
    """Whether a table has three or more columns of many different numbers."""
    return sum(is_quantity(frame[c]) for c in frame) >= 3


def is_quantity(column):
    return pd.api.types.is_numeric_dtype(column) and column.nunique() > 30


def with_numbers_as(write):
    """Return a function that writes the quantities of a table as strings."""

    def of(frame):
        X = frame.copy()
        for name in frame:
            if is_quantity(frame[name]):
                X[name] = pd.Series(
                    [None if v != v else write(v) for v in frame[name].astype(float)],
                    dtype=object,
                )
        return X, frame

    return of


def as_money(value):
    text = f"${abs(value):,.6g}" if abs(value) < 1000 else f"${abs(value):,.2f}"
    return f"({text})" if value < 0 else text


def as_percentage(value):
    return f"{value:.6g} %".replace(".", ",")


def as_duration(value):
    seconds = round(abs(value) * 10)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def with_gaps(frame):
    """Replace 3 % of the numbers by question marks."""
    rng = np.random.default_rng(0)
    X, by_hand = frame.copy(), frame.copy()
    for name in frame:
        if is_quantity(frame[name]):
            gaps = rng.uniform(size=len(frame)) < 0.03
            X[name] = X[name].astype(object).mask(gaps, "?")
            by_hand[name] = by_hand[name].astype(float).mask(gaps)
    return X, by_hand


def durations_and_seconds(frame):
    """Write the quantities as durations; by hand they are the rounded seconds."""
    X, _ = with_numbers_as(as_duration)(frame)
    by_hand = frame.copy()
    for name in frame:
        if is_quantity(frame[name]):
            by_hand[name] = (frame[name].astype(float).abs() * 10).round()
    return X, by_hand


def flags_of(frame):
    """Return the names of binary columns and the value that stands for yes."""
    found = {}
    for name in frame:
        levels = frame[name].dropna().unique()
        if len(levels) == 2 and not frame[name].isna().any():
            found[name] = sorted(levels, key=str)[-1]
    return found


def as_sets(frame):
    """Write the binary columns of a table as one column of sets."""
    flags = flags_of(frame)
    names = {c: f"option {chr(97 + i)}" for i, c in enumerate(flags)}
    of_rows = np.column_stack([frame[c] == yes for c, yes in flags.items()])
    options = list(names.values())
    cells = [
        "; ".join(o for o, given in zip(options, row, strict=True) if given)
        for row in of_rows
    ]
    X = frame.drop(columns=list(flags)).assign(answers=cells)
    return X, frame


# ------------------------------------------------------------------------------ texts


def docstrings(packages):
    """Return the first paragraphs of the docstrings of public functions."""
    rows = []
    for package in packages:
        root = importlib.import_module(package)
        modules = [root.__name__] + [
            m.name
            for m in pkgutil.walk_packages(
                root.__path__, f"{package}.", onerror=lambda name: None
            )
            if "._" not in m.name and "test" not in m.name
        ]
        seen = set()
        for name in sorted(modules):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    module = importlib.import_module(name)
            except Exception:
                continue
            for attribute in sorted(vars(module)):
                thing = getattr(module, attribute)
                if not inspect.isroutine(thing) or attribute.startswith("_"):
                    continue
                text = inspect.getdoc(thing) or ""
                paragraph = " ".join(text.split("\n\n")[0].split())
                if len(paragraph) > 30 and paragraph not in seen:
                    seen.add(paragraph)
                    rows.append((paragraph, package, len(text)))
    return pd.DataFrame(rows, columns=["summary", "package", "length"])


def texts():
    """Yield the tables of docstrings."""
    frame = docstrings(["numpy", "scipy", "sklearn", "pandas"])
    X = frame[["summary"]]
    tfidf = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    yield Problem(
        "text", "package of a docstring", CLASSIFICATION, X, X,
        frame["package"].to_numpy(),
        make_pipeline(
            make_column_transformer((tfidf, "summary")), LogisticRegression(C=10)
        ),
    )  # fmt: skip
    yield Problem(
        "text", "length of a docstring", REGRESSION, X, X,
        np.log(frame["length"].to_numpy(float)),
        make_pipeline(make_column_transformer((tfidf, "summary")), Ridge()),
    )  # fmt: skip


# -------------------------------------------------------------------- generated tables


def dates():
    """Yield tables of dates as strings: trend, season, weekday and hour."""
    rng = np.random.default_rng(0)
    n = 2000
    minutes = pd.to_timedelta(rng.integers(0, 3 * 365 * 1440, n), unit="min")
    when = pd.Timestamp("2021-01-01") + minutes
    formats = (("%Y-%m-%d %H:%M", "ISO"), ("%d.%m.%Y %H:%M", "days first"))
    for format, name in formats:
        parts = pd.DataFrame(
            {
                "day": when.dayofyear, "weekday": when.dayofweek, "hour": when.hour,
                "time": minutes.total_seconds(), "price": rng.uniform(1, 9, n),
            }
        )  # fmt: skip
        y = (
            2 * np.cos(2 * np.pi * parts["day"] / 365)
            + np.sin(2 * np.pi * parts["hour"] / 24)
            + (parts["weekday"] >= 5)
            + parts["time"] / 3e7
            - 0.2 * parts["price"]
            + rng.normal(0, 0.5, n)
        ).to_numpy()
        X = pd.DataFrame({"when": when.strftime(format), "price": parts["price"]})
        yield Problem("date", name, REGRESSION, X, parts, y, boosting(REGRESSION))


def zip_codes():
    """Yield tables of categories with thousands of levels."""
    for n_levels, n in ((3000, 24_000), (500, 4_000)):
        rng = np.random.default_rng(n_levels)
        levels = np.array([f"{z:05d}" for z in rng.permutation(100_000)[:n_levels]])
        effect, which = rng.normal(size=n_levels), rng.integers(0, n_levels, n)
        X = pd.DataFrame(
            {
                "zip": levels[which],
                "rooms": rng.integers(1, 7, n),
                "age": rng.uniform(0, 80, n),
            }
        )
        y = effect[which] + 0.3 * X["rooms"] - X["age"] / 100 + 0.5 * rng.normal(size=n)
        by_hand = make_pipeline(
            make_column_transformer(
                (TargetEncoder(target_type="continuous", random_state=0), ["zip"]),
                remainder="passthrough",
            ),
            boosting(REGRESSION).set_params(categorical_features=None),
        )
        yield Problem(
            "many levels", f"{n_levels} zip codes", REGRESSION, X, X, y.to_numpy(),
            by_hand,
        )  # fmt: skip


def problems(data):
    """Yield all problems."""
    yield from texts()
    yield from written(data, "money", has_numbers, with_numbers_as(as_money))
    yield from written(data, "percentage", has_numbers, with_numbers_as(as_percentage))
    yield from written(data, "duration", has_numbers, durations_and_seconds)
    yield from written(data, "gaps of ?", has_numbers, with_gaps)
    yield from dates()
    yield from zip_codes()
    yield from written(data, "set", lambda f: len(flags_of(f)) >= 5, as_sets)


# ------------------------------------------------------------------------------- runs


def score(task, model, X, y):
    """Return the coefficient of determination, or the mean AUC of the classes."""
    if task == REGRESSION:
        return float(r2_score(y, model.predict(X)))
    p = model.predict_proba(X)
    if p.shape[1] == 2:
        return float(roc_auc_score(y, p[:, 1]))
    return float(roc_auc_score(y, p, multi_class="ovr", labels=model.classes_))


def measure(problem, budget):
    """Fit both on the same rows; return a record of their scores."""
    order = np.random.default_rng(0).permutation(len(problem.y))
    n_test = round(TEST_SHARE * len(order))
    test, train = order[:n_test], order[n_test:]
    by_hand, y = problem.by_hand, problem.y
    problem.pipeline.fit(by_hand.iloc[train], y[train])
    estimator = MetaAutoRegressor if problem.task == REGRESSION else MetaAutoClassifier
    model = estimator(time_budget=budget, n_jobs=2, random_state=0)
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(problem.X.iloc[train], y[train])
    seconds = time.perf_counter() - began
    kinds = [row["kind"] for row in model.column_report_.to_dict("records")]
    return {
        "kind": problem.kind,
        "table": problem.name,
        "task": problem.task,
        "n_rows": len(train),
        "ours": score(problem.task, model, problem.X.iloc[test], y[test]),
        "by_hand": score(problem.task, problem.pipeline, by_hand.iloc[test], y[test]),
        "seconds": seconds,
        "read_as": {kind: kinds.count(kind) for kind in sorted(set(kinds))},
    }


def report(records):
    """Return the results as a Markdown table."""
    lines = [
        "| kind | table | rows | score | ours | by hand |",
        "|---|---|---|---|---|---|",
    ]
    for r in records:
        metric = "R²" if r["task"] == REGRESSION else "AUC"
        lines.append(
            f"| {r['kind']} | {r['table']} | {r['n_rows']} | {metric} | "
            f"{r['ours']:.3f} | {r['by_hand']:.3f} |"
        )
    return "\n".join(lines)


def main():
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("command", choices=("run", "report"))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--budget", type=float, default=10.0)
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    if arguments.command == "run":
        if arguments.data is None:
            parser.error("run needs --data, the folder of the tables")
        arguments.results.parent.mkdir(parents=True, exist_ok=True)
        with arguments.results.open("w", encoding="utf-8") as file:
            for problem in problems(arguments.data):
                record = measure(problem, arguments.budget)
                print(json.dumps(record), file=file, flush=True)
                print(json.dumps(record), flush=True)
    lines = arguments.results.read_text(encoding="utf-8").splitlines()
    print(report([json.loads(line) for line in lines]))


if __name__ == "__main__":
    main()
