"""Knowledge bases: views, tables, merging, and use as a parameter."""

import math
import pickle
import sys

import pytest
from sklearn.base import BaseEstimator, clone

from sklearn_meta.metalearning.knowledge_base import _schema
from sklearn_meta.metalearning.knowledge_base._knowledge_base import KnowledgeBase
from sklearn_meta.metalearning.knowledge_base._schema import KnowledgeBaseError
from tests.metalearning.knowledge import dataset, evaluation, same


def test_matrix_refuses_other_tasks(mine):
    with pytest.raises(ValueError, match="'task' must be one of"):
        mine.matrix("clustering")


def test_a_metric_of_few_datasets_falls_back(filled):
    filled.add(dataset("new"), [evaluation(scores={"f1_macro": (0.5, 0.1)})])
    assert filled.matrix("classification", "f1_macro").metric == "accuracy"
    assert filled.metrics("classification")[-1] == "f1_macro"
    for name in ("iris", "wine_red"):
        filled.add(
            dataset(name), [evaluation("mlp(X)", scores={"f1_macro": (0.5, 0.1)})]
        )
    assert filled.matrix("classification", "f1_macro").metric == "f1_macro"


def test_views(filled):
    view = filled.without_families(["wine"])
    assert view.matrix("classification").datasets == ("iris",)
    assert [d.name for d, _ in view.records()] == ["iris"]
    # The whole one is not changed; views of views are smaller.
    assert len(filled.records()) == 3
    assert view.without_families({"iris"}).records() == []
    only = filled.with_pipelines(["svc(X)", "unheard_of(X)"])
    matrix = only.matrix("classification")
    assert matrix.pipelines == ("svc(X)",) and matrix.shape == (3, 1)
    assert {e.pipeline for _, known in only.records() for e in known} == {"svc(X)"}
    assert only.with_pipelines(["lda(X)"]).matrix("classification").shape == (3, 0)
    with pytest.raises(KnowledgeBaseError, match="for reading"):
        view.add(dataset(), [])
    for wrong in (filled.without_families, filled.with_pipelines):
        with pytest.raises(TypeError, match="collection of str"):
            wrong("wine")


def test_a_view_merges_into_a_smaller_file(filled, tmp_path):
    small = KnowledgeBase(tmp_path / "small.sqlite")
    small.merge(filled.with_pipelines(["lda(X)"]).without_families(["iris"]))
    ((red, of_red), (_, of_white)) = small.records()
    assert red.name == "wine_red" and [e.pipeline for e in of_red] == ["lda(X)"]
    assert of_white == []
    assert len(small.pipelines()) == 1


def test_tables(filled):
    pandas = pytest.importorskip("pandas")
    datasets, pipelines, evaluations = (
        filled.datasets(),
        filled.pipelines(),
        filled.evaluations(),
    )
    assert all(
        isinstance(t, pandas.DataFrame) for t in (datasets, pipelines, evaluations)
    )
    assert datasets["name"].tolist() == ["iris", "wine_red", "wine_white"]
    assert datasets["metafeature:skew"].tolist() == [0.1] * 3
    assert pipelines.set_index("pipeline")["n_datasets"].to_dict() == {
        "lda(X)": 2,
        "svc(X)": 3,
    }
    assert pipelines.set_index("pipeline")["n_ok"].to_dict() == {
        "lda(X)": 2,
        "svc(X)": 2,
    }
    assert evaluations["status"].tolist() == ["ok", "timeout", "ok", "ok", "ok"]
    assert evaluations["mean:accuracy"].isna().tolist() == [False, True] + [False] * 3


def test_tables_without_pandas_are_lists(filled, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    rows = filled.evaluations()
    assert [type(row) for row in rows] == [dict] * 5
    assert len({tuple(row) for row in rows}) == 1
    assert math.isnan(rows[1]["mean:accuracy"]) and rows[0]["mean:accuracy"] == 0.9


def test_provenance(mine):
    mine.set_provenance(recipe="build --folds 3", n_tables=421)
    mine.set_provenance(n_tables=422)
    provenance = mine.provenance()
    assert provenance["recipe"] == "build --folds 3" and provenance["n_tables"] == 422
    assert provenance["schema_version"] == _schema.SCHEMA_VERSION
    assert {"created", "created_by"} <= set(provenance)


def test_merging_twice_is_merging_once(filled, tmp_path):
    other = KnowledgeBase(tmp_path / "other.sqlite")
    other.add(dataset("new", task="regression"), [evaluation("ridge(X)")])
    other.merge(filled)
    once = other.records()
    assert len(once) == 4
    other.merge(filled._file)
    assert same(other.records(), once)
    other.merge(other)
    assert same(other.records(), once)


def test_merging_what_does_not_exist(filled, tmp_path):
    with pytest.raises(KnowledgeBaseError, match="no knowledge base .*absent"):
        filled.merge(tmp_path / "absent.sqlite")


def test_it_is_a_good_parameter(filled, path):
    class Estimator(BaseEstimator):
        def __init__(self, knowledge_base=None):
            self.knowledge_base = knowledge_base

    cloned = clone(Estimator(filled)).knowledge_base
    thawed = pickle.loads(pickle.dumps(filled))
    for copy in (cloned, thawed):
        assert copy == filled and hash(copy) == hash(filled)
        assert same(copy.records(), filled.records())
    assert filled != filled.without_families(["wine"]) != KnowledgeBase(path)
    assert len(pickle.dumps(filled)) < 500
    assert repr(KnowledgeBase("a.sqlite")) == "KnowledgeBase('a.sqlite')"
    assert repr(KnowledgeBase()) == "KnowledgeBase()"
    assert KnowledgeBase(path) == filled == KnowledgeBase(str(path))
    with pytest.raises(TypeError, match="None, a str or a path"):
        KnowledgeBase(3)


def test_nothing_is_opened_before_it_is_used(tmp_path):
    knowledge_base = KnowledgeBase(tmp_path / "no such folder" / "mine.sqlite")
    assert knowledge_base.without_families(["a"]).path is not None
    assert list(tmp_path.iterdir()) == []


def test_home_folder_and_odd_names(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    odd = "~/100% wine? #1 & ö.sqlite"
    KnowledgeBase(odd).add(dataset(), [evaluation()])
    assert [p.name for p in tmp_path.iterdir()] == [odd[2:]]
    assert len(KnowledgeBase(odd).records()) == 1
