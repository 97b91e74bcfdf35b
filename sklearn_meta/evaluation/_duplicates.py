"""Candidates that predict what another one predicts: by another way, nothing new.

Genetic programming meets them all the time: a scaler before trees, a prior that the
data outweigh, a selector that keeps every column. A fifth of the seconds of a search on
a few hundred rows went into candidates whose predictions differed from an earlier one's
by less than a hundredth of their spread.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

# Predictions are compared at so many values, evenly spread over the validation rows.
N_VALUES = 128

# On fewer rows, different models may predict the same.
MIN_ROWS = 10

# Two candidates whose predictions differ by less than this share of their spread (root
# mean squares) are the same.
SAME_SHARE = 1e-3


def sketch(predictions):
    """Return what is compared of the predictions of one fold.

    Parameters
    ----------
    predictions : ndarray of shape (n_validation, ...)

    Returns
    -------
    values : ndarray of shape (<= N_VALUES,), float32, or None
        None for too few rows.
    """
    if len(predictions) < MIN_ROWS:
        return None
    values = np.ravel(predictions)
    if len(values) > N_VALUES:
        values = values[np.linspace(0, len(values) - 1, N_VALUES).astype(np.intp)]
    return np.asarray(values, dtype=np.float32)


@dataclass(frozen=True)
class KnownPredictions:
    """Sketches of what finished candidates predicted on the first fold.

    Parameters
    ----------
    numbers : tuple of int
        Of their evaluations.
    sketches : ndarray of shape (n_candidates, n_values)
    """

    numbers: tuple[int, ...] = ()
    sketches: np.ndarray = field(
        default_factory=lambda: np.empty((0, 0), dtype=np.float32),
        repr=False,
        compare=False,
    )

    def duplicate_of(self, predictions) -> int | None:
        """Return the number of a candidate that predicts the same; None if none does.

        Parameters
        ----------
        predictions : ndarray of shape (n_validation, ...)
            Of the first fold.
        """
        values = sketch(predictions)
        if values is None or not self.numbers:
            return None
        differences = np.sqrt(np.mean((self.sketches - values) ** 2, axis=1))
        nearest = int(np.argmin(differences))
        if differences[nearest] <= SAME_SHARE * np.std(values):
            return self.numbers[nearest]
        return None
