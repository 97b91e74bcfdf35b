"""Arguments that several subcommands have, and types of their values."""

from __future__ import annotations

import argparse

from sklearn_meta.data._task_names import TASKS


def positive(text) -> float:
    """Read a number above zero."""
    return _checked(float, text, lambda v: 0 < v < float("inf"), "a number above 0")


def count(text) -> int:
    """Read a whole number from 1 on."""
    return _checked(int, text, lambda v: v >= 1, "a whole number from 1 on")


def share(text) -> float:
    """Read a number between 0 and 1."""
    return _checked(float, text, lambda v: 0 < v < 1, "a number between 0 and 1")


def _checked(type_of, text, is_valid, expected):
    try:
        value = type_of(text)
    except ValueError:
        value = None
    if value is None or not is_valid(value):
        raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
    return value


def add_model(parser):
    """Add the file of a model."""
    parser.add_argument("model", metavar="MODEL", help="file of `sklearn-meta fit`")
    parser.add_argument(
        "--allow-pickle",
        action="store_true",
        help="load a model from .joblib or .pkl, which can run any code",
    )


def add_table(parser, *, nargs=None, what="csv, tsv or parquet, also .gz"):
    """Add a table that is read."""
    parser.add_argument(
        "table",
        metavar="TABLE",
        nargs=nargs,
        help=f"{what}; - for csv on standard input",
    )


def add_training_target(parser):
    """Add the target of a table that a model is made for."""
    add = parser.add_argument
    add("-t", "--target", required=True, metavar="COLUMN", help="column to predict")
    add("--task", choices=TASKS, help="(default: by the target)")
    _add_missing(parser)


def add_test_target(parser):
    """Add the target of a table that a model is tested on."""
    parser.add_argument(
        "-t",
        "--target",
        metavar="COLUMN",
        help="column of the true values (default: the one that was fitted)",
    )
    _add_missing(parser)


def _add_missing(parser):
    parser.add_argument(
        "--drop-missing-target",
        action="store_true",
        help="leave out rows without a target; otherwise they are an error",
    )


def add_drop(parser):
    """Add the columns that are no features."""
    parser.add_argument(
        "--drop",
        action="append",
        default=[],
        metavar="COLUMN,...",
        help="columns that are no features",
    )


def add_recall(parser):
    """Add what decides which pipelines are tried first."""
    add = parser.add_argument
    add(
        "--seconds",
        type=positive,
        default=60.0,
        metavar="S",
        help="length of the whole fit (default: 60)",
    )
    add(
        "--scoring",
        metavar="NAME",
        help="metric, a scorer of scikit-learn (default: neg_log_loss or "
        "neg_root_mean_squared_error)",
    )
    add(
        "--knowledge-base",
        metavar="FILE",
        help="recall from this file too; fit adds its results to it",
    )
