"""Information theory: entropy of binned columns, mutual information with the target.

For regression the target is binned like a column. Entropies are in bits. `c` is the
number of bins of all columns together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sklearn_meta.metalearning.metafeatures._column_statistics import (
    quantiles,
    sorted_columns,
    summarize,
)
from sklearn_meta.metalearning.metafeatures._declarations import (
    CLASSES,
    COLUMNS,
    ROWS,
    SCALE,
    Group,
    MetaFeature,
    Step,
    StepCost,
    spread,
)

# How many bins there are depends on the number of rows.
_BINNED = frozenset({ROWS, COLUMNS, CLASSES, SCALE})

_SPREAD = ("min", "median", "mean", "q75", "max", "sd")

# Bins of a numeric target.
TARGET_BINS = 8

FEATURES = (
    *spread("attribute_entropy", "entropy", ("min", "mean", "max", "sd"), _BINNED),
    *spread("joint_entropy", "entropy together with the target", ("mean",), _BINNED),
    *spread(
        "mutual_information", "mutual information with the target", _SPREAD, _BINNED
    ),
    *spread(
        "information_share",
        "mutual information over the entropy of the target, less the expected bias",
        ("median", "mean", "max"),
        _BINNED,
    ),
    MetaFeature(
        "informative_share",
        "share of columns that depend on the target (G-test, 1 %)",
        _BINNED,
    ),
    MetaFeature(
        "information_concentration",
        "share of the most informative column in the sum over columns",
        _BINNED,
    ),
    MetaFeature(
        "equivalent_attributes",
        "entropy of the target over the mean mutual information",
        _BINNED,
    ),
    MetaFeature(
        "noise_signal_ratio",
        "entropy of the columns that is not mutual information, over that which is",
        _BINNED,
    ),
    *spread(
        "binned_r2",
        "share of the target's variance between bins, adjusted for chance",
        ("median", "mean", "max"),
        _BINNED,
    ),
)


@dataclass(frozen=True)
class _Counts:
    """Joint histograms of all columns with the target."""

    joint: np.ndarray  # (c, number of classes)
    columns: np.ndarray  # column of each bin, ascending, (c,)
    starts: np.ndarray  # first bin of each column
    n_samples: int


def _count(bins, classes):
    """Count the rows of each bin of each column and each class."""
    n_samples = len(bins)
    widths = bins.max(axis=0) + 1
    starts = np.concatenate([[0], np.cumsum(widths)[:-1]])
    n_classes = classes.max() + 1
    cells = (bins + starts) * n_classes + classes[:, None]
    joint = np.bincount(cells.ravel(), minlength=widths.sum() * n_classes)
    joint = joint.reshape(-1, n_classes).astype(np.float64)
    held = joint.any(axis=1)
    columns = np.repeat(np.arange(len(widths)), widths)[held]
    starts = np.searchsorted(columns, np.arange(len(widths)))
    return _Counts(joint[held], columns, starts, n_samples)


def _information(sample):
    from scipy.special import chdtri

    if sample.is_classification:
        classes = sample.classes
    else:
        edges = quantiles(
            *sorted_columns(sample.unit_y[:, None]),
            np.linspace(0, 1, TARGET_BINS + 1)[1:-1],
        )
        classes = (sample.unit_y > edges).sum(axis=0)
        # Ties may leave bins empty.
        classes = np.unique(classes, return_inverse=True)[1]
    bins = sample.bins
    if not bins.shape[1]:
        return {}
    counts = _count(bins, classes)
    n_samples = counts.n_samples
    n_classes = np.count_nonzero(np.bincount(classes))
    target_entropy = _entropy(np.bincount(classes), n_samples)
    per_bin = counts.joint.sum(axis=1)
    entropy = np.add.reduceat(_terms(per_bin, n_samples), counts.starts)
    joint = np.add.reduceat(_terms(counts.joint, n_samples).sum(axis=1), counts.starts)
    information = np.maximum(entropy + target_entropy - joint, 0.0)
    n_bins = np.diff(np.append(counts.starts, len(per_bin)))
    freedom = np.maximum((n_bins - 1) * (n_classes - 1), 1)
    # If column and target are independent, 2 n ln(2) I is chi-squared distributed.
    excess = np.maximum(information - freedom / (2 * n_samples * np.log(2)), 0.0)
    total = information.sum()
    values = {
        **summarize("attribute_entropy", entropy, ("min", "mean", "max", "sd")),
        **summarize("joint_entropy", joint, ("mean",)),
        **summarize("mutual_information", information, _SPREAD),
        "informative_share": np.mean(
            2 * n_samples * np.log(2) * information > chdtri(freedom, 0.01)
        ),
        **_binned_r2(counts, sample.target, bins),
    }
    if excess.sum() > 0:
        values["information_concentration"] = excess.max() / excess.sum()
    if target_entropy > 0:
        share = excess / target_entropy
        values |= summarize("information_share", share, ("median", "mean", "max"))
    if total > 1e-9:
        values["equivalent_attributes"] = len(entropy) * target_entropy / total
        values["noise_signal_ratio"] = (entropy.sum() - total) / total
    return values


def _terms(counts, n_samples):
    """Summands of the entropy in bits; zero for an empty cell."""
    shares = counts / n_samples
    return -shares * np.log2(np.where(counts > 0, shares, 1.0))


def _entropy(counts, n_samples):
    return _terms(counts.astype(float), n_samples).sum()


def _binned_r2(counts, target, bins):
    """Return the adjusted share of the target's variance that is between bins."""
    total = (target**2).sum()
    n_samples, n_columns = bins.shape
    if total == 0:
        return {}
    shifted = bins + np.concatenate([[0], np.cumsum(bins.max(axis=0) + 1)[:-1]])
    between = np.zeros(n_columns)
    flat = shifted.ravel()
    n_bins = np.bincount(flat)
    held = np.flatnonzero(n_bins)
    for output in target.T:
        sums = np.bincount(flat, weights=np.repeat(output, n_columns))
        between += np.add.reduceat(sums[held] ** 2 / n_bins[held], counts.starts)
    freedom = np.diff(np.append(counts.starts, len(held)))
    left = n_samples - freedom
    enough = left > 0
    unexplained = 1 - between[enough] / total
    adjusted = 1 - unexplained * (n_samples - 1) / left[enough]
    return summarize("binned_r2", np.maximum(adjusted, 0.0), ("median", "mean", "max"))


GROUP = Group(
    "information",
    FEATURES,
    (Step(_information, StepCost(5e-4, 3e-8, per_output=5e-9)),),
)
