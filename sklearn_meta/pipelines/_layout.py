"""Columns at one place inside a pipeline, as far as they are known before fit."""

from __future__ import annotations

from dataclasses import dataclass

from sklearn_meta.pipelines._schema import Schema


@dataclass(frozen=True)
class Layout:
    """Number and properties of the columns that reach a step of a pipeline.

    Parameters
    ----------
    n_features : int or None
        Number of columns, or an upper bound of it; None where neither is known.
    n_categorical : int, default=0
        Number of leading columns that hold category codes. They may always hold NaN,
        the code of a level that was not in the training rows.
    cardinalities : tuple of int
        Number of levels of each categorical column.
    missing : bool, default=False
        Whether the numeric columns may hold NaN.
    sparse : bool, default=False
        Whether the table may be a sparse matrix.
    nonnegative : bool, default=False
        Whether no numeric value is below zero.
    nearly_empty : tuple of int
        Indices of numeric columns that may have no present value in a training fold.
    n_words, n_characters : int, default=0
        Number of trailing columns with counts of word n-grams and, after them, of
        character n-grams. The table is then a CSR matrix, also with `sparse` False,
        and may hold categories and NaN.
    """

    n_features: int | None
    n_categorical: int = 0
    cardinalities: tuple[int, ...] = ()
    missing: bool = False
    sparse: bool = False
    nonnegative: bool = False
    nearly_empty: tuple[int, ...] = ()
    n_words: int = 0
    n_characters: int = 0

    @classmethod
    def of(cls, schema: Schema) -> Layout:
        """Layout of the input table."""
        return cls(
            n_features=schema.n_features,
            n_categorical=schema.n_categorical,
            cardinalities=tuple(schema.cardinalities),
            missing=any(
                schema.n_categorical <= i < schema.n_leading for i in schema.missing
            ),
            sparse=schema.sparse,
            nonnegative=schema.nonnegative,
            nearly_empty=tuple(schema.nearly_empty),
            n_words=schema.n_words,
            n_characters=schema.n_characters,
        )

    @property
    def has_text(self) -> bool:
        """Whether there are counts of tokens."""
        return self.n_words + self.n_characters > 0

    @property
    def n_numeric(self) -> int | None:
        """Number of columns that are neither categories nor counts, or None."""
        if self.n_features is None:
            return None
        n_others = self.n_categorical + self.n_words + self.n_characters
        return self.n_features - n_others
