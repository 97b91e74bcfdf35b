"""Make a row up that a fitted model can predict, where no table is at hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import narwhals.stable.v2 as nw
import numpy as np

from sklearn_meta.data._column_kinds import (
    BOOLEAN,
    CATEGORY,
    CHECKED,
    DATE,
    DURATION,
    NUMBER,
)


def made_up_row(model):
    """Return one row of the kind of table that a model was fitted on.

    Parameters
    ----------
    model : fitted estimator

    Returns
    -------
    row : ndarray or data frame of shape (1, n_features), or None
        Zeros, and the first level of each category. None if the library of the data
        frame is not installed.
    """
    encoder = model._row_encoder
    columns = encoder.columns
    if not columns or all(c.kind in (NUMBER, BOOLEAN) for c in columns):
        row = np.zeros((1, model.n_features_in_))
        if encoder.library is None:
            return row
    cells = [_cell(column) for column in columns]
    if encoder.library is None:
        return np.array([cells], dtype=object)
    names = encoder.names
    try:
        frame = nw.from_dict(
            {name: [cell] for name, cell in zip(names, cells, strict=True)},
            backend=encoder.library,
        )
    except (ImportError, TypeError, ValueError):
        return None
    return frame.to_native()


def _cell(column):
    """Return a value of a column."""
    if column.left_out is not None:
        return "" if column.kind == CATEGORY else 0.0
    if column.kind == CATEGORY:
        return column.levels[0] if column.levels else ""
    if column.kind == BOOLEAN:
        return False
    if column.kind == NUMBER:
        return 0.0 if column.how == CHECKED else "0"
    if column.kind == DATE and column.how == CHECKED:
        at = datetime.fromtimestamp(column.span[0] / 1000, tz=UTC)
        return at.replace(tzinfo=None)
    if column.kind == DURATION and column.how == CHECKED:
        return timedelta(0)
    return ""
