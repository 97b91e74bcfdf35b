"""Meta-features: what they mean, what leaves them alone, and that none ever fails."""

import time
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.datasets import load_diabetes, load_iris, load_wine
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.metrics import mutual_info_score

from benchmarks.metafeatures import SHARED, extract_theirs
from sklearn_meta.data._dataset import Dataset
from sklearn_meta.data._encoding import schema_of
from sklearn_meta.data._task import ClassificationTask, MultilabelTask, RegressionTask
from sklearn_meta.metalearning.metafeatures import (
    METAFEATURE_NAMES,
    METAFEATURES,
    MetaFeatures,
    compute_metafeatures,
    describe,
    metafeature_names,
)
from sklearn_meta.metalearning.metafeatures._declarations import (
    CLASSES,
    COLUMNS,
    DUPLICATION,
    INVARIANCES,
    ROWS,
    SCALE,
)
from sklearn_meta.metalearning.metafeatures._groups import GROUPS, run_groups
from sklearn_meta.metalearning.metafeatures._sample import draw_sample

TASKS = ("classification", "regression")
AMPLE = 600.0  # seconds: nothing is left out


def make_dataset(X, y, n_categorical=0):
    """Encode classes if `y` holds integers, see `Dataset`."""
    X = X if sparse.issparse(X) else np.asarray(X, dtype=float)
    y = np.asarray(y)
    if y.dtype.kind == "f":
        return Dataset(X, y, schema_of(X, n_categorical), RegressionTask())
    classes, y = np.unique(y, return_inverse=True)
    return Dataset(X, y, schema_of(X, n_categorical), ClassificationTask(classes))


def make_target(signal, task, n_classes=3):
    if task == "regression":
        return np.asarray(signal, dtype=float)
    edges = np.quantile(signal, np.linspace(0, 1, n_classes + 1)[1:-1])
    return np.digitize(signal, edges)


def ordinary_table(task, seed=0, n_rows=150, missing=0.1, n_classes=3):
    """A table with categories, missing values and columns of several shapes."""
    rng = np.random.default_rng(seed)
    codes = np.column_stack([rng.integers(k, size=n_rows) for k in (2, 5 + seed)])
    normal = rng.normal(size=(n_rows, 3))
    X = np.column_stack(
        [
            codes,
            normal,
            np.exp(rng.normal(size=n_rows)),
            rng.integers(-3, 4, size=n_rows),
            normal[:, 0] + 0.1 * rng.normal(size=n_rows),
        ]
    )
    signal = X[:, 2] + X[:, 5] + (codes[:, 0] - 0.5) * X[:, 3] + normal[:, 2] ** 2
    X[rng.uniform(size=X.shape) < missing] = np.nan
    return make_dataset(X, make_target(signal, task, n_classes), n_categorical=2)


