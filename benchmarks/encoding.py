"""Seconds in which tables are read and encoded.

    python -m benchmarks.encoding

Three generated tables: 20 000 rows of 20 columns of all kinds, 300 000 rows of ten
categories with 100 000 levels each, and 100 rows of 5 000 columns of strings. ``fit``
infers the kinds of the columns and encodes the table; ``transform`` encodes it again.
"""

from __future__ import annotations

import time

import numpy as np
import pandas as pd

from sklearn_meta.data._encoding import apply_encoder, encode_table

REPEATS = 3


def all_kinds(n=20_000):
    """Return a table of 20 columns of all kinds but text."""
    rng = np.random.default_rng(0)
    start = pd.Timestamp("2020-01-01")
    minutes = pd.to_timedelta(rng.integers(0, 900 * 1440, n), unit="min")
    columns = {
        f"category{i}": rng.choice([f"level {j}" for j in range(30 * (i + 1))], n)
        for i in range(8)
    }
    columns |= {f"number{i}": rng.normal(size=n) for i in range(6)}
    columns |= {f"date{i}": start + minutes for i in range(3)}
    columns["money"] = [f"${v:,.2f}" for v in rng.lognormal(8, 1, n)]
    columns["percentage"] = [f"{v:.1f} %" for v in rng.uniform(0, 100, n)]
    columns["written date"] = (start + minutes).strftime("%d.%m.%Y %H:%M")
    return pd.DataFrame(columns)


def many_levels(n=300_000, n_columns=10, n_levels=100_000):
    """Return a table of categories with very many levels."""
    rng = np.random.default_rng(0)
    levels = np.array([f"k{j}x" for j in range(n_levels)], dtype=object)
    return pd.DataFrame(
        {f"c{i}": levels[rng.integers(0, n_levels, n)] for i in range(n_columns)}
    )


def many_columns(n=100, n_columns=5_000):
    """Return a table of very many columns of strings."""
    rng = np.random.default_rng(0)
    cells = rng.choice(list("abcdefgh"), (n, n_columns)).astype(object)
    return pd.DataFrame(cells, columns=[f"c{i}" for i in range(n_columns)])


def seconds(X):
    """Return the seconds of ``fit`` and ``transform``, the best of some runs."""
    fits, transforms = [], []
    for _ in range(REPEATS):
        began = time.perf_counter()
        encoder, _, _ = encode_table(X)
        fitted = time.perf_counter()
        apply_encoder(encoder, X)
        fits.append(fitted - began)
        transforms.append(time.perf_counter() - fitted)
    return min(fits), min(transforms)


def main():
    """Print the seconds."""
    for make in (all_kinds, many_levels, many_columns):
        X = make()
        fit, transform = seconds(X)
        rows, columns = X.shape
        print(
            f"{make.__name__}: {rows} x {columns}, fit {fit:.2f} s, "
            f"transform {transform:.2f} s"
        )


if __name__ == "__main__":
    main()
