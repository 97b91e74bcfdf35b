"""Schema of the encoded table: its columns, without their values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Schema:
    """Columns of the encoded table that pipelines are fitted on.

    The encoded table is a numeric matrix (dense float64 with NaN, or CSR). Its first
    `n_categorical` columns hold category codes (0, 1, ... as floats, NaN where
    missing), the others hold numbers.

    Parameters
    ----------
    n_features : int
        Number of columns.
    n_categorical : int, default=0
        Number of leading columns that hold category codes.
    cardinalities : tuple of int
        Number of levels of each categorical column.
    missing : tuple of int
        Indices of the columns with at least one NaN.
    nearly_empty : tuple of int
        Indices of numeric columns with so few present values that a training fold may
        have none of them.
    sparse : bool, default=False
        Whether the table is a CSR matrix; then there are neither categories nor NaN.
    nonnegative : bool, default=False
        Whether no numeric value is below zero.

    Raises
    ------
    ValueError
        If `cardinalities` has not one entry for each categorical column.
    """

    n_features: int
    n_categorical: int = 0
    cardinalities: tuple[int, ...] = ()
    missing: tuple[int, ...] = ()
    nearly_empty: tuple[int, ...] = ()
    sparse: bool = False
    nonnegative: bool = False

    def __post_init__(self):
        if len(self.cardinalities) != self.n_categorical:
            raise ValueError(
                f"cardinalities must have one entry for each of the "
                f"{self.n_categorical} categorical columns. "
                f"Got {len(self.cardinalities)}."
            )
