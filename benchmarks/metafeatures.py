"""Compare seconds and values of the meta-features with pymfe.

    python -m benchmarks.metafeatures --data ../shared/datasets

Ten classification tables by the rule of `select_tables`. Missing values are imputed
with medians and most frequent levels, which pymfe needs, and categories are encoded:
both packages get a matrix of numbers. Seconds are CPU seconds, the smallest of three
runs: ours for all meta-features, ours for the steps that compute the shared ones, and
theirs for these. The shared ones include four landmarks (stump, nearest neighbor, naive
Bayes, linear), of which only the seconds are compared, since pymfe scores them
differently. Our seconds are with the default limits on rows and columns; values are
compared on all rows and columns.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._tables import CLASSIFICATION, read_manifest
from benchmarks.select_tables import select
from sklearn_meta.data._dataset import Dataset
from sklearn_meta.data._encoding import schema_of
from sklearn_meta.data._task import ClassificationTask
from sklearn_meta.metalearning.metafeatures import describe
from sklearn_meta.metalearning.metafeatures._describe import MAX_COLUMNS, MAX_ROWS
from sklearn_meta.metalearning.metafeatures._groups import run_groups
from sklearn_meta.metalearning.metafeatures._sample import draw_sample

N_TABLES = 10
SUMMARIES = ("mean", "sd", "max", "min")
LANDMARKS = ("best_node", "linear_discr", "naive_bayes", "one_nn")

# Relative difference up to which values agree: pymfe adds 1e-8 to each probability, and
# computes canonical correlations iteratively.
TOLERANCE = 1e-3


def _same(value, n_rows):
    return value


def _power(value, n_rows):
    return 10**value


def _corrected_skewness(value, n_rows):
    """Divide by the corrected standard deviation, as pymfe does."""
    return value * (1 - 1 / n_rows) ** 1.5


def _corrected_kurtosis(value, n_rows):
    return (value + 3) * (1 - 1 / n_rows) ** 2 - 3


def _corrected_kurtosis_sd(value, n_rows):
    return value * (1 - 1 / n_rows) ** 2


@dataclass(frozen=True)
class Shared:
    """A meta-feature that both packages define.

    Parameters
    ----------
    name : str
        Ours.
    theirs : str
        Theirs, with its summary.
    convert : callable
        ``convert(our value, number of rows)`` is their value.
    """

    name: str
    theirs: str
    convert: Callable = _same


SHARED = (
    Shared("log_rows", "nr_inst", _power),
    Shared("log_columns", "nr_attr", _power),
    Shared("log_rows_per_column", "inst_to_attr", _power),
    Shared("n_classes", "nr_class"),
    Shared("class_share_max", "freq_class.max"),
    Shared("class_share_min", "freq_class.min"),
    Shared("class_share_sd", "freq_class.sd"),
    Shared("class_entropy", "class_ent"),
    Shared("repetition_mean", "sparsity.mean"),
    Shared("repetition_sd", "sparsity.sd"),
    Shared("abs_correlation_mean", "cor.mean"),
    Shared("abs_correlation_sd", "cor.sd"),
    Shared("abs_correlation_max", "cor.max"),
    Shared("correlated_pairs", "nr_cor_attr"),
    Shared("skewness_mean", "skewness.mean", _corrected_skewness),
    Shared("skewness_sd", "skewness.sd", _corrected_skewness),
    Shared("skewness_max", "skewness.max", _corrected_skewness),
    Shared("kurtosis_mean", "kurtosis.mean", _corrected_kurtosis),
    Shared("kurtosis_sd", "kurtosis.sd", _corrected_kurtosis_sd),
    Shared("attribute_entropy_mean", "attr_ent.mean"),
    Shared("attribute_entropy_sd", "attr_ent.sd"),
    Shared("attribute_entropy_max", "attr_ent.max"),
    Shared("joint_entropy_mean", "joint_ent.mean"),
    Shared("mutual_information_mean", "mut_inf.mean"),
    Shared("mutual_information_sd", "mut_inf.sd"),
    Shared("mutual_information_max", "mut_inf.max"),
    Shared("equivalent_attributes", "eq_num_attr"),
    Shared("noise_signal_ratio", "ns_ratio"),
    Shared("pillai_trace", "p_trace"),
    Shared("wilks_lambda", "w_lambda"),
)

# Our steps that compute the shared meta-features and landmarks.
SHARED_STEPS = (
    "simple.size",
    "simple.values",
    "target.classes",
    "statistical.moments",
    "information.information",
    "correlation.pairs",
    "correlation.canonical",
    "landmarks.linear",
    "landmarks.stump",
    "landmarks.bayes",
    "landmarks.neighbors",
)

# Computed on all columns by us, on the numeric ones by pymfe.
NUMERIC_IN_PYMFE = ("pillai_trace", "wilks_lambda")


def extract_theirs(X, y, categorical=(), extra=()):
    """Compute the shared meta-features with pymfe.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Without gaps.
    y : ndarray of shape (n_samples,)
    categorical : sequence of int
        Columns that hold categories.
    extra : sequence of str
        Further meta-features of pymfe.

    Returns
    -------
    values : dict of str to float
    """
    from pymfe.mfe import MFE

    names = {shared.theirs.partition(".")[0] for shared in SHARED}
    extractor = MFE(features=sorted(names | set(extra)), summary=SUMMARIES)
    # Categories are not encoded as numbers.
    extractor.fit(X, y, cat_cols=list(categorical), transform_cat=None)
    names, values = extractor.extract(suppress_warnings=True)
    return dict(zip(names, values, strict=True))


def _read(data, name):
    """Read a table without gaps.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        Categories first, numbered.
    y : ndarray of int of shape (n_samples,)
    n_categorical : int
    """
    frame = pd.read_parquet(Path(data) / "train" / CLASSIFICATION / f"{name}.parquet")
    frame = frame[frame["target"].notna()]
    y = np.unique(frame.pop("target").astype(str), return_inverse=True)[1]
    codes, numbers = [], []
    for _, values in frame.items():
        if isinstance(values.dtype, pd.CategoricalDtype):
            levels = values.cat.codes.where(values.notna(), values.cat.codes.mode()[0])
            codes.append(np.unique(levels, return_inverse=True)[1])
        else:
            numbers.append(values.astype(float).fillna(values.median()))
    return np.column_stack([*codes, *numbers]).astype(float), y, len(codes)


def _smallest(run):
    """Return the result of `run` with the smallest second part, of three."""
    return min((run() for _ in range(3)), key=lambda result: result[1])


def _ours(dataset):
    """Return the CPU seconds of all our meta-features and of the shared ones."""
    start = time.process_time()
    sample = draw_sample(
        dataset,
        max_rows=MAX_ROWS,
        max_columns=MAX_COLUMNS,
        random_state=np.random.RandomState(0),
    )
    drawn = time.process_time() - start
    _, seconds = run_groups(sample, effort_limit=600, clock=time.process_time)
    shared = drawn + sum(seconds[step] for step in SHARED_STEPS)
    return shared, time.process_time() - start


def _theirs(X, y, n_categorical):
    """Return the values of pymfe and its CPU seconds."""
    start = time.process_time()
    values = extract_theirs(X, y, range(n_categorical), LANDMARKS)
    return values, time.process_time() - start


def compare(X, y, n_categorical):
    """Return seconds, and by how much the shared values differ.

    Returns
    -------
    seconds : tuple of float
        Of all of ours, of the shared ones of ours, of theirs.
    differences : dict of str to float
        Relative, for the meta-features that both define on this table.
    """
    schema = schema_of(X, n_categorical)
    dataset = Dataset(X, y, schema, ClassificationTask(np.unique(y)))
    shared_seconds, ours = _smallest(lambda: _ours(dataset))
    expected, theirs = _smallest(lambda: _theirs(X, y, n_categorical))
    values = describe(
        dataset, time_limit=600, max_rows=X.shape[0], max_columns=X.shape[1]
    )
    differences = {}
    for shared in SHARED:
        if n_categorical and shared.name in NUMERIC_IN_PYMFE:
            continue
        value = shared.convert(values[shared.name], len(y))
        reference = float(expected.get(shared.theirs, np.nan))
        if np.isfinite(value) and np.isfinite(reference):
            scale = max(abs(value), abs(reference), TOLERANCE)
            differences[shared.name] = abs(value - reference) / scale
    return (ours, shared_seconds, theirs), differences


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", required=True, help="folder with manifest.json")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    # Warm-up: imports are not measured.
    rng = np.random.default_rng(0)
    compare(rng.normal(size=(60, 3)), np.arange(60) % 3, 0)
    rows, agreeing, compared = [], 0, 0
    print(
        f"{'table':20s}{'rows':>7s}{'columns':>9s}{'all ours':>10s}{'shared':>10s}"
        f"{'pymfe':>10s}{'times':>7s}  values that agree"
    )
    manifest = read_manifest(arguments.data)
    for entry in select(manifest, number={CLASSIFICATION: N_TABLES}):
        X, y, n_categorical = _read(arguments.data, entry["name"])
        seconds, differences = compare(X, y, n_categorical)
        unequal = [name for name, d in differences.items() if d > TOLERANCE]
        rows.append(seconds)
        agreeing += len(differences) - len(unequal)
        compared += len(differences)
        ours, shared, theirs = seconds
        print(
            f"{entry['name']:20s}{len(y):7d}{X.shape[1]:9d}{ours:9.3f}s{shared:9.3f}s"
            f"{theirs:9.3f}s{theirs / shared:7.1f}  {len(differences) - len(unequal)}"
            f" of {len(differences)}{' but ' if unequal else ''}{', '.join(unequal)}",
            flush=True,
        )
    ours, shared, theirs = np.sum(rows, axis=0)
    times = [theirs / shared for _, shared, theirs in rows]
    print(
        f"{'sum':36s}{ours:9.3f}s{shared:9.3f}s{theirs:9.3f}s{theirs / shared:7.1f}  "
        f"{agreeing} of {compared}; median of the tables {np.median(times):.1f} times"
    )


if __name__ == "__main__":
    main()
