"""Fitted models by their predictions of known rows, for scorers that read the table.

Candidates are scored by stored predictions. A callable that is no scorer of
scikit-learn may pass any rows to the estimator that it gets: some of those of the
table, in another order, repeated or changed. Rows are therefore recognized by their
encoded values: rows with the same values have the same prediction of one model.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.metaestimators import available_if

from sklearn_meta.data._describe import GivenTable
from sklearn_meta.data._task import Task, decision_values


def row_keys(encoded) -> list[bytes]:
    """Return one value for each row, equal for rows with equal values.

    Parameters
    ----------
    encoded : ndarray or CSR matrix of shape (n_samples, n_features)
        Missing values are equal to each other, and zero is equal to minus zero.

    Returns
    -------
    keys : list of bytes
    """
    if not sparse.issparse(encoded):
        values = _canonical(encoded)
        row = np.dtype((np.void, values.dtype.itemsize * values.shape[1]))
        return values.view(row).ravel().tolist()
    encoded = encoded.tocsr(copy=True)
    encoded.sum_duplicates()
    encoded.eliminate_zeros()
    columns, values = encoded.indices.astype(np.int64), _canonical(encoded.data)
    bounds = zip(encoded.indptr[:-1], encoded.indptr[1:], strict=True)
    return [columns[a:b].tobytes() + values[a:b].tobytes() for a, b in bounds]


def _canonical(values):
    """Return a copy with one kind of NaN and of zero."""
    values = np.ascontiguousarray(values, dtype=np.float64) + 0.0
    values[np.isnan(values)] = np.nan
    return values


@dataclass(frozen=True)
class KnownRows:
    """Predictions of some rows of the encoded table, and the model that made them.

    Parameters
    ----------
    table : GivenTable
    rows : ndarray of int
        Indices of the rows.
    encoded : ndarray or CSR matrix of shape (n_samples, n_features)
        The rows of the encoded table.
    predictions : ndarray of shape (n_samples, ...)
        As of `Task.predict`.
    task : Task
    model : callable or None
        ``model(encoded) -> predictions`` for other rows; None if there is none.
    """

    table: GivenTable = field(repr=False)
    rows: np.ndarray = field(repr=False)
    encoded: Any = field(repr=False)
    predictions: np.ndarray = field(repr=False)
    task: Task
    model: Callable | None = field(repr=False)

    @cached_property
    def _places(self) -> dict[bytes, list[int]]:
        """Positions of the rows with the same values, in order."""
        places = defaultdict(list)
        for place, key in enumerate(row_keys(self.encoded)):
            places[key].append(place)
        return dict(places)

    def positions(self, encoded) -> np.ndarray:
        """Return the positions of rows among the known ones; -1 for other rows.

        Rows of different folds may have the same values and not the same predictions:
        the n-th of equal rows is the n-th of the known ones. In a part of the table
        that is chosen by the values of the rows, it is therefore the same row.
        """
        counts: Counter = Counter()
        positions = np.full(encoded.shape[0], -1)
        for i, key in enumerate(row_keys(encoded)):
            places = self._places.get(key)
            if places is not None:
                positions[i] = places[counts[key] % len(places)]
                counts[key] += 1
        return positions

    def predict(self, estimator, X) -> np.ndarray:
        """Return the predictions of rows of the user's table.

        Parameters
        ----------
        estimator : estimator
            Describes the table, see `encode_rows`.
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)

        Returns
        -------
        predictions : ndarray of shape (n_samples, ...)

        Raises
        ------
        ValueError
            If a row is not known and there is no model.
        """
        if self.table.is_unchanged(X, self.rows):
            # Encoding would take most of the time of a usual scorer.
            return self.predictions
        encoded = self.table.encode(estimator, X)
        positions = self.positions(encoded)
        unknown = np.flatnonzero(positions < 0)
        predictions = self.predictions[positions]
        if len(unknown):
            if self.model is None:
                raise ValueError(
                    f"{len(unknown)} of {len(positions)} rows that the scorer passed "
                    "to the estimator are not among those that it was given. "
                    "Combinations of candidates are scored before they are fitted, on "
                    "rows whose predictions are known."
                )
            predictions[unknown] = self.model(encoded[unknown])
        return predictions


def known_model(known):
    """Return a fitted estimator that predicts as the model of known rows.

    Parameters
    ----------
    known : KnownRows

    Returns
    -------
    estimator : classifier or regressor
        With the methods of the public estimator of the task.
    """
    kind = _KnownClassifier if known.task.is_classifier else _KnownRegressor
    return kind(known)


def _has_decision_function(estimator):
    return "decision_function" in estimator.known.task.methods


class _KnownModel(BaseEstimator):
    """Fitted estimator whose predictions of known rows are stored."""

    def __init__(self, known):
        self.known = known

    def __sklearn_is_fitted__(self):
        return True

    @property
    def n_features_in_(self):
        return self.known.table.X.shape[1]

    @property
    def feature_names_in_(self):
        names = self.known.table.feature_names
        if names is None:
            raise AttributeError("The columns of the table have no names.")
        return names

    def __getattr__(self, name):
        raise AttributeError(
            "The estimator that a scorer gets has the methods of a fitted classifier "
            f"or regressor that predict, not those of a pipeline: no {name!r}."
        )

    def fit(self, X, y):
        return self

    def predict(self, X):
        return self._stored(X).predict(X)

    def _stored(self, X):
        known = self.known
        return known.task.as_estimator(known.predict(self, X))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = tags.input_tags.allow_nan = True
        return tags


class _KnownRegressor(RegressorMixin, _KnownModel):
    pass


class _KnownClassifier(ClassifierMixin, _KnownModel):
    @property
    def classes_(self):
        return self.known.task.classes

    def predict_proba(self, X):
        return self._stored(X).predict_proba(X)

    def predict_log_proba(self, X):
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    @available_if(_has_decision_function)
    def decision_function(self, X):
        return decision_values(self.predict_proba(X))
