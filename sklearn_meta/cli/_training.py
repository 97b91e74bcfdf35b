"""Read a table as a model is fitted to it: features, target, groups, weights, order."""

from __future__ import annotations

from dataclasses import dataclass

from sklearn_meta.cli._columns import columns_of, time_order
from sklearn_meta.cli._errors import UsageError
from sklearn_meta.data._task_names import REGRESSION

# As in the default cross-validation: fewer folds from so many rows on.
N_FOLDS, FEWER_FOLDS, MANY_ROWS = 5, 3, 15_000

# Rows that a fold of a time-ordered table must have at least.
MIN_ROWS_PER_FOLD = 5


@dataclass(frozen=True)
class Training:
    """A table as a model is fitted to it.

    Parameters
    ----------
    X : pandas.DataFrame
        Features.
    y : pandas.Series
    task : {"classification", "regression"}
    groups, weights : pandas.Series or None
    cv : splitter or None
        For rows in time order; None for the default.
    """

    X: object
    y: object
    task: str
    groups: object = None
    weights: object = None
    cv: object = None


def read_training(options, messages) -> Training:
    """Read a table with a target.

    Parameters
    ----------
    options : argparse.Namespace
        Those of `fit`, or of another subcommand with a target.
    messages : Messages

    Returns
    -------
    training : Training
    """
    from sklearn_meta.cli._tables import read_table
    from sklearn_meta.cli._target import as_numbers, rows_with_target, task_of

    table = read_table(options.table, messages)
    target = table.column(options.target)
    role = {
        name: table.column(column)
        for name in ("groups", "order", "weights")
        if (column := getattr(options, name, None)) is not None
    }
    dropped = columns_of(table, options.drop)
    frame = rows_with_target(
        table, target, drop_missing=options.drop_missing_target, messages=messages
    )
    cv = None
    if "order" in role:
        frame = frame.iloc[time_order(frame[role["order"]], role["order"])]
        frame = frame.reset_index(drop=True)
        cv = _later_rows(len(frame))
        messages.note(
            f"Rows in the order of {role['order']!r}, {cv.n_splits} folds: each is "
            "predicted from earlier rows."
        )
    no_features = {target, *dropped}
    no_features |= {role[name] for name in ("groups", "weights") if name in role}
    X = frame.drop(columns=list(no_features))
    if not X.shape[1]:
        raise UsageError(
            f"{table.name} has no columns to predict {target!r} from; are cells "
            "separated by commas, semicolons, tabs or |?"
        )
    y = frame[target]
    task = task_of(y, options.task, messages)
    if task == REGRESSION and (y := as_numbers(y)) is None:
        raise UsageError(f"{target!r} holds texts that are no numbers")
    return Training(
        X,
        y,
        task,
        groups=frame[role["groups"]] if "groups" in role else None,
        weights=_weights(frame[role["weights"]]) if "weights" in role else None,
        cv=cv,
    )


def _weights(values):
    """Check weights, which may not be missing or negative."""
    from pandas.api import types

    if not types.is_numeric_dtype(values) or not (values >= 0).all():
        raise UsageError(
            f"--weights: {values.name!r} must hold a number from 0 on in each row"
        )
    return values


def _later_rows(n_rows):
    """Return the splitter of rows in time order."""
    from sklearn.model_selection import TimeSeriesSplit

    n_folds = N_FOLDS if n_rows < MANY_ROWS else FEWER_FOLDS
    if n_rows < MIN_ROWS_PER_FOLD * (n_folds + 1):
        n_folds = max(2, n_rows // MIN_ROWS_PER_FOLD - 1)
    return TimeSeriesSplit(n_folds)
