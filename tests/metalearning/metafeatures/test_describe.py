"""Meta-features of unusual tables, input, record, and agreement with pymfe."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.datasets import load_diabetes, load_iris, load_wine

from benchmarks.metafeatures import SHARED, extract_theirs
from sklearn_meta.data._task import MultilabelTask, RegressionTask
from sklearn_meta.metalearning.metafeatures import (
    METAFEATURE_NAMES,
    METAFEATURES,
    MetaFeatures,
    compute_metafeatures,
    describe,
)
from sklearn_meta.metalearning.metafeatures._declarations import (
    SCALE,
)
from tests.metalearning.metafeatures.tables import (
    AMPLE,
    ODD,
    ODD_TARGETS,
    make_dataset,
    make_target,
    odd_dataset,
)


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
