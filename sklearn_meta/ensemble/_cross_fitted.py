"""Out-of-fold predictions of the final model, each fold by weights of the other folds.

Out-of-fold predictions of the members, combined with the final weights, would be too
good: the weights were fitted to their targets, and the best of many candidates was
chosen by them. Each fold is therefore predicted by the combination that the rule of the
final model chooses on the other folds. Its members are models of training folds: they
were fitted on fewer rows than the final model, and their errors are slightly larger.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sklearn_meta.ensemble._combination import SINGLE, as_pairs, of_pairs
from sklearn_meta.evaluation._known_rows import row_keys

# Larger records are not pickled with the estimator, so that a model of a million rows
# does not carry along what prediction does not need. 4 MiB are 100 000 rows of two
# classes.
MAX_PICKLED_BYTES = 4 * 2**20

# Largest share of the parameter `max_megabytes` that the record takes of a pickle.
SHARE_OF_LIMIT = 0.1

# Larger records are not made: as many bytes as a search keeps of all its predictions.
MAX_BYTES = 512 * 2**20

NO_SEARCH = (
    "There are no out-of-fold predictions, because no pipeline was cross-validated: "
    "the fit had search=None, or no time for the folds of any pipeline."
)
TOO_LARGE = (
    f"There are no out-of-fold predictions: they would take more than "
    f"{MAX_BYTES // 2**20} MiB."
)
NOT_PICKLED = (
    f"The out-of-fold predictions were not pickled with the estimator, because they "
    f"take more than {MAX_PICKLED_BYTES // 2**20} MiB, or than {SHARE_OF_LIMIT:.0%} of "
    "max_megabytes. Save oof_predictions_ of the "
    "estimator that was fitted in a file of its own."
)


@dataclass(frozen=True, eq=False)
class CrossFitted:
    """Out-of-fold predictions of the final model, with what they are compared with.

    All arrays are aligned with the rows of ``fit``.

    Parameters
    ----------
    predictions : ndarray of shape (n_samples, n_classes), (n_samples,) or \
            (n_samples, n_outputs)
        Probabilities of the classes or labels, or targets, as float64. NaN for rows
        that are in no validation part.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Encoded target, see `Dataset`. NaN or -1 for rows with weight zero, which
        ``fit`` leaves out.
    sample_weight : ndarray of shape (n_samples,) or None
        Ratios of the weights; None for equal weights.
    fold : ndarray of int of shape (n_samples,)
        Number of the fold of each row, or of one of five blocks of rows that take the
        place of fewer than three folds; -1 for rows that are in no validation part.
    """

    predictions: np.ndarray = field(repr=False)
    y: np.ndarray = field(repr=False)
    sample_weight: np.ndarray | None = field(repr=False)
    fold: np.ndarray = field(repr=False)

    @property
    def arrays(self) -> tuple:
        """The arrays, in the order of the parameters."""
        return self.predictions, self.y, self.sample_weight, self.fold

    @property
    def n_bytes(self) -> int:
        """Number of bytes of the arrays."""
        return sum(a.nbytes for a in self.arrays if a is not None)


def cross_fitted(choice, predictions, rows, context) -> CrossFitted | None:
    """Predict each fold by the combination that was chosen on the others.

    Parameters
    ----------
    choice : Choice
    predictions : sequence of ndarray
        Out-of-fold predictions of each candidate.
    rows : ndarray of int
        Their rows in the dataset.
    context : EvaluationContext

    Returns
    -------
    record : CrossFitted or None
        Aligned with the rows of the dataset. None if it would be too large.
    """
    dataset, task = context.dataset, context.dataset.task
    n, shape = dataset.n_samples, predictions[0].shape[1:]
    if 8 * n * (2 + np.prod(shape)) > MAX_BYTES:
        return None
    limits = (
        None if task.is_classifier else task.limits(dataset.y, context.extrapolation)
    )
    combined = np.full((n, *shape), np.nan)
    number = np.full(n, -1)
    parts = zip(choice.folds, choice.elsewhere, strict=True)
    for i, (fold, combination) in enumerate(parts):
        members = [predictions[m][fold] for m in combination.members]
        combined[rows[fold]] = combined_predictions(combination, members, task, limits)
        number[rows[fold]] = i
    return CrossFitted(combined, dataset.y, dataset.sample_weight, number)


def combined_predictions(combination, predictions, task, limits=None):
    """Return the predictions of a combination, as the fitted ensemble would.

    Parameters
    ----------
    combination : Combination
    predictions : sequence of ndarray
        Of each member.
    task : Task
    limits : tuple or None, default=None
        See `RegressionTask.limits`.

    Returns
    -------
    combined : ndarray
    """
    if not task.is_classifier:
        if limits is not None and combination.kind != SINGLE:
            predictions = [np.clip(p, *limits) for p in predictions]
        combined = combination.apply_to_targets(predictions)
        return combined if task.lowest is None else np.maximum(combined, task.lowest)
    if task.n_outputs == 1:
        return combination.apply(predictions)
    return of_pairs(combination.apply([as_pairs(p) for p in predictions]))


def in_rows_of_fit(record, table) -> CrossFitted:
    """Align a record with the rows of the user's table.

    Parameters
    ----------
    record : CrossFitted
        Aligned with the canonical rows of the table.
    table : Table

    Returns
    -------
    record : CrossFitted
    """
    dataset, predictions, fold = table.dataset, record.predictions, record.fold
    if table.rows is not None:
        source = _canonical_row(table)
        is_used = source >= 0
        predictions = _at(is_used, predictions[source[is_used]], np.nan)
        fold = _at(is_used, fold[source[is_used]], -1)
    y, weight = dataset.y, dataset.sample_weight
    if table.kept is not None:
        is_used = np.zeros(table.n_given, dtype=bool)
        is_used[table.kept] = True
        predictions, fold = _at(is_used, predictions, np.nan), _at(is_used, fold, -1)
        y = _at(is_used, y, -1 if dataset.task.is_classifier else np.nan)
        weight = np.ones(dataset.n_samples) if weight is None else weight
        weight = _at(is_used, weight, 0.0)
    return CrossFitted(predictions, y, weight, fold)


def _at(where, values, other):
    """Return an array with values where a mask holds, and another value elsewhere."""
    array = np.full((len(where), *values.shape[1:]), other, dtype=values.dtype)
    array[where] = values
    return array


def _canonical_row(table):
    """Return the canonical row of each row of a table; -1 for rows with weight zero."""
    dataset, canonical = table.dataset, table.canonical
    source = np.full(dataset.n_samples, -1)
    # Repetitions of a row are all in one fold, and are predicted alike.
    source[table.rows] = np.arange(len(table.rows))
    is_missing = source < 0
    if dataset.sample_weight is not None:
        is_missing &= dataset.sample_weight > 0
    missing = np.flatnonzero(is_missing)
    if len(missing):
        # Of a table that is repeated as a whole, each row was used once.
        place = {key: i for i, key in enumerate(_keys(canonical, slice(None)))}
        source[missing] = [place[key] for key in _keys(dataset, missing)]
    return source


def _keys(dataset, rows):
    """Return one value for each row, equal for rows with equal X and y."""
    y = dataset.y[rows].reshape(-1, dataset.task.n_outputs)
    return list(zip(row_keys(dataset.X[rows]), row_keys(y), strict=True))


def predictions_of(record, reason) -> np.ndarray:
    """Return the predictions of a record.

    Parameters
    ----------
    record : CrossFitted or None
    reason : str
        Why there is no record.

    Returns
    -------
    predictions : ndarray

    Raises
    ------
    AttributeError
        If there is no record.
    """
    if record is None:
        raise AttributeError(reason)
    return record.predictions


def pickled_state(state) -> dict:
    """Return the state of an estimator with the record as arrays, if it is small.

    Parameters
    ----------
    state : dict
        Attributes of a fitted or unfitted estimator.

    Returns
    -------
    state : dict
    """
    record = state.get("_out_of_fold")
    if record is None:
        return state
    most = MAX_PICKLED_BYTES
    if state.get("max_megabytes") is not None:
        most = min(most, SHARE_OF_LIMIT * 1e6 * state["max_megabytes"])
    if record.n_bytes > most:
        return {**state, "_out_of_fold": None, "_no_out_of_fold": NOT_PICKLED}
    return {**state, "_out_of_fold": record.arrays}


def unpickled_state(state) -> dict:
    """Return the state of an estimator with the record that `pickled_state` has taken.

    Parameters
    ----------
    state : dict

    Returns
    -------
    state : dict
    """
    arrays = state.get("_out_of_fold")
    if arrays is None:
        return state
    return {**state, "_out_of_fold": CrossFitted(*arrays)}
