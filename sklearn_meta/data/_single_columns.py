"""Find columns that determine the target alone: leaks, or rules that need no model.

For each encoded column, the target is predicted by the bins of the column alone: by the
class that is most frequent in a bin relative to its own frequency, or by the mean rank
of a numeric target. Bins are fitted on one half of the rows and judged on the other
half, in both directions. What is reported is far beyond chance also for few rows: the
lower end of the confidence interval of the skill counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.stats import rankdata

from sklearn_meta.data._column_encoders import CHARACTERS, WORDS

# Skill of a column that is reported, where 0 is that of a constant and 1 is perfect:
# estimated, and at the lower end of its interval of this many standard errors. The
# width of petals has a skill of 0.94 for irises, the best column of breast cancer 0.83.
MIN_SKILL, MIN_SURE_SKILL, Z = 0.9, 0.85, 2.0

# Maximum number of rows, cells, columns and targets that are looked at: 200 000 cells
# take about 20 ms. A table of more columns, or of fewer rows, is not looked at.
MAX_ROWS, MAX_CELLS, MAX_COLUMNS, MAX_TARGETS = 2_000, 200_000, 300, 5
MIN_ROWS = 30

# Maximum number of rows among which those to look at are drawn, class by class.
MAX_SCANNED = 100_000

# Rows per bin, and the maximum number of bins of a column with many different values.
ROWS_PER_BIN, MAX_BINS = 8, 64

# Smallest class whose rows are counted.
MIN_CLASS_ROWS = 5

# Maximum number of columns that are reported.
MAX_REPORTED = 10


@dataclass(frozen=True)
class SingleColumn:
    """A column that determines the target alone.

    Parameters
    ----------
    position : int
        Position in the table that was passed to ``fit``.
    output : int
        Position of the target.
    share : float
        Mean over the classes of the share of rows that are classified correctly, or the
        share of the variance of the ranks of a numeric target that is explained.
    """

    position: int
    output: int
    share: float


def single_columns(dataset, owners) -> tuple[SingleColumn, ...]:
    """Find the columns that determine a target alone.

    Parameters
    ----------
    dataset : Dataset
    owners : ndarray of int of shape (n_features,)
        Position in the user's table of each encoded column, see `owners_of`; -1 for
        columns that are not looked at.

    Returns
    -------
    found : tuple of SingleColumn
        The best ones first, at most `MAX_REPORTED`. Each column of the user's table is
        named once for a target.
    """
    columns = np.flatnonzero(np.asarray(owners) >= 0)
    if not 0 < len(columns) <= MAX_COLUMNS or dataset.n_samples < MIN_ROWS:
        return ()
    n_rows = min(MAX_ROWS, MAX_CELLS // len(columns))
    y = dataset.y.reshape(dataset.n_samples, -1)
    best: dict[tuple[int, int], float] = {}
    for output in range(min(y.shape[1], MAX_TARGETS)):
        rows, judge = _judge_of(y[:, output], dataset.task.is_classifier, n_rows)
        if judge is None:
            continue
        block = dataset.X[rows][:, columns]
        block = block.toarray() if sparse.issparse(block) else block
        n_bins = int(np.clip(len(rows) // ROWS_PER_BIN, 4, MAX_BINS))
        for column, values in zip(columns.tolist(), block.T, strict=True):
            share = judge(_bins(values, n_bins))
            if share is not None:
                key = (int(owners[column]), output)
                best[key] = max(best.get(key, 0.0), share)
    found = [SingleColumn(*key, share) for key, share in best.items()]
    found.sort(key=lambda c: (-c.share, c.position, c.output))
    return tuple(found[:MAX_REPORTED])


def owners_of(encoder, labels: Sequence, n_features: int) -> np.ndarray:
    """Return the position in the user's table of each encoded column.

    Parameters
    ----------
    encoder : fitted transformer or None
        Encoder of the table.
    labels : sequence
        Labels of the columns of the table, by which the encoder selects them.
    n_features : int
        Number of encoded columns.

    Returns
    -------
    owners : ndarray of int of shape (n_features,)
        -1 for the n-grams of texts, of which there are very many.
    """
    slices = getattr(encoder, "output_indices_", None)
    if slices is None:
        return np.arange(n_features)
    positions = {label: i for i, label in enumerate(labels)}
    owners = np.full(n_features, -1)
    for name, _, chosen in encoder.transformers_:
        part = slices.get(name, slice(0, 0))
        width = part.stop - part.start
        if name.startswith((WORDS, CHARACTERS)) or not width:
            continue
        if width == len(chosen):
            owners[part] = [positions[label] for label in chosen]
        elif len(chosen) == 1:
            owners[part] = positions[chosen[0]]
    return owners


def _judge_of(y, is_classifier, n_rows):
    """Return the rows to look at, and the function that judges bins of them."""
    rng = np.random.default_rng(0)
    if not is_classifier:
        rows = np.sort(rng.permutation(len(y))[:n_rows])
        ranks = rankdata(y[rows]) / len(rows)
        if np.ptp(ranks) == 0:
            return rows, None
        half = _halves(np.zeros(len(rows), dtype=int), rng)
        return rows, lambda bins: _judged_ranks(bins, ranks, half)
    some = np.arange(0, len(y), max(1, len(y) // MAX_SCANNED))
    shuffled = rng.permutation(some)
    order = shuffled[np.argsort(y[shuffled], kind="stable")]
    _, first = np.unique(y[order], return_index=True)
    most = max(n_rows // len(first), 2 * MIN_CLASS_ROWS)
    by_class = [rows[:most] for rows in np.split(order, first[1:])]
    by_class = [rows for rows in by_class if len(rows) >= MIN_CLASS_ROWS]
    if len(by_class) < 2:
        return np.arange(0), None
    rows = np.sort(np.concatenate(by_class))
    _, y = np.unique(y[rows], return_inverse=True)
    half = _halves(y, rng)
    return rows, lambda bins: _judged_classes(bins, y, half)


def _halves(strata, rng):
    """Return for each row whether it is in the second half of its stratum."""
    half = np.zeros(len(strata), dtype=bool)
    for stratum in np.unique(strata):
        rows = rng.permutation(np.flatnonzero(strata == stratum))
        half[rows[len(rows) // 2 :]] = True
    return half


def _bins(values, n_bins):
    """Return a bin of each value: its own if there are few, else one of equal size."""
    different, bins, counts = np.unique(values, return_inverse=True, return_counts=True)
    if len(different) > n_bins:
        before = np.cumsum(counts) - counts
        bins = (before * n_bins // len(values))[bins]
        if np.isnan(different[-1]):
            bins[np.isnan(values)] = n_bins
    return bins


def _judged_classes(bins, y, half):
    """Return the balanced accuracy of a column, or None if it does not suffice."""
    n_classes, n_bins = int(y.max()) + 1, int(bins.max()) + 1
    size = np.bincount(y)
    right = np.zeros(n_classes)
    for train in (half, ~half):
        counts = np.bincount(
            bins[train] * n_classes + y[train], minlength=n_bins * n_classes
        ).reshape(n_bins, n_classes)
        of_class = np.bincount(y[train], minlength=n_classes)
        # A bin without training rows is the first class, as bad as any.
        predicted = np.argmax(counts / of_class, axis=1)
        hit = predicted[bins[~train]] == y[~train]
        right += np.bincount(y[~train], weights=hit, minlength=n_classes)
    constant = 1 - 1 / n_classes
    share = float(np.mean(right / size))
    # The upper end of the interval of Wilson for the mean error of the classes, with
    # the number of rows of equally large classes whose mean is as uncertain.
    wrong, n = 1 - share, n_classes**2 / float(np.sum(1 / size))
    spread = Z * np.sqrt(wrong * (1 - wrong) / n + Z**2 / (4 * n**2))
    at_most = (wrong + Z**2 / (2 * n) + spread) / (1 + Z**2 / n)
    is_sure = 1 - at_most / constant >= MIN_SURE_SKILL
    return share if is_sure and 1 - wrong / constant >= MIN_SKILL else None


def _judged_ranks(bins, ranks, half):
    """Return the explained variance of ranks, or None if it does not suffice."""
    n_bins, residual = int(bins.max()) + 1, 0.0
    for train in (half, ~half):
        counts = np.bincount(bins[train], minlength=n_bins)
        sums = np.bincount(bins[train], weights=ranks[train], minlength=n_bins)
        mean = ranks[train].mean()
        means = np.where(counts > 0, sums / np.maximum(counts, 1), mean)
        residual += float(((means[bins[~train]] - ranks[~train]) ** 2).sum())
    share = 1 - residual / (len(ranks) * float(np.var(ranks)))
    if share < MIN_SKILL:
        return None
    # Lower end of the interval of Fisher for the correlation.
    z = np.arctanh(min(np.sqrt(share), 1 - 1e-12)) - Z / np.sqrt(max(len(ranks) - 3, 1))
    return share if z > 0 and np.tanh(z) ** 2 >= MIN_SURE_SKILL else None
