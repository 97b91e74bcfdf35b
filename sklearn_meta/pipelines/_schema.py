"""Schema of the encoded table: its columns, without their values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Schema:
    """Columns of the encoded table that pipelines are fitted on.

    The encoded table is a numeric matrix (dense float64 with NaN, or CSR). Its first
    `n_categorical` columns hold category codes (0, 1, ... as floats, NaN where
    missing), the others hold numbers. A table with text is a CSR matrix, in which the
    numbers are followed by the counts of word n-grams and of character n-grams.

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
        Whether the table is a CSR matrix without categories, NaN and counts of tokens.
    nonnegative : bool, default=False
        Whether no numeric value is below zero.
    n_words, n_characters : int, default=0
        Number of trailing columns with counts of word n-grams and, after them, of
        character n-grams.

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
    n_words: int = 0
    n_characters: int = 0

    @property
    def n_leading(self) -> int:
        """Number of columns before the counts of tokens: categories and numbers."""
        return self.n_features - self.n_words - self.n_characters

    @property
    def has_text(self) -> bool:
        """Whether the table has counts of tokens."""
        return self.n_words + self.n_characters > 0

    def __post_init__(self):
        if len(self.cardinalities) != self.n_categorical:
            raise ValueError(
                f"cardinalities must have one entry for each of the "
                f"{self.n_categorical} categorical columns. "
                f"Got {len(self.cardinalities)}."
            )
