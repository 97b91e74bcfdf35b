"""Take the target out of a table, and guess the task from it."""

from __future__ import annotations

from collections import Counter

from sklearn_meta.cli._errors import UsageError
from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION

# Whole numbers of few different values are taken for classes.
MAX_NUMBERED_CLASSES = 10

# Texts of which more than this share of the rows differ are no classes.
MAX_SHARE_OF_CLASSES = 0.5


def rows_with_target(table, target, *, drop_missing, messages):
    """Return the rows of a table whose target is known.

    Parameters
    ----------
    table : TableFile
    target : str
        Name of a column.
    drop_missing : bool
        Whether rows without a target are left out.
    messages : Messages

    Returns
    -------
    frame : pandas.DataFrame
        The rows, numbered from 0.

    Raises
    ------
    UsageError
        If some targets are missing and may not be left out, or no row is left.
    """
    frame = table.frame
    known = frame[target].notna()
    n_missing = int((~known).sum())
    if not len(frame):
        raise UsageError(f"{table.name} has names of columns, but no rows")
    if n_missing == len(frame):
        raise UsageError(f"no row of {table.name} has a value in {target!r}")
    if not n_missing:
        return frame
    if not drop_missing:
        raise UsageError(
            f"{n_missing} of {len(frame)} rows of {table.name} have no value in "
            f"{target!r}; leave them out with --drop-missing-target"
        )
    messages.note(f"{n_missing} of {len(frame)} rows without {target!r} are left out.")
    frame = frame[known].reset_index(drop=True)
    values = frame[target]
    # Missing cells have turned whole numbers into others.
    if values.dtype.kind == "f" and (values % 1 == 0).all():
        frame = frame.assign(**{target: values.astype("int64")})
    return frame


def as_numbers(y):
    """Return the numbers that the texts of a target stand for, such as "1,200 €".

    Parameters
    ----------
    y : pandas.Series
        Without missing values.

    Returns
    -------
    numbers : pandas.Series or None
        `y` itself if it holds numbers; None if most of its texts are none.

    Raises
    ------
    UsageError
        If some of the texts are no numbers.
    """
    import pandas
    from pandas.api import types

    from sklearn_meta.data._string_formats import NUMBERS, detect_format
    from sklearn_meta.data.parsing import parse_numbers

    if types.is_numeric_dtype(y):
        return y
    texts = [str(value) for value in y.tolist()]
    found = detect_format(Counter(texts))
    if found is None or found.kind != NUMBERS:
        return None
    column = y.astype(str).to_numpy(dtype=object)[:, None]
    numbers = pandas.Series(
        parse_numbers(column, **dict(found.settings))[:, 0], index=y.index, name=y.name
    )
    wrong = y[numbers.isna()]
    if len(wrong):
        raise UsageError(
            f"{len(wrong)} values of {y.name!r} are no numbers, such as "
            f"{str(wrong.iloc[0])!r}; correct these rows or leave them out"
        )
    return numbers


def guess_task(y) -> tuple[str, str]:
    """Return the task that a target suggests, and why.

    Parameters
    ----------
    y : pandas.Series
        Without missing values.

    Returns
    -------
    task : {"classification", "regression"}
    reason : str

    Raises
    ------
    UsageError
        If the target consists of texts that differ in most rows, or of dates.
    """
    from pandas.api import types

    n_different = y.nunique()
    if types.is_datetime64_any_dtype(y) or types.is_timedelta64_dtype(y):
        raise UsageError(
            f"{y.name!r} holds dates or durations, which are neither classes nor "
            "numbers; convert them to numbers, such as days"
        )
    if not types.is_numeric_dtype(y) and as_numbers(y) is not None:
        return REGRESSION, f"numbers written as texts, such as {str(y.iloc[0])!r}"
    if not types.is_numeric_dtype(y) or types.is_bool_dtype(y):
        if n_different > max(2, MAX_SHARE_OF_CLASSES * len(y)):
            raise UsageError(
                f"{y.name!r} holds {n_different} different texts in {len(y)} rows, "
                f"such as {str(y.iloc[0])!r}: neither classes nor numbers; convert "
                "them to numbers, or choose --task classification"
            )
        what = "truth values" if types.is_bool_dtype(y) else "different texts"
        return CLASSIFICATION, f"{n_different} {what}"
    if types.is_float_dtype(y) and (y % 1 != 0).any():
        return REGRESSION, "numbers with decimals"
    if n_different == 2 or (
        n_different <= MAX_NUMBERED_CLASSES
        and n_different <= MAX_SHARE_OF_CLASSES * len(y)
    ):
        return CLASSIFICATION, f"{n_different} different whole numbers"
    return REGRESSION, f"{n_different} different whole numbers"


def task_of(y, given, messages) -> str:
    """Return the task that is given, or else the guessed one, with a note.

    Parameters
    ----------
    y : pandas.Series
    given : {"classification", "regression"} or None
    messages : Messages

    Returns
    -------
    task : {"classification", "regression"}
    """
    if given is not None:
        return given
    task, reason = guess_task(y)
    other = REGRESSION if task == CLASSIFICATION else CLASSIFICATION
    messages.note(
        f"Task: {task}, as {y.name!r} holds {reason} (otherwise: --task {other})."
    )
    return task
