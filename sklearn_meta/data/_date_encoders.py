"""Encode dates as a scaled time and periodic splines, durations as milliseconds.

A date becomes its time, scaled to [0, 1], and periodic spline features of the time of
day, the weekday and the season [1]_, for the cycles that the training dates cover at
least twice. Missing dates are NaN in the scaled time and zero in the splines.

References
----------
.. [1] scikit-learn, "Time-related feature engineering",
   https://scikit-learn.org/stable/auto_examples/applications/plot_cyclical_feature_engineering.html
"""

from __future__ import annotations

import numpy as np

from sklearn_meta._sklearn_compat import splines_take_missing
from sklearn_meta.data._column_kinds import DATETIME_UNIT, DURATION_UNIT, PARSED
from sklearn_meta.data._transformer_specs import (
    function_spec,
    pipeline_spec,
    transformer_spec,
)

# Lengths of the cycles in milliseconds.
DAY = 86_400_000.0
WEEK = 7 * DAY
YEAR = 365.2425 * DAY

# Value of numpy.datetime64("NaT") after a cast to float.
NOT_A_TIME = -(2.0**63)


def duration_encoder(column):
    """Return the spec of an encoder of durations in milliseconds.

    Parameters
    ----------
    column : Column
        Column of the kind duration.

    Returns
    -------
    spec : Spec
    """
    if column.how == PARSED:
        return function_spec("sklearn_meta.data.parsing.parse_durations")
    return pipeline_spec(*_milliseconds(DURATION_UNIT))


def date_encoder(column):
    """Return the spec of an encoder of dates.

    Parameters
    ----------
    column : Column
        Column of the kind date.

    Returns
    -------
    spec : Spec
    """
    steps = _milliseconds(DATETIME_UNIT)
    if column.how == PARSED:
        parse = "sklearn_meta.data.parsing.parse_dates"
        steps = (("times", function_spec(parse, **dict(column.settings))), *steps[1:])
    # Scaled because milliseconds since 1970 are too large for learners in single
    # precision and for distances: they differ in their last digits only.
    time = ("time", transformer_spec("sklearn.preprocessing.MinMaxScaler"))
    union = [time, *_cycles(column)]
    parts = transformer_spec("sklearn.pipeline.FeatureUnion", transformer_list=union)
    return pipeline_spec(*steps, ("parts", parts))


def _milliseconds(unit):
    """Return the steps from dates or durations to milliseconds, missing ones NaN."""
    return (
        ("times", function_spec("numpy.asarray", dtype=unit)),
        # Methods such as numpy.ndarray.astype cannot be stored by skops.
        ("milliseconds", function_spec("numpy.asarray", dtype="float64")),
        ("missing", function_spec("numpy.ma.masked_equal", value=NOT_A_TIME)),
        ("nan", function_spec("numpy.ma.filled", fill_value=np.nan)),
    )


def cycle_names(column) -> list[str]:
    """Return the names of the cycles that the dates of a column cover at least twice.

    Parameters
    ----------
    column : Column
        Column of the kind date.

    Returns
    -------
    names : list of {"day", "week", "year"}
    """
    length = column.span[1] - column.span[0]
    cycles = []
    if not column.dated and length >= 2 * DAY:
        cycles.append("day")
    if length >= 2 * WEEK:
        cycles.append("week")
    if length >= 2 * YEAR:
        cycles.append("year")
    return cycles


def _cycles(column):
    """Return periodic splines for the cycles of a column."""
    splines = {
        "day": (DAY, 6, 3),
        # Piecewise linear with knots at midnight: for dates without a time of day, an
        # indicator of each weekday.
        "week": (WEEK, 7, 1),
        "year": (YEAR, 6, 3),
    }
    return [(name, _periodic(*splines[name])) for name in cycle_names(column)]


def _periodic(period, n_splines, degree):
    """Return the spec of periodic splines with equidistant knots."""
    knots = [[period * i / n_splines] for i in range(n_splines + 1)]
    settings = {"knots": knots, "degree": degree, "extrapolation": "periodic"}
    path = "sklearn.preprocessing.SplineTransformer"
    if splines_take_missing():
        return transformer_spec(path, **settings, handle_missing="zeros")
    fill = transformer_spec(
        "sklearn.impute.SimpleImputer",
        strategy="constant",
        fill_value=0.0,
        keep_empty_features=True,
    )
    return pipeline_spec(
        ("fill", fill), ("splines", transformer_spec(path, **settings))
    )
