"""The stream of related tables."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from pandas.testing import assert_frame_equal

from benchmarks.own_knowledge import (
    NUMBER,
    STREAMS,
    STRONG,
    measure,
    ratios,
    sources,
    variant_of,
)
from sklearn_meta.metalearning import KnowledgeBase


def test_sources_are_of_distinct_families_and_of_the_right_size():
    manifest = [
        {"task": task, "name": f"{task}{i}", "family": f"f{i // 20}", "n_rows": 900 + i}
        for task in NUMBER
        for i in range(0, 2_000, 10)
    ]
    chosen = sources(manifest)
    tasks = [entry["task"] for entry in chosen]
    assert {task: tasks.count(task) for task in NUMBER} == NUMBER
    assert len({entry["family"] for entry in chosen}) == len(chosen)
    assert all(1_500 <= entry["n_rows"] <= 15_000 for entry in chosen)


def test_sources_that_can_be_predicted_well():
    manifest = [
        {
            "task": task,
            "name": f"{task}{i}",
            "family": f"f{i}",
            "n_rows": 2_000,
            "reference_score": i / 100,
        }
        for task in NUMBER
        for i in range(100)
    ]
    chosen = sources(manifest, STREAMS["strong"])
    assert len(chosen) == sum(NUMBER.values())
    assert all(e["reference_score"] > STRONG[e["task"]] for e in chosen)


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(1_000, 8)), columns=list("abcdefgh"))
    return X.assign(a=np.where(X.a > 0, "x", "y")), rng.normal(size=1_000)


def test_a_variant_is_a_shifted_subsample(table):
    X, y = table
    split = variant_of(X, y, [1, 2], max_rows=400)
    assert len(split.y_train) == 268 and len(split.y_test) == 132
    assert split.X_train.shape[1] == 6
    # Every row is one of the table, and none is there twice.
    rows = np.concatenate([split.y_train, split.y_test])
    assert len(set(rows)) == 400 and set(rows) <= set(y)
    # All rows of a column are multiplied by the same factor.
    whole = X.set_index(y)
    name = next(n for n in split.X_train.columns if n != "a")
    factors = split.X_train[name].to_numpy() / whole.loc[split.y_train, name]
    assert_allclose(factors, factors.iloc[0])
    assert 0.1 <= factors.iloc[0] <= 10


def test_variants_differ_and_come_again(table):
    first, again, other = (variant_of(*table, s, max_rows=400) for s in (0, 0, 1))
    assert_frame_equal(first.X_train, again.X_train)
    assert set(first.y_train) != set(other.y_train)


def record(system, loss, variant=0, status="ok", random_state=0):
    return {
        "task": "regression",
        "table": "t",
        "variant": variant,
        "system": system,
        "random_state": random_state,
        "status": status,
        "loss": loss,
    }


def test_ratios_need_both_systems():
    records = [
        record("built_in", 2.0),
        record("own", 1.0),
        record("own", 1.0, variant=1),
        record("built_in", 4.0, variant=2),
        record("own", 1.0, variant=2, status="failed"),
    ]
    assert ratios(records) == {0: [0.5]}


def test_random_states_of_a_table_are_averaged():
    records = [
        record("built_in", 1.0),
        record("own", 0.5),
        record("built_in", 1.0, random_state=1),
        record("own", 2.0, random_state=1),
    ]
    assert ratios(records) == {0: [1.0]}


def test_what_is_learned_from_one_variant_is_recalled_for_the_next(table, tmp_path):
    # So few rows that the search is over long before the budget is.
    X, y = table[0][:200], table[1][:200]
    folder = tmp_path / "train" / "regression"
    folder.mkdir(parents=True)
    X.assign(target=y).to_parquet(folder / "t.parquet")

    def measured(variant):
        return measure(
            data=tmp_path,
            task="regression",
            table="t",
            family="f",
            variant=variant,
            system="own",
            budget=20.0,
            n_jobs=1,
            random_state=0,
            max_rows=2_000,
            knowledge=str(tmp_path / "own.sqlite"),
        )

    first, second = measured(0), measured(1)
    for result in (first, second):
        assert result["rows"] == 54
        assert np.isfinite([result["loss"], result["validation_score"]]).all()
        assert len(result["nearest"]) == 3
    own = KnowledgeBase(tmp_path / "own.sqlite").datasets()["name"]
    assert len(own) == 2
    assert own[0] in second["nearest"] and own[0] not in first["nearest"]
