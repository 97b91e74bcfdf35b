"""When a search ends, other than by its time budget."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Without a gain in so many evaluations, the search ends: a quarter of the rows, less on
# few columns, whose pairs are fewer still. Replayed on searches of twelve tables of 90
# to 600 rows: between a fifth and a half of the rows, the test loss of eleven hardly
# changes (geometric mean within 1 %); one falls to nothing above a fifth.
MIN_PATIENCE, MAX_PATIENCE = 12, 250
ROWS_PER_PATIENCE, MANY_COLUMNS = 4, 8


@dataclass(frozen=True)
class Limits:
    """When a search ends, and what one candidate may use.

    Parameters
    ----------
    max_evaluations : int or None
        Number of evaluations.
    patience : int
        Number of evaluations without a noticeable gain after which the search ends.
    perfect_score : float, default=inf
        Score that cannot be improved in any way that matters.
    repeatable : bool, default=False
        Whether the order in which the search is told is fixed.
    memory_limit : int or None, default=None
        Bytes that one candidate may use; None for no limit.
    """

    max_evaluations: int | None
    patience: int
    perfect_score: float = np.inf
    repeatable: bool = False
    memory_limit: int | None = None

    @property
    def is_counted(self) -> bool:
        """Whether the search ends after a number of evaluations."""
        return self.max_evaluations is not None


def patience(n_samples, n_features) -> int:
    """Return the number of evaluations without a gain after which a search ends.

    On few rows, the scores of candidates differ by less than their noise: a longer
    search only finds luckier ones. On few columns, there is little to find.

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
