"""Declared steps and invariances hold."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_meta.data._encoding import schema_of
from sklearn_meta.metalearning.metafeatures import (
    METAFEATURES,
    describe,
)
from sklearn_meta.metalearning.metafeatures._declarations import (
    CLASSES,
    COLUMNS,
    DUPLICATION,
    INVARIANCES,
    ROWS,
    SCALE,
)
from sklearn_meta.metalearning.metafeatures._groups import GROUPS
from sklearn_meta.metalearning.metafeatures._sample import draw_sample
from tests.metalearning.metafeatures.tables import (
    AMPLE,
    TASKS,
    make_dataset,
    make_target,
    ordinary_table,
)


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
