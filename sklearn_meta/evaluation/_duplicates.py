"""Detection of candidates whose predictions duplicate those of an earlier one.

Such candidates are frequent in genetic programming: a scaler before trees, a prior that
has no influence, a selector that keeps every column. On a few hundred rows, a fifth of
the seconds of a search went into candidates whose predictions differed from those of an
earlier one by less than a hundredth of their standard deviation.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

# Maximum number of predicted values that are compared, evenly spaced over the
# validation rows.
N_VALUES = 128

# With fewer validation rows, predictions are not compared: different models may agree.
MIN_ROWS = 10

# Two candidates are duplicates if the root mean square of the differences between their
# predictions is at most this share of the standard deviation of the predictions.
DUPLICATE_SHARE = 1e-3


def compared_values(predictions):
    """Return the predicted values of one fold that are compared.

    Parameters
    ----------
    predictions : ndarray of shape (n_validation, ...)
        In units that are the same for all outputs, see `RegressionTask.comparable`.

    Returns
    -------
    values : ndarray of shape (<= N_VALUES,), float64, or None
        None if there are fewer than `MIN_ROWS` rows.
    """
    if len(predictions) < MIN_ROWS:
        return None
    values = np.ravel(predictions)
    if len(values) > N_VALUES:
        values = values[np.linspace(0, len(values) - 1, N_VALUES).astype(np.intp)]
    return np.asarray(values, dtype=np.float64)


@dataclass(frozen=True)
class PredictionIndex:
    """Predictions of finished candidates on the first fold, to find duplicates.

    Parameters
    ----------
    numbers : tuple of int
        Numbers of the evaluations.
    values : ndarray of shape (n_evaluations, n_values)
        Row by row what `compared_values` returns.
    """

    numbers: tuple[int, ...] = ()
    values: np.ndarray = field(
        default_factory=lambda: np.empty((0, 0)),
        repr=False,
        compare=False,
    )

    def duplicate_of(self, predictions) -> int | None:
        """Return the evaluation that predictions duplicate.

        Parameters
        ----------
        predictions : ndarray of shape (n_validation, ...)
            Predictions of a candidate on the first fold.

        Returns
        -------
        number : int or None
            Number of the evaluation with the nearest predictions; None if they differ.
        """
        values = compared_values(predictions)
        if values is None or not self.numbers:
            return None
        differences = np.sqrt(np.mean((self.values - values) ** 2, axis=1))
        nearest = int(np.argmin(differences))
        if differences[nearest] <= DUPLICATE_SHARE * np.std(values):
            return self.numbers[nearest]
        return None
