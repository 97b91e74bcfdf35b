"""Losses other than the squared error: better than plain models with the loss?

    python -m benchmarks.losses --data FOLDER

Each row of the table is a loss on a public table, or on a generated one whose noise
depends on a column. The plain models are LightGBM and histogram gradient boosting with
the loss as their objective, their other parameters as they are, a linear model with the
loss and hardly a penalty, and the best constant. Of the squared logarithmic error, they
are fitted to logarithms. Losses are those of the test part; smaller is better.
"""

from __future__ import annotations

import argparse
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import QuantileRegressor, Ridge, TweedieRegressor
from sklearn.metrics import (
    make_scorer,
    mean_pinball_loss,
    mean_tweedie_deviance,
    root_mean_squared_log_error,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from benchmarks._runs import append_line, read_lines
from benchmarks._tables import REGRESSION, Split, read_split
from benchmarks.peers._markdown import Table, number
from sklearn_meta import MetaAutoRegressor
from sklearn_meta.data._loss import QUANTILE, TWEEDIE, loss_of
from sklearn_meta.data._task import RegressionTask

RESULTS = Path(__file__).parent / "results" / "losses.jsonl"
GENERATED = "generated"
KEYS = ("table", "loss", "seed", "budget")


def _scorer(metric, **arguments):
    return make_scorer(metric, greater_is_better=False, **arguments)


SCORERS = {
    "pinball 0.1": _scorer(mean_pinball_loss, alpha=0.1),
    "pinball 0.9": _scorer(mean_pinball_loss, alpha=0.9),
    "absolute": _scorer(mean_pinball_loss, alpha=0.5),
    "Poisson": _scorer(mean_tweedie_deviance, power=1),
    "Tweedie 1.5": _scorer(mean_tweedie_deviance, power=1.5),
    "gamma": _scorer(mean_tweedie_deviance, power=2),
    "RMSLE": _scorer(root_mean_squared_log_error),
}

# Counts, durations, prices and shares of a budget, chosen by their targets before any
# run.
JOBS = (
    (GENERATED, "pinball 0.1"),
    (GENERATED, "pinball 0.9"),
    ("airfare", "pinball 0.9"),
    ("saratoga_houses", "pinball 0.1"),
    ("nmes_visits", "pinball 0.9"),
    ("nmes_visits", "Poisson"),
    ("recreation_demand", "Poisson"),
    ("recreation_demand", "Tweedie 1.5"),
    ("tobacco", "Tweedie 1.5"),
    ("hospital_los", "gamma"),
    ("la_homes", "gamma"),
    ("la_homes", "RMSLE"),
    ("saratoga_houses", "RMSLE"),
    ("nmes_visits", "RMSLE"),
    ("la_homes", "absolute"),
    ("tobacco", "absolute"),
)


@dataclass(frozen=True)
class _Plain:
    """Learners with one loss."""

    lightgbm: dict
    hist: dict
    linear: object


def generated(seed):
    """Return a split of 800 and 400 rows whose noise grows with the second column."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.uniform(-1, 1, size=(1200, 4)), columns=list("abcd"))
    y = (X["a"] + np.exp(X["b"]) * rng.normal(size=1200) * 3).to_numpy()
    return Split(X[:800], y[:800], X[800:], y[800:])


def plain_models(scorer):
    """Return the plain models of a loss by name; they take the table as it is."""
    loss = loss_of(scorer)
    if loss.name == QUANTILE:
        plain = _Plain(
            {"objective": "quantile", "alpha": loss.level},
            {"loss": "quantile", "quantile": loss.level},
            QuantileRegressor(quantile=loss.level, alpha=1e-3),
        )
    elif loss.name == TWEEDIE:
        p = loss.power
        plain = _Plain(
            {"objective": {1: "poisson", 2: "gamma"}.get(p, "tweedie")},
            {"loss": "poisson" if p < 2 else "gamma"},
            TweedieRegressor(power=p, link="log", alpha=1e-3, max_iter=1000),
        )
        if 1 < p < 2:
            plain.lightgbm["tweedie_variance_power"] = p
    else:
        plain = _Plain({}, {}, Ridge())
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    one_hot = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), _categories),
        remainder=numbers,
    )
    models = {
        "lightgbm": make_pipeline(
            _codes(),
            lightgbm.LGBMRegressor(**plain.lightgbm, n_jobs=1, verbosity=-1),
        ),
        "hist": make_pipeline(
            _codes(), HistGradientBoostingRegressor(**plain.hist, random_state=0)
        ),
        "linear": make_pipeline(one_hot, plain.linear),
    }
    if loss.name not in (QUANTILE, TWEEDIE):
        models = {
            name: TransformedTargetRegressor(
                model, func=np.log1p, inverse_func=np.expm1
            )
            for name, model in models.items()
        }
    return models


def _categories(X):
    return [name for name in X if not pd.api.types.is_numeric_dtype(X[name])]


def _codes():
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
    )
    return make_column_transformer((codes, _categories), remainder="passthrough")


def losses(split, scorer, budget, seed):
    """Return the test loss of each system, and what ours was."""
    result = {}
    constant = DummyRegressor(
        strategy="constant", constant=loss_of(scorer).constant(split.y_train)
    )
    for name, model in {"constant": constant, **plain_models(scorer)}.items():
        model.fit(split.X_train, split.y_train)
        result[name] = _test_loss(model, split, scorer)
    began = time.monotonic()
    model = MetaAutoRegressor(time_budget=budget, scoring=scorer, random_state=seed)
    model.fit(split.X_train, split.y_train)
    result["fit_seconds"] = time.monotonic() - began
    result["ours"] = _test_loss(model, split, scorer)
    result["n_evaluations"] = model.n_evaluations_
    result["best"] = model.best_pipeline_
    if loss_of(scorer).name == QUANTILE:
        below = split.y_test <= model.predict(split.X_test)
        result["share_below"] = float(np.mean(below))
    return result


def _test_loss(model, split, scorer):
    """Loss on the test part, with predictions kept where it is defined."""
    predicted = model.predict(split.X_test)
    least = loss_of(scorer).least(split.y_train)
    if least is not None:
        predicted = np.maximum(predicted, least)
    stored = RegressionTask().as_estimator(predicted)
    return -float(scorer(stored, split.X_test, split.y_test))


def run(arguments):
    """Run what is not in the results yet."""
    done = {tuple(r[k] for k in KEYS) for r in read_lines(arguments.results)}
    for seed in arguments.seeds:
        for table, loss in JOBS:
            keys = dict(zip(KEYS, (table, loss, seed, arguments.budget), strict=True))
            if tuple(keys.values()) in done:
                continue
            if table == GENERATED:
                split = generated(seed)
            else:
                split = read_split(arguments.data, REGRESSION, table, seed)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result = losses(split, SCORERS[loss], arguments.budget, seed)
            append_line(arguments.results, {**keys, **result})
            print({**keys, **result}, flush=True)


def results_table(records):
    """Return the table of all runs."""
    systems = ("ours", "lightgbm", "hist", "linear", "constant")
    rows = [
        [
            r["table"],
            r["loss"],
            *(number(r[system]) for system in systems),
            number(r["ours"] / min(r[system] for system in systems[1:]), 3),
            "–" if "share_below" not in r else f"{r['share_below']:.0%}",
        ]
        for r in records
    ]
    header = ["table", "loss", *systems, "ours / best plain", "rows below"]
    return Table("losses", "Losses other than the squared error", header, rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of tables")
    parser.add_argument("--budget", type=float, default=10.0, help="seconds")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    run(arguments)
    print(f"\n{results_table(read_lines(arguments.results)).markdown()}")


if __name__ == "__main__":
    main()