def odd_tables():
    """Legal tables on which something or other is undefined."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(40, 3))
    signal = numbers[:, 0]
    holes = np.where(rng.uniform(size=(40, 3)) < 0.9, np.nan, numbers)
    holes[0] = 1.0
    categories = rng.integers(4, size=(40, 3)).astype(float)
    categories_with_holes = np.where(holes == holes, categories, np.nan)
    empty_column = numbers.copy()
    empty_column[:, 1] = np.nan
    yield "one column", numbers[:, :1], signal, 0
    yield "one row", numbers[:1], signal[:1], 0
    yield "two rows", numbers[:2], signal[:2], 0
    yield "seven rows", numbers[:7], signal[:7], 0
    yield "constant columns", np.ones((40, 3)), signal, 0
    yield "one constant column", np.column_stack([numbers, np.ones(40)]), signal, 0
    yield "empty column", empty_column, signal, 0
    yield "nothing there", np.full((40, 2), np.nan), signal, 0
    yield "mostly missing", holes, signal, 0
    yield "constant target", numbers, np.ones(40), 0
    yield "huge", numbers * 1e300, signal * 1e300, 0
    yield "tiny", numbers * 1e-310, signal * 1e-310, 0
    yield "huge and tiny", numbers * [1e300, 1.0, 1e-310], signal, 0
    yield "far from zero", numbers + 1e12, signal + 1e12, 0
    yield "one outlier", np.where(numbers == numbers[3, 1], 1e300, 0.0), signal, 0
    yield "equal rows", np.repeat(numbers[:2], 20, axis=0), signal, 0
    yield "equal columns", numbers[:, [0, 0, 0]], signal, 0
    yield "one level", np.zeros((40, 1)), signal, 1
    yield "categories", categories, signal, 3
    yield "categories with holes", categories_with_holes, signal, 3
    yield "identifiers", np.arange(40.0)[:, None], signal, 1
    yield "wide", rng.normal(size=(20, 10_000)), signal[:20], 0
    yield "sparse", sparse.random(40, 300, 0.05, "csr", rng=rng), signal, 0
    yield "empty sparse", sparse.csr_matrix((40, 10)), signal, 0
    yield "wide sparse", sparse.random(40, 50_000, 1e-4, "csr", rng=rng), signal, 0
    yield "learned by heart", numbers, numbers @ [1.0, 2.0, 3.0], 0


ODD = {name: (X, y, n) for name, X, y, n in odd_tables()}
ODD_TARGETS = {
    "numbers": lambda y: y,
    "two classes": lambda y: (y > np.median(y)).astype(int),
    "single class": lambda y: np.zeros(len(y), dtype=int),
    "one row of a class": lambda y: np.arange(len(y)) // max(len(y) - 1, 1),
    "as many classes as rows": lambda y: np.arange(len(y)),
}


def odd_dataset(table, target):
    X, y, n_categorical = ODD[table]
    return make_dataset(X, ODD_TARGETS[target](y), n_categorical)


# --- what is declared -----------------------------------------------------------------


def test_enough_of_them_and_names_are_unique():
    for task in TASKS:
        names = metafeature_names(task)
        assert names == METAFEATURE_NAMES[task]
        assert len(names) == len(set(names)) >= 50


def test_unknown_task():
    with pytest.raises(ValueError, match="'classification', 'regression'.*'ranking'"):
        metafeature_names("ranking")


@pytest.mark.parametrize("feature", METAFEATURES, ids=lambda f: f.name)
def test_each_is_declared_properly_and_tells_tables_apart(feature, tables_by_task):
    assert feature.meaning and "\n" not in feature.meaning
    assert feature.group in {group.name for group in GROUPS}
    assert feature.invariances <= set(INVARIANCES)
    for task in feature.tasks:
        values = {m[feature.name] for m in tables_by_task[task]}
        assert sum(np.isfinite(v) for v in values) >= 2, f"{task}: {values}"


@pytest.fixture(scope="module")
def tables_by_task():
    """Descriptions of tables that differ in every respect, for each task."""
    return {
        task: [describe(d, time_limit=AMPLE) for d in _various(task)] for task in TASKS
    }


def _various(task):
    rng = np.random.default_rng(1)
    for seed in range(4):
        yield ordinary_table(task, seed)
    yield ordinary_table(task, 4, n_rows=60, missing=0.0, n_classes=2)
    # Complete numbers of other kinds, some of them redundant, repeated or constant.
    X = rng.poisson(1.0, size=(80, 6)).astype(float)
    X = np.column_stack([X, X[:, 0] + X[:, 1], np.ones(80), 1e3 * rng.uniform(size=80)])
    X[40:50] = X[30:40]
    y = make_target(X[:, 0] * X[:, 1], task)
    yield make_dataset(X, np.where(y == y.max(), y.max() + 3, y))
    y = make_target(np.maximum(rng.normal(size=80), 0) ** 4 - (task == TASKS[0]), task)
    y[:5] = 9
    yield make_dataset(X, y if task == TASKS[0] else np.rint(10 * y))
    yield make_dataset(rng.standard_cauchy(size=(80, 4)), y - (task == "regression"))
    holes = rng.normal(size=(80, 3))
    holes[y > np.median(y), 1] = np.nan
    yield make_dataset(holes, y)


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.name)
def test_steps_compute_what_their_group_declares(group):
    for task in TASKS:
        sample = draw_sample(
            ordinary_table(task),
            max_rows=1000,
            max_columns=100,
            random_state=np.random.RandomState(0),
        )
        prepared, found = group.prepare(sample), {}
        for step in group.steps:
            if task in step.tasks:
                values = step.compute(prepared)
                assert not set(values) & set(found), "computed twice"
                found |= values
        found |= group.derive(found)
        assert set(found) == {f.name for f in group.features if task in f.tasks}


# --- what they do not depend on -------------------------------------------------------


@st.composite
def datasets(draw, task):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_rows = draw(st.integers(12, 60))
    cardinalities = draw(st.lists(st.integers(2, 6), max_size=3))
    codes = [rng.integers(k, size=n_rows) for k in cardinalities]
    kinds = st.sampled_from(["normal", "integer", "lognormal", "constant", "copy"])
    numbers = [rng.normal(size=n_rows)]
    for kind in draw(st.lists(kinds, max_size=4)):
        numbers.append(
            {
                "normal": lambda: rng.normal(size=n_rows),
                "integer": lambda: rng.integers(-2, 3, size=n_rows),
                "lognormal": lambda: np.exp(2 * rng.normal(size=n_rows)),
                "constant": lambda: np.full(n_rows, 1.7),
                "copy": lambda: -numbers[0],
            }[kind]()
        )
    X = np.column_stack([*codes, *numbers]).astype(float)
    signal = X[:, -1] + X[:, 0] + rng.normal(size=n_rows)
    y = make_target(signal, task, draw(st.integers(2, 4)))
    X[rng.uniform(size=X.shape) < draw(st.sampled_from([0.0, 0.0, 0.2]))] = np.nan
    return make_dataset(X, y, len(cardinalities)), rng


def _take(dataset, rows):
    X = dataset.X[rows]
    schema = schema_of(X, dataset.schema.n_categorical, dataset.schema.cardinalities)
    return replace(dataset, X=X, y=dataset.y[rows], schema=schema)


def _other_rows(dataset, rng):
    return _take(dataset, rng.permutation(dataset.n_samples))


def _other_columns(dataset, rng):
    split = dataset.schema.n_categorical
    first = rng.permutation(split)
    order = np.append(first, split + rng.permutation(dataset.n_features - split))
    cardinalities = [dataset.schema.cardinalities[i] for i in first]
    X = dataset.X[:, order]
    return replace(dataset, X=X, schema=schema_of(X, split, cardinalities))


def _other_classes(dataset, rng):
    return replace(dataset, y=rng.permutation(dataset.task.n_classes)[dataset.y])


def _twice(dataset, rng):
    return _take(dataset, np.tile(np.arange(dataset.n_samples), 2))


def _other_scales(dataset, rng):
    X = dataset.X.copy()
    split = dataset.schema.n_categorical
    X[:, split:] *= np.exp(rng.uniform(-9, 9, size=X.shape[1] - split))
    schema = schema_of(X, split, dataset.schema.cardinalities)
    return replace(dataset, X=X, schema=schema)


CHANGES = {
    ROWS: _other_rows,
    COLUMNS: _other_columns,
    CLASSES: _other_classes,
    DUPLICATION: _twice,
    SCALE: _other_scales,
}


@pytest.mark.parametrize(
    ("task", "invariance"),
    [(t, i) for t in TASKS for i in CHANGES if (t, i) != ("regression", CLASSES)],
)
@settings(max_examples=25)
@given(data=st.data())
def test_invariances_hold_where_they_are_declared(task, invariance, data):
    dataset, rng = data.draw(datasets(task))
    before = describe(dataset, time_limit=AMPLE)
    after = describe(CHANGES[invariance](dataset, rng), time_limit=AMPLE)
    changed = {
        f.name: (before[f.name], after[f.name])
        for f in METAFEATURES
        if task in f.tasks
        and invariance in f.invariances
        and not np.isclose(
            before[f.name], after[f.name], rtol=1e-6, atol=1e-7, equal_nan=True
        )
    }
    assert changed == {}


def test_the_same_bit_by_bit():
    for task in TASKS:
        dataset = ordinary_table(task, n_rows=300)
        first = describe(dataset, time_limit=AMPLE, max_rows=100, max_columns=5)
        again = describe(dataset, time_limit=AMPLE, max_rows=100, max_columns=5)
        other = describe(
            dataset, time_limit=AMPLE, max_rows=100, max_columns=5, random_state=1
        )
        assert first == again
        assert first != other


def test_any_order_of_a_table_gives_the_same_bits(rng):
    dataset = ordinary_table("regression")
    assert describe(dataset, time_limit=AMPLE) == describe(
        _other_rows(dataset, rng), time_limit=AMPLE
    )


# --- odd tables -----------------------------------------------------------------------


@pytest.mark.parametrize("target", ODD_TARGETS)
@pytest.mark.parametrize("table", ODD)
def test_odd_tables_neither_raise_nor_overflow(table, target):
    dataset = odd_dataset(table, target)
    metafeatures = describe(dataset, time_limit=AMPLE)
    assert metafeatures.names == METAFEATURE_NAMES[dataset.task.name]
    assert not np.isinf(metafeatures.values).any()
    for name, value in metafeatures.as_dict().items():
        if name.startswith("score_"):
            assert not (value < -1 or value > 1), name
        if "_share" in name and not name.startswith(("log_", "pca_log")):
            assert not (value < 0 or value > 1 + 1e-12), name
    # What is counted is always known.
    known = {"log_rows", "log_columns", "missing_share", "categorical_share"}
    assert all(np.isfinite(metafeatures[name]) for name in known)


@pytest.mark.parametrize("table", ["huge", "tiny", "huge and tiny"])
def test_extreme_scales_change_nothing(table):
    X = ODD["seven rows"][0]
    X = np.vstack([X, np.random.default_rng(0).normal(size=(33, 3))])
    y = X[:, 0] + X[:, 1] ** 2
    factors = {"huge": 2.0**1000, "tiny": 2.0**-900, "huge and tiny": 1.0}[table]
    factors = [2.0**1000, 1.0, 2.0**-900] if table == "huge and tiny" else factors
    plain = describe(make_dataset(X, y), time_limit=AMPLE)
    scaled = describe(make_dataset(X * factors, y), time_limit=AMPLE)
    names = [f.name for f in METAFEATURES if SCALE in f.invariances]
    names = [name for name in names if name in plain.names]
    np.testing.assert_array_equal(
        [plain[name] for name in names], [scaled[name] for name in names]
    )


def test_a_target_learned_by_heart_scores_one():
    metafeatures = describe(odd_dataset("learned by heart", "numbers"))
    assert metafeatures["score_linear"] > 0.999
    assert metafeatures["adjusted_r2"] == pytest.approx(1)


@pytest.mark.parametrize("task", TASKS)
def test_nothing_to_learn_scores_about_zero(task):
    rng = np.random.default_rng(0)
    y = make_target(rng.normal(size=400), task)
    metafeatures = describe(make_dataset(rng.normal(size=(400, 4)), y))
    for name in ("score_linear", "score_additive", "score_kernel", "score_stump"):
        assert -0.2 < metafeatures[name] < 0.1, name


def test_gains_tell_which_family_wins():
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, size=(500, 4))
    linear = describe(make_dataset(X, X @ [1.0, 2.0, -1.0, 0.5]))
    bent = describe(make_dataset(X, X[:, 0] ** 2 + np.abs(X[:, 1])))
    checkers = describe(make_dataset(X, np.sign(X[:, 0]) * np.sign(X[:, 1])))
    assert linear["score_linear"] > 0.99 > linear["score_forest"]
    assert bent["additive_gain"] > 0.8
    assert checkers["interaction_gain"] > 0.5
    assert checkers["forest_gain"] > 0.5 > checkers["score_additive"] + 0.4


# --- time -----------------------------------------------------------------------------


class Clock:
    """Time that goes on by the same amount with every look at it."""

    def __init__(self, tick):
        self.now, self.tick = 0.0, tick

    def __call__(self):
        self.now += self.tick
        return self.now


@pytest.mark.parametrize("task", TASKS)
def test_less_time_gives_fewer_but_the_same_values(task):
    dataset = ordinary_table(task)

    def run(time_limit):
        sample = draw_sample(
            dataset,
            max_rows=1000,
            max_columns=100,
            random_state=np.random.RandomState(0),
        )
        with np.errstate(all="ignore"):
            return run_groups(sample, time_limit=time_limit, clock=Clock(1e-3))

    full, seconds = run(AMPLE)
    counts = []
    for time_limit in (1e-9, 0.03, 0.06, 0.09):
        values, _ = run(time_limit)
        counts.append(len(values))
        assert values.items() <= full.items()
    assert 0 < counts[0] < counts[1] < counts[2] < counts[3] < len(full)
    assert {group.name for group in GROUPS} <= set(seconds)
    assert "landmarks.forest" in seconds


def test_no_step_begins_without_the_time_it_is_expected_to_take():
    sample = draw_sample(
        ordinary_table("classification"),
        max_rows=1000,
        max_columns=100,
        random_state=np.random.RandomState(0),
    )
    kernel = next(s for g in GROUPS for s in g.steps if s.name == "kernel")
    needed = 2 * kernel.cost.seconds(sample)
    # A clock that stands still: only what a step is expected to take counts.
    for time_limit, there in ((needed * 1.01, True), (needed * 0.99, False)):
        values, _ = run_groups(sample, time_limit=time_limit, clock=lambda: 0.0)
        assert ("score_kernel" in values) is there


def test_a_tiny_limit_leaves_what_costs_nothing():
    metafeatures = describe(ordinary_table("classification"), time_limit=1e-9)
    assert metafeatures["n_classes"] == 3
    assert metafeatures["log_rows"] == np.log10(150)
    assert np.isnan(metafeatures["score_linear"])


@pytest.fixture(scope="module")
def large_dataset():
    rng = np.random.default_rng(0)
    # Each column is the one before, moved on by a row: a view without any copy.
    X = np.lib.stride_tricks.sliding_window_view(rng.normal(size=100_199), 200)
    return make_dataset(X, rng.integers(10, size=len(X)))


def test_a_large_table_takes_no_longer_than_the_limit(large_dataset):
    seconds = []
    # The smallest of several times: other work on the machine only adds to it.
    for _ in range(3):
        start = time.perf_counter()
        describe(large_dataset, time_limit=1.0)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 1.0


def test_one_second_of_work_is_enough_for_a_large_table(large_dataset):
    start = time.process_time()
    sample = draw_sample(
        large_dataset,
        max_rows=2000,
        max_columns=128,
        random_state=np.random.RandomState(0),
    )
    with np.errstate(all="ignore"):
        values, _ = run_groups(sample, time_limit=1.0, clock=time.process_time)
    assert time.process_time() - start < 1.0
    unknown = set(METAFEATURE_NAMES["classification"]) - set(values)
    assert unknown == {"log_levels_mean", "log_levels_max", "log_levels_sd"}


# --- input ----------------------------------------------------------------------------


def test_frames_lists_and_matrices_are_the_same_table():
    X, y = load_wine(return_X_y=True)
    expected = compute_metafeatures(X, y, time_limit=AMPLE)
    names = [f"column {i}" for i in range(X.shape[1])]
    for same in (
        pd.DataFrame(X, columns=names),
        pl.DataFrame(X, schema=names),
        X.tolist(),
        sparse.csc_matrix(X),
    ):
        assert compute_metafeatures(same, y, time_limit=AMPLE) == expected
    labels = np.array(["a", "b", "c"])[y]
    assert compute_metafeatures(X, labels, time_limit=AMPLE) == expected


def test_categories_and_missing_values_of_a_frame():
    X = pd.DataFrame({"a": ["u", "v", None, "u"] * 5, "b": [1.0, np.nan, 2.0, 4.0] * 5})
    metafeatures = compute_metafeatures(X, [0, 1, 1, 0] * 5)
    assert metafeatures["categorical_share"] == 0.5
    assert metafeatures["missing_share"] == 0.25
    assert metafeatures["missing_rows"] == 0.5
    # Where a value is missing is where the class is 1, half of the time.
    assert metafeatures["missing_target_max"] == pytest.approx(1 / 3)


def test_task_is_inferred_as_scikit_learn_does():
    X, y = load_diabetes(return_X_y=True)
    assert compute_metafeatures(X, y / 2).names == METAFEATURE_NAMES["regression"]
    assert compute_metafeatures(X, y).names == METAFEATURE_NAMES["classification"]
    forced = compute_metafeatures(X, y, task="regression")
    assert forced.names == METAFEATURE_NAMES["regression"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"task": "ranking"}, "'task'.*'regression' or None.*'ranking'"),
        ({"time_limit": 0}, "'time_limit'.*above 0.*Got 0"),
        ({"time_limit": True}, "'time_limit'.*Got True"),
        ({"max_rows": 1.5}, "'max_rows'.*int above 0.*1.5"),
        ({"max_columns": 0}, "'max_columns'.*int above 0"),
        ({"y": [0.5, np.nan, 1.5], "task": "regression"}, "y contains NaN"),
        ({"y": [0, 1]}, "inconsistent numbers of samples"),
        ({"X": [1.0, 2.0, 3.0]}, "Expected 2D array"),
        ({"X": pd.DataFrame({"a": [None] * 3})}, "None of the 1 columns"),
    ],
)
def test_errors_name_what_is_wrong(arguments, message):
    arguments = {"X": [[1.0], [2.0], [3.0]], "y": [0, 1, 1], **arguments}
    with pytest.raises(ValueError, match=message):
        compute_metafeatures(**arguments)


def test_of_several_targets_the_first_is_described():
    X, y = load_diabetes(return_X_y=True)
    both = np.column_stack([y, -y])
    several = replace(make_dataset(X, y), y=both, task=RegressionTask(n_outputs=2))
    assert describe(several, time_limit=AMPLE) == describe(
        make_dataset(X, y), time_limit=AMPLE
    )
    labels = (both > both.mean(axis=0)).astype(np.int64)
    several = replace(several, y=labels, task=MultilabelTask(2, labels.dtype))
    assert describe(several, time_limit=AMPLE) == describe(
        make_dataset(X, labels[:, 0]), time_limit=AMPLE
    )


def test_mixed_labels_ask_for_the_task():
    with pytest.raises(ValueError, match="task='regression'"):
        compute_metafeatures([[1.0], [2.0]], np.array([1, "a"], dtype=object))


# --- the record -----------------------------------------------------------------------


def test_record_is_read_only_and_readable():
    metafeatures = compute_metafeatures(*load_iris(return_X_y=True))
    with pytest.raises(ValueError, match="read-only"):
        metafeatures.values[0] = 1.0
    assert len(metafeatures) == len(metafeatures.names)
    assert metafeatures.as_dict()["n_classes"] == metafeatures["n_classes"] == 3.0
    assert "class_entropy" in repr(metafeatures) and "1.58496" in repr(metafeatures)
    with pytest.raises(KeyError, match="no meta-feature 'color'"):
        metafeatures["color"]


def test_record_checks_itself():
    with pytest.raises(ValueError, match="2 names.*shape \\(3,\\)"):
        MetaFeatures(("a", "b"), np.zeros(3))
    with pytest.raises(ValueError, match="infinity for \\['b'\\]"):
        MetaFeatures(("a", "b"), np.array([0.0, -np.inf]))


# --- numerical truth ------------------------------------------------------------------


def test_mutual_information_is_that_of_scikit_learn():
    dataset = ordinary_table("classification")
    sample = draw_sample(
        dataset, max_rows=1000, max_columns=100, random_state=np.random.RandomState(0)
    )
    expected = [mutual_info_score(b, sample.y) / np.log(2) for b in sample.bins.T]
    metafeatures = describe(dataset)
    assert metafeatures["mutual_information_mean"] == pytest.approx(np.mean(expected))
    assert metafeatures["mutual_information_max"] == pytest.approx(np.max(expected))


def test_spectrum_is_that_of_scikit_learn():
    X, y = load_wine(return_X_y=True)
    metafeatures = compute_metafeatures(X, y)
    pca = PCA().fit((X - X.mean(axis=0)) / X.std(axis=0))
    shares = pca.explained_variance_ratio_
    assert metafeatures["pca_first"] == pytest.approx(shares[0])
    assert metafeatures["pca_first_three"] == pytest.approx(shares[:3].sum())
    components = 1 + np.count_nonzero(np.cumsum(shares) < 0.95)
    assert metafeatures["pca_share_95"] == components / X.shape[1]
    scores = pca.transform((X - X.mean(axis=0)) / X.std(axis=0))[:, 0]
    skewness = abs(scipy.stats.skew(scores))
    assert metafeatures["pca_skewness"] == pytest.approx(skewness)


def test_explained_variance_of_a_linear_model():
    X, y = load_diabetes(return_X_y=True)
    metafeatures = compute_metafeatures(X, y, task="regression")
    r2 = Ridge(alpha=1e-9).fit(X, y).score(X, y)
    assert metafeatures["canonical_correlation"] == pytest.approx(np.sqrt(r2))
    adjusted = 1 - (1 - r2) * (len(y) - 1) / (len(y) - 1 - X.shape[1])
    assert metafeatures["adjusted_r2"] == pytest.approx(adjusted)
    correlations = [np.corrcoef(column, y)[0, 1] ** 2 for column in X.T]
    assert metafeatures["target_r2_mean"] == pytest.approx(np.mean(correlations))
    ranks = [scipy.stats.spearmanr(column, y)[0] ** 2 for column in X.T]
    assert metafeatures["rank_r2_max"] == pytest.approx(np.max(ranks))


def test_missing_target_is_the_share_of_explained_variance(rng):
    X = rng.normal(size=(50, 4))
    X[:, :3][rng.uniform(size=(50, 3)) < 0.2] = np.nan
    y = rng.normal(size=50)
    absent = np.isnan(X[:, :3])
    expected = max(np.corrcoef(column, y)[0, 1] ** 2 for column in absent.T)
    metafeatures = compute_metafeatures(X, y)
    assert metafeatures["missing_target_max"] == pytest.approx(expected)


# --- the same as pymfe ----------------------------------------------------------------


@pytest.fixture(scope="module", params=["iris", "wine", "normal"])
def with_pymfe(request):
    """Our values and theirs of a table."""
    pytest.importorskip("pymfe", reason="pymfe is not installed")
    if request.param == "normal":
        rng = np.random.default_rng(0)
        X = rng.normal(size=(300, 6))
        y = make_target(X[:, 0] + X[:, 1] + rng.normal(size=300), "classification", 4)
    else:
        loaders = {"iris": load_iris, "wine": load_wine}
        X, y = loaders[request.param](return_X_y=True)
    with warnings.catch_warnings():
        # Of numpy and scikit-learn, whose present ways pymfe does not know yet.
        warnings.simplefilter("ignore")
        theirs = extract_theirs(X, y)
    return compute_metafeatures(X, y, time_limit=AMPLE), theirs, len(y)


@pytest.mark.parametrize("shared", SHARED, ids=lambda s: s.name)
def test_agreement_with_pymfe(shared, with_pymfe):
    ours, theirs, n_rows = with_pymfe
    value = shared.convert(ours[shared.name], n_rows)
    # Theirs adds 1e-8 to probabilities, and canonical correlations are iterated.
    assert value == pytest.approx(theirs[shared.theirs], rel=2e-4, abs=1e-6)
