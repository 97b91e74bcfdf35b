"""What encodes each kind of column: plain transformers of scikit-learn, as a `Spec`.

Only classes and functions of numpy, scikit-learn and, where a column can only come from
there, pandas are referred to, so that a fitted pipeline works without this package.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from sklearn_meta.data._column_kinds import (
    CATEGORICAL,
    CHECKED,
    CONVERTED,
    DATETIME,
    DATETIME_UNIT,
    DURATION,
    DURATION_UNIT,
    NUMERIC,
    PARSED,
    TEXT,
    WITH_NA,
    Column,
)
from sklearn_meta.pipelines._spec import Reference, Spec

DAY = 86_400_000.0  # milliseconds, in which times and durations are counted
WEEK = 7 * DAY
YEAR = 365.2425 * DAY

# What numpy.datetime64("NaT") becomes when it is cast to float.
NOT_A_TIME = -(2.0**63)

# Missing values pass, infinities do not.
TO_FLOATS = {"dtype": "float64", "ensure_all_finite": "allow-nan"}


def _spec(path, **params):
    return Spec(path, tuple(params.items()))


def function_spec(path, **settings) -> Spec:
    """Describe a transformer that applies a function to the whole table.

    Parameters
    ----------
    path : str
        Import path of the function.
    **settings
        Its further arguments.
    """
    params: dict[str, object] = {"func": Reference(path)}
    if settings:
        params["kw_args"] = settings
    if settings.get("accept_sparse"):
        params["accept_sparse"] = True
    params["feature_names_out"] = "one-to-one"
    return _spec("sklearn.preprocessing.FunctionTransformer", **params)


def _chain(*steps):
    return _spec("sklearn.pipeline.Pipeline", steps=list(steps))


def _codes(columns):
    """Number the levels; what is no level, missing values included, is NaN."""
    return _spec(
        "sklearn.preprocessing.OrdinalEncoder",
        categories=[list(column.levels) for column in columns],
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
    )


def _categories(columns):
    objects = function_spec("numpy.asarray", dtype="object")
    return _chain(("objects", objects), ("codes", _codes(columns)))


def _texts(columns):
    objects = function_spec("numpy.asarray", dtype="object")
    texts = function_spec("numpy.ndarray.astype", dtype="str")
    return _chain(("objects", objects), ("texts", texts), ("codes", _codes(columns)))


def _numbers(columns, how=CHECKED):
    if how == CONVERTED:
        return function_spec("numpy.asarray", dtype="float64")
    numbers = function_spec("sklearn.utils.check_array", **TO_FLOATS)
    if how == WITH_NA:
        nullable = function_spec("pandas.DataFrame.astype", dtype="Float64")
        return _chain(("nullable", nullable), ("numbers", numbers))
    return numbers


def _durations(columns):
    return _chain(*_milliseconds(DURATION_UNIT))


def _milliseconds(unit):
    return (
        ("times", function_spec("numpy.asarray", dtype=unit)),
        ("milliseconds", function_spec("numpy.ndarray.astype", dtype="float64")),
        ("missing", function_spec("numpy.ma.masked_equal", value=NOT_A_TIME)),
        ("nan", function_spec("numpy.ma.filled", fill_value=np.nan)),
    )


def _date(column):
    """Time on a scale from 0 to 1, and its place in the day, the week and the year."""
    steps = _milliseconds(DATETIME_UNIT)
    if column.how == PARSED:
        parse = {"func": Reference("pandas.to_datetime"), "utc": True}
        steps = (("parsed", function_spec("pandas.DataFrame.apply", **parse)), *steps)
    # Milliseconds since 1970 differ in their last digits only: too large for learners
    # in single precision and for distances.
    time = ("time", _spec("sklearn.preprocessing.MinMaxScaler"))
    union = [time, *_cycles(column)]
    parts = _spec("sklearn.pipeline.FeatureUnion", transformer_list=union)
    return _chain(*steps, ("parts", parts))


def _cycles(column):
    """Periodic splines for the cycles that the dates go through at least twice."""
    length = column.span[1] - column.span[0]
    cycles = []
    if not column.dated and length >= 2 * DAY:
        cycles.append(("day", _periodic(DAY, n_splines=6, degree=3)))
    if length >= 2 * WEEK:
        # Hats that peak at midnight: for dates without a time, one for each weekday.
        cycles.append(("week", _periodic(WEEK, n_splines=7, degree=1)))
    if length >= 2 * YEAR:
        cycles.append(("year", _periodic(YEAR, n_splines=6, degree=3)))
    return cycles


def _periodic(period, n_splines, degree):
    knots = [[period * i / n_splines] for i in range(n_splines + 1)]
    return _spec(
        "sklearn.preprocessing.SplineTransformer",
        knots=knots,
        degree=degree,
        extrapolation="periodic",
        handle_missing="zeros",
    )


def column_transformer(columns: Sequence[Column]) -> Spec:
    """Put the encoders of all columns side by side, categories first.

    Parameters
    ----------
    columns : sequence of Column

    Returns
    -------
    spec : Spec
        Of a ``ColumnTransformer`` that leaves out all other columns.
    """
    groups = (
        ("categories", _categories, CATEGORICAL, CHECKED),
        ("texts", _texts, TEXT, CHECKED),
        ("numbers", _numbers, NUMERIC, CHECKED),
        ("sparse", functools.partial(_numbers, how=CONVERTED), NUMERIC, CONVERTED),
        ("objects", functools.partial(_numbers, how=WITH_NA), NUMERIC, WITH_NA),
        ("durations", _durations, DURATION, CHECKED),
    )
    transformers = []
    for name, make, kind, how in groups:
        chosen = [c for c in columns if c.kind == kind and c.how == how]
        if chosen:
            transformers.append((name, make(chosen), [c.label for c in chosen]))
    dates = [c for c in columns if c.kind == DATETIME]
    for i, column in enumerate(dates):
        transformers.append((f"date{i}", _date(column), [column.label]))
    return _spec(
        "sklearn.compose.ColumnTransformer",
        transformers=transformers,
        verbose_feature_names_out=False,
    )
