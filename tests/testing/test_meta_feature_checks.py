"""Each of the common checks of meta-features catches a bad function."""

import itertools

import numpy as np
import pytest

from sklearn_meta.metalearning.metafeatures import compute_metafeatures
from sklearn_meta.testing import (
    _meta_feature_checks,
    check_meta_features,
    meta_feature_checks,
    parametrize_with_checks,
)
from sklearn_meta.testing._meta_feature_checks import ODD_TABLES, make_odd_table

TASKS = ("classification", "regression")


def size(X, y):
    return {"n_samples": X.shape[0], "n_features": X.shape[1]}


def raises(X, y):
    return {"step": 1 / (X.shape[1] - 1)}


def infinite(X, y):
    with np.errstate(all="ignore"):
        return {"ratio": float(1 / np.nanstd(X))}


def vector(X, y):
    return np.array(X.shape)


def text(X, y):
    return {"n_samples": str(len(y))}


def flag(X, y):
    return {"is_wide": X.shape[0] < X.shape[1]}


def numbered(X, y):
    return {0: len(y)}


def leaves_out(X, y):
    missing = np.isnan(X).sum()
    return {"n": len(y), **({"missing": float(missing)} if missing else {})}


def unknown(X, y):
    return {"n": len(y), "log": np.nan, "share": np.nan}


def chance(X, y):
    # A draw from the values of the table may give the same one twice.
    return {"first": float(np.random.default_rng().random())}


def global_chance(X, y):
    np.random.seed(0)
    return {"n": len(y)}


def fills(X, y):
    X[np.isnan(X)] = 0.0
    return {"mean": float(np.tanh(X).mean())}


BAD = [
    ("check_odd_table", raises, r"'one_column' \(a single column\), fails.*NaN"),
    ("check_odd_table", infinite, "ratio is inf"),
    ("check_odd_table", vector, "must return a mapping.*ndarray"),
    ("check_odd_table", text, "n_samples must be a number. Got '60'"),
    ("check_odd_table", flag, "is_wide must be a number. Got False"),
    ("check_odd_table", numbered, "0 is no name"),
    ("check_names_are_fixed", leaves_out, r"'missing' it gives other names.*missing"),
    ("check_something_is_known", unknown, "2 of 3 values are NaN"),
    ("check_same_table_same_values", chance, r"other values of \['first'\]"),
    ("check_same_table_same_values", global_chance, "global random state"),
    ("check_table_is_left_alone", fills, "Copy before you write"),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name, function, message", BAD)
def test_a_bad_function_is_caught(name, function, message, task):
    checks = [
        check
        for _, check in meta_feature_checks(function, task)
        if check.function.__name__ == name
    ]
    with pytest.raises(AssertionError, match=message) as caught:
        for check in checks:
            check(function)
    assert function.__name__ in str(caught.value)


def test_every_check_is_seen_to_catch_something():
    functions = {n for n in vars(_meta_feature_checks) if n.startswith("check_")}
    assert {name for name, *_ in BAD} == functions - {"check_meta_features"}


def built_in(task):
    def metafeatures(X, y):
        return compute_metafeatures(X, y, task=task, time_limit=60).as_dict()

    return meta_feature_checks(metafeatures, task)


@parametrize_with_checks(itertools.chain.from_iterable(map(built_in, TASKS)))
def test_built_in_meta_features(plugin, check):
    check(plugin)


@pytest.mark.parametrize("task", TASKS)
def test_all_checks_in_one_call(task):
    check_meta_features(size, task)
    with pytest.raises(AssertionError, match="other names"):
        check_meta_features(leaves_out, task)


def test_unknown_task():
    with pytest.raises(ValueError, match="task must be.*'clustering'"):
        next(meta_feature_checks(size, "clustering"))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", ODD_TABLES)
def test_odd_tables_are_odd_but_legal(name, task):
    X, y = make_odd_table(name, task)
    assert X.ndim == 2 and len(X) == len(y) >= 2
    assert not np.isinf(X).any() and np.isfinite(y).all()
    assert (y.dtype.kind == "i") is (task == "classification")
