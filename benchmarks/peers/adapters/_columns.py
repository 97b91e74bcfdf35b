"""Tables as the systems take them.

Each function learns from the training part and returns a function that prepares any
part. A system that takes the table as it is needs none of them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

# Up to this many levels, a category becomes one column for each.
MOST_ONE_HOT = 10


def is_numeric(column):
    """Whether a column holds numbers or booleans."""
    return pd.api.types.is_numeric_dtype(column.dtype)


def as_text(column):
    """Return a column as text; missing values stay missing."""
    codes, texts = _text_levels(column)
    return pd.Series(np.append(texts, None)[codes], index=column.index, dtype=object)


def _text_levels(column):
    """Return where each value is among the distinct ones, and these as text.

    A missing value is at -1. Only distinct values become text: how long this takes is
    part of the time of a prediction.
    """
    codes, values = pd.factorize(column)
    texts = np.empty(len(values), dtype=object)
    texts[:] = [str(value) for value in values]
    return codes, texts


def as_objects(X):
    """Return a table whose categories and texts are plain Python text."""
    return pd.DataFrame(
        {c: X[c] if is_numeric(X[c]) else as_text(X[c]) for c in X.columns}
    )


def plain_names(X):
    """Name columns f0, f1, ...: some libraries refuse brackets and commas."""
    return X.set_axis([f"f{i}" for i in range(X.shape[1])], axis=1)


def categories(X_train):
    """Text as categories of the training rows, and plain names.

    Levels that only other rows have become missing.
    """
    levels = {
        c: pd.Index(sorted(as_text(X_train[c]).dropna().unique()), dtype=object)
        for c in X_train.columns
        if not is_numeric(X_train[c])
    }

    def prepare(X):
        columns = {}
        for c in X.columns:
            if c in levels:
                codes, texts = _text_levels(X[c])
                known = np.append(levels[c].get_indexer(texts), -1)
                columns[c] = pd.Categorical.from_codes(known[codes], levels[c])
            else:
                columns[c] = X[c]
        return plain_names(pd.DataFrame(columns, index=X.index))

    return prepare


def numbers(X_train):
    """Only finite numbers, and plain names.

    Few levels become one column each, many become codes; missing numbers become the
    median of the training rows.
    """
    levels, medians = {}, {}
    for c in X_train.columns:
        if is_numeric(X_train[c]):
            median = _finite(X_train[c]).median()
            medians[c] = 0.0 if np.isnan(median) else median
        else:
            levels[c] = sorted(as_text(X_train[c]).dropna().unique())

    def prepare(X):
        columns = []
        for c in X.columns:
            if c in medians:
                columns.append(_finite(X[c]).fillna(medians[c]))
                continue
            text = as_text(X[c])
            if len(levels[c]) <= MOST_ONE_HOT:
                columns += [(text == level).astype(float) for level in levels[c]]
            else:
                codes = {level: float(i) for i, level in enumerate(levels[c])}
                columns.append(text.map(codes).astype(float).fillna(-1.0))
        return plain_names(pd.concat(columns, axis=1))

    return prepare


def _finite(column):
    return column.astype(float).replace([np.inf, -np.inf], np.nan)


class Prepared:
    """A fitted model, and how its tables are prepared.

    Parameters
    ----------
    prepare : callable
    model : object
        With ``predict`` and, for classes, ``predict_proba`` and ``classes_``.
    """

    def __init__(self, prepare, model):
        self._prepare = prepare
        self._model = model

    @property
    def classes_(self):
        return self._model.classes_

    def predict(self, X):
        """Predict targets."""
        return self._model.predict(self._prepare(X))

    def predict_proba(self, X):
        """Predict probabilities of classes."""
        return self._model.predict_proba(self._prepare(X))
