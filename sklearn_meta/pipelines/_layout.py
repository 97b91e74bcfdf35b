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
    """

    n_features: int | None
    n_categorical: int = 0
    cardinalities: tuple[int, ...] = ()
    missing: bool = False
    sparse: bool = False
    nonnegative: bool = False
    nearly_empty: tuple[int, ...] = ()

    @classmethod
    def of(cls, schema: Schema) -> Layout:
        """Layout of the input table."""
        return cls(
            n_features=schema.n_features,
            n_categorical=schema.n_categorical,
            cardinalities=tuple(schema.cardinalities),
            missing=any(i >= schema.n_categorical for i in schema.missing),
            sparse=schema.sparse,
            nonnegative=schema.nonnegative,
            nearly_empty=tuple(schema.nearly_empty),
        )

    @property
    def n_numeric(self) -> int | None:
        """Number of columns that are not categorical, or None."""
        return None if self.n_features is None else self.n_features - self.n_categorical
