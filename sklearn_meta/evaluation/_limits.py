"""Stopping criteria of a search besides its time budget."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Patience is one evaluation for every four rows, within bounds, and less on tables with
# few columns, in proportion to the number of pairs of columns. In a replay of searches
# on twelve tables of 90 to 600 rows, patience between a fifth and a half of the rows
# changed the geometric mean of the test loss of eleven tables by less than 1 %; on one,
# the loss dropped to about zero above a fifth.
MIN_PATIENCE, MAX_PATIENCE = 12, 250
ROWS_PER_PATIENCE, MANY_COLUMNS = 4, 8


@dataclass(frozen=True)
class SearchLimits:
    """Stopping criteria of a search, and the memory limit of its candidates.

    Parameters
    ----------
    max_evaluations : int or None
        Number of evaluations after which the search ends; None for no limit.
    patience : int
        Number of evaluations without a noticeable gain after which the search ends.
    perfect_score : float, default=inf
        Score at which the search ends, because no improvement would matter.
    repeatable : bool, default=False
        Whether evaluations are told to the search in a fixed order, so that the result
        does not depend on the number and speed of the workers.
    memory_limit : int or None, default=None
        Maximum number of bytes for one candidate; None for no limit.
    """

    max_evaluations: int | None
    patience: int
    perfect_score: float = np.inf
    repeatable: bool = False
    memory_limit: int | None = None

    @property
    def is_counted(self) -> bool:
        """Whether the number of evaluations is limited."""
        return self.max_evaluations is not None


def patience(n_samples, n_features) -> int:
    """Return the number of evaluations without a gain after which a search ends.

    On few rows, the scores of candidates differ by less than their noise, so that a
    longer search selects by chance. On few columns, few pipelines differ.

    Parameters
    ----------
    n_samples, n_features : int
        Size of the table.

    Returns
    -------
    patience : int
        Between `MIN_PATIENCE` and `MAX_PATIENCE`.
    """
    columns = min(n_features / MANY_COLUMNS, 1.0)
    n = int(n_samples / ROWS_PER_PATIENCE * columns**2)
    return min(max(n, MIN_PATIENCE), MAX_PATIENCE)
