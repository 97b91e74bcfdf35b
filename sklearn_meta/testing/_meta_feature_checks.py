"""Common checks of functions that compute meta-features."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from numbers import Real

import numpy as np

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION, TASKS
from sklearn_meta.testing._check import (
    Check,
    failing_means,
    global_seeds,
    global_state,
    require,
)

N_ROWS = 60

# Kinds of tables, all dense, with NaN where a value is missing.
ODD_TABLES = {
    "ordinary": "numbers, and a target that depends on them",
    "missing": "missing values in half of the cells",
    "empty_column": "a column without a value",
    "constant": "nothing but constant columns",
    "one_column": "a single column",
    "two_rows": "two rows",
    "short": "ten times as many columns as rows",
    "duplicated": "the same row again and again, and the same column twice",
    "huge": "values near the largest float",
    "tiny": "values near the smallest float",
    "counts": "a few small integers",
    "rare": "a class of one row, or one target far from all others",
    "constant_target": "one class only, or a constant target",
    "many_classes": "a class for each pair of rows, or a target of few values",
}


def check_meta_features(function, task):
    """Check that a function computes valid meta-features of any table.

    Parameters
    ----------
    function : callable
        ``function(X, y)``, with a numeric array of shape (n_samples, n_features) that
        may hold NaN, and class indices or numbers; returns a mapping from names to
        numbers, NaN where one is undefined.
    task : {"classification", "regression"}
        Whether `y` holds class indices or numbers.

    Raises
    ------
    AssertionError
        At the first check that fails. The message says what to change.
    ValueError
        If there is no such task.

    See Also
    --------
    meta_feature_checks : The checks one by one.

    Examples
    --------
    >>> from sklearn_meta.testing import check_meta_features
    >>> def describe(X, y):
    ...     return {"n_samples": X.shape[0], "n_features": X.shape[1]}
    >>> check_meta_features(describe, task="regression")
    """
    for plugin, check in meta_feature_checks(function, task):
        check(plugin)


def meta_feature_checks(function, task) -> Iterator[tuple[object, Check]]:
    """Yield the checks of a function that computes meta-features.

    Parameters
    ----------
    function : callable
        See `check_meta_features`.
    task : {"classification", "regression"}

    Yields
    ------
    function : callable
    check : Check
        ``check(function)`` raises AssertionError if the function fails it.

    Raises
    ------
    ValueError
        If there is no such task.

    Examples
    --------
    >>> from sklearn_meta.testing import meta_feature_checks
    >>> checks = meta_feature_checks(lambda X, y: {"n": len(y)}, "regression")
    >>> next(checks)[1]
    check_odd_table[regression-ordinary]
    """
    if task not in TASKS:
        raise ValueError(
            f"task must be {CLASSIFICATION!r} or {REGRESSION!r}. Got {task!r} instead."
        )
    for table in ODD_TABLES:
        yield function, Check(check_odd_table, {"task": task, "table": table})
    for check in (
        check_names_are_fixed,
        check_something_is_known,
        check_same_table_same_values,
        check_table_is_left_alone,
    ):
        yield function, Check(check, {"task": task})


def make_odd_table(name, task):
    """Make a table of unusual values or shape.

    Parameters
    ----------
    name : str
        A key of `ODD_TABLES`.
    task : {"classification", "regression"}

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
        Class indices or numbers.
    """
    rng = np.random.default_rng(0)
    n = 2 if name == "two_rows" else N_ROWS
    X = rng.normal(size=(n, 10 * n if name == "short" else 5))
    y = (X[:, 0] > np.median(X[:, 0])).astype(int) + (X[:, 1] > 1)
    if task == REGRESSION:
        y = X[:, 0] + 0.1 * rng.normal(size=n)
    match name:
        case "missing":
            X[rng.uniform(size=X.shape) < 0.5] = np.nan
        case "empty_column":
            X[:, 2] = np.nan
        case "constant":
            X = np.tile(X[:1], (n, 1))
        case "one_column":
            X = X[:, :1]
        case "duplicated":
            X = np.tile(X[:3], (n // 3, 1))[:, [0, 1, 2, 2]]
            y = np.tile(y[:3], n // 3)
        case "huge":
            X *= 1e307 / np.abs(X).max()
            y = y * 1e300 if task == REGRESSION else y
        case "tiny":
            X *= 1e-310
            y = y * 1e-310 if task == REGRESSION else y
        case "counts":
            X = rng.integers(3, size=X.shape).astype(float)
        case "rare":
            y = np.zeros(n, dtype=int) if task == CLASSIFICATION else y
            y[n // 2] = 1 if task == CLASSIFICATION else 1e6
        case "constant_target":
            y = np.zeros_like(y)
        case "many_classes":
            y = np.arange(n) // 2 * (1 if task == CLASSIFICATION else 0.5)
    return X, y


def _name(function):
    return getattr(function, "__name__", repr(function))


def _names_and_values(function, task, table):
    """Compute meta-features, check them, and return names and values as two lists."""
    X, y = make_odd_table(table, task)
    where = f"{_name(function)}, on the table {table!r} ({ODD_TABLES[table]})"
    with failing_means(f"{where}, fails. Return NaN where something is undefined"):
        described = function(X, y)
    require(
        isinstance(described, Mapping),
        f"{where}: it must return a mapping from names to numbers. "
        f"Got {type(described).__name__}.",
    )
    names, values = list(described), list(described.values())
    for name, value in described.items():
        require(isinstance(name, str), f"{where}: {name!r} is no name, but no str.")
        is_number = isinstance(value, Real) and not isinstance(value, bool)
        require(
            is_number,
            f"{where}: {name} must be a number. Got {value!r} "
            f"({type(value).__name__}).",
        )
        require(
            not np.isinf(value),
            f"{where}: {name} is {value}. Distances to it would be infinite: return "
            "NaN where something is undefined.",
        )
    return names, values


# The checks


def check_odd_table(function, *, task, table):
    """Check that each value is finite or NaN, and that there is no error."""
    _names_and_values(function, task, table)


def check_names_are_fixed(function, *, task):
    """Check that all tables have the same names, in the same order."""
    expected, _ = _names_and_values(function, task, "ordinary")
    for table in ODD_TABLES:
        names, _ = _names_and_values(function, task, table)
        differ = sorted(set(names) ^ set(expected))
        require(
            names == expected,
            f"{_name(function)}: on the table {table!r} it gives other names, or in "
            f"another order, than on an ordinary one: {differ or names}. Tables are "
            "compared name by name; give NaN for what is undefined.",
        )


def check_something_is_known(function, *, task):
    """Check that on an ordinary table most values are not NaN."""
    names, values = _names_and_values(function, task, "ordinary")
    unknown = [n for n, v in zip(names, values, strict=True) if np.isnan(v)]
    require(
        2 * len(unknown) < len(names),
        f"{_name(function)}: on an ordinary table without missing values, "
        f"{len(unknown)} of {len(names)} values are NaN: {unknown}. What is undefined "
        "there tells nothing about any table.",
    )


def check_same_table_same_values(function, *, task):
    """Check that values are repeatable, and the global random state is unchanged."""
    for table in ("ordinary", "missing"):
        results = []
        for seed in (0, 1):
            with global_seeds(seed):
                before = global_state()
                names, values = _names_and_values(function, task, table)
                require(
                    global_state() == before,
                    f"{_name(function)}: it changes the global random state. Use a "
                    "generator of its own, with a fixed seed.",
                )
            results.append(np.array(values, dtype=float))
        differ = [
            name
            for name, first, second in zip(names, *results, strict=True)
            if first != second and not (np.isnan(first) and np.isnan(second))
        ]
        require(
            not differ,
            f"{_name(function)}: described twice, the same table has other values of "
            f"{differ}. Use a generator with a fixed seed.",
        )


def check_table_is_left_alone(function, *, task):
    """Check that the table and its target are not changed."""
    X, y = make_odd_table("missing", task)
    X_before, y_before = X.copy(), y.copy()
    with failing_means(f"{_name(function)} fails"):
        function(X, y)
    require(
        np.array_equal(X, X_before, equal_nan=True) and np.array_equal(y, y_before),
        f"{_name(function)}: it changes the table that it describes. Copy before you "
        "write.",
    )
