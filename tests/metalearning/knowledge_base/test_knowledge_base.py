"""The knowledge base: what is put in comes out, as records, arrays and tables."""

import math
import pickle
import sqlite3
import sys
import tempfile
from contextlib import closing
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, clone
from sklearn.metrics import get_scorer_names

from sklearn_meta.evaluation._records import Status
from sklearn_meta.metalearning.knowledge_base import _file as _knowledge_file
from sklearn_meta.metalearning.knowledge_base._knowledge_base import (
    STORED_METRICS,
    DatasetRecord,
    EvaluationRecord,
    KnowledgeBase,
    KnowledgeBaseError,
    as_knowledge_base,
    concatenate,
    related_metric,
)
from sklearn_meta.metalearning.knowledge_base._metrics import RELATED_METRICS
from sklearn_meta.metalearning.knowledge_base._numbers import (
    SCORE_DIGITS,
    decode_scores,
    encode_score,
)
from tests.metalearning.knowledge import dataset, evaluation, failure, same

TASKS = sorted(STORED_METRICS)


# What is put in


def test_records_come_back(filled):
    (iris, of_iris), (red, _), (white, of_white) = filled.records()
    assert same(
        [iris, red, white], [dataset(n) for n in ("iris", "wine_red", "wine_white")]
    )
    assert same(of_iris, [evaluation(), failure("svc(X)")])
    assert same(of_white, [evaluation("svc(X)", fit_seconds=math.nan)])


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
finite = st.floats(allow_nan=False, allow_infinity=False)
seconds = st.just(math.nan) | st.floats(0, 1e6)
score = st.tuples(finite, st.just(math.nan) | st.floats(0, 1e300))


@st.composite
def knowledge(draw):
    """Datasets of both tasks with evaluations; names are any text."""
    records = []
    keys = st.tuples(st.sampled_from(TASKS), names)
    for task, name in draw(st.lists(keys, unique=True, max_size=3)):
        described = DatasetRecord(
            name=name,
            task=task,
            family=draw(names | st.just("")),
            n_samples=draw(st.integers(0, 10**9)),
            n_features=draw(st.integers(0, 10**6)),
            n_classes=draw(st.integers(0, 100)),
            metafeatures=draw(
                st.dictionaries(names, finite | st.just(math.nan), max_size=4)
            ),
        )
        evaluations = [
            EvaluationRecord(
                pipeline=pipeline,
                status=status,
                scores=draw(st.dictionaries(names, score, max_size=3))
                if status == Status.OK
                else {},
                fit_seconds=draw(seconds),
                predict_seconds=draw(seconds),
                n_rows=draw(st.integers(0, 10**6)),
            )
            for pipeline, status in draw(
                st.dictionaries(names, st.sampled_from(list(Status)), max_size=4)
            ).items()
        ]
        records.append((described, evaluations))
    return records


@given(knowledge())
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
def test_csv_is_the_same_knowledge(records):
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        first, second = (KnowledgeBase(folder / f"{i}.sqlite") for i in range(2))
        first._add_all([(*record, "somebody") for record in records], {})
        first.set_provenance(recipe={"folds": 3, "text": 'a,b\n"c"'})
        first.export_csv(folder / "csv")
        second.import_csv(folder / "csv")
        assert same(second._records(), first._records())
        assert second.provenance() == first.provenance()
        # What was read is written as it was read.
        third = KnowledgeBase(folder / "third.sqlite")
        third.merge(first)
        assert same(third._records(), first._records())


def test_scores_that_are_not_stored_come_back_as_absent(mine, tmp_path):
    mine.add(dataset(), [evaluation(scores={"r2": (0.5, 0.1)}), evaluation("svc(X)")])
    mine.export_csv(tmp_path)
    other = KnowledgeBase(tmp_path / "other.sqlite")
    other.import_csv(tmp_path)
    ((_, evaluations),) = other.records()
    assert [set(e.scores) for e in evaluations] == [
        {"r2"},
        {"accuracy", "neg_log_loss"},
    ]


@given(finite, st.just(math.nan) | st.floats(0, allow_infinity=False))
def test_scores_are_rounded_to_six_digits(mean, error):
    whole_mean, whole_error, exponent = encode_score(mean, error)
    largest = max(abs(mean), 0.0 if math.isnan(error) else error)
    step = 10.0 ** (-SCORE_DIGITS + 1)
    # Below 1e-300 there is nothing to tell apart.
    decoded = decode_scores(
        np.array([whole_mean, whole_error or 0]), np.array([exponent] * 2)
    )
    assert decoded[0] == pytest.approx(mean, rel=0, abs=0.501 * step * largest + 1e-299)
    assert abs(whole_mean) <= 10**SCORE_DIGITS
    if math.isnan(error):
        assert whole_error is None
    else:
        assert decoded[1] == pytest.approx(
            error, rel=0, abs=0.501 * step * largest + 1e-299
        )
    # Rounding a second time changes nothing.
    again = encode_score(*decoded.tolist())
    assert np.array_equal(
        decode_scores(np.array(again[:2]), np.array([again[2]] * 2)), decoded
    )


def test_numbers_of_numpy_are_numbers(mine, path):
    mine.add(
        dataset(n_samples=np.int64(7), metafeatures={"skew": np.float32(0.5)}),
        [
            evaluation(
                scores={"accuracy": (np.float32(0.5), np.float64(0.25))},
                fit_seconds=np.float32(0.5),
                n_rows=np.int32(7),
            )
        ],
    )
    ((described, (stored,)),) = mine.records()
    assert described.n_samples == 7 and described.metafeatures == {"skew": 0.5}
    assert stored.scores == {"accuracy": (0.5, 0.25)}
    assert (stored.fit_seconds, stored.n_rows) == (0.5, 7)


def test_scores_that_are_not_finite_are_absent(mine):
    scores = {
        "accuracy": (math.nan, 0.1),
        "r2": (-math.inf, 0.1),
        "f1": (0.5, math.inf),
    }
    mine.add(dataset(), [evaluation(scores=scores)])
    ((_, (stored,)),) = mine.records()
    assert same(stored.scores, {"f1": (0.5, math.nan)})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: dataset(task="ranking"), "'task' must be one of"),
        (lambda: dataset(name=""), "name of a dataset"),
        (lambda: dataset(n_samples=-1), "'n_samples' of dataset 'iris'"),
        (lambda: dataset(metafeatures={"skew": math.inf}), "meta-feature 'skew'"),
        (lambda: evaluation(status="fine"), "'status' .* 'ok'.* Got 'fine'"),
        (lambda: evaluation(fit_seconds=-1.0), "'fit_seconds'"),
        (lambda: evaluation(predict_seconds=math.inf), "'predict_seconds'"),
        (lambda: evaluation(n_rows=-1), "'n_rows'"),
    ],
)
def test_records_check_themselves(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_records_are_frozen():
    with pytest.raises(FrozenInstanceError):
        dataset().name = "other"


# Adding the same again


def test_adding_again_updates_dataset_and_evaluations(mine):
    mine.add(dataset(), [evaluation("lda(X)")], source="first")
    mine.add(
        dataset(n_samples=99, metafeatures={"skew": 0.7}),
        [evaluation("svc(X)"), evaluation(scores={"accuracy": (0.95, 0.02)})],
        source="second",
    )
    ((described, evaluations, source),) = mine._records()
    assert (described.n_samples, described.metafeatures) == (99, {"skew": 0.7})
    assert source == "second"
    assert [e.pipeline for e in evaluations] == ["lda(X)", "svc(X)"]
    # The newer score, and the one that the newer evaluation did not have.
    assert evaluations[0].scores == {
        "accuracy": (0.95, 0.02),
        "neg_log_loss": (-0.2, 0.02),
    }


def test_one_name_in_two_tasks_is_two_datasets(mine):
    for task in TASKS:
        mine.add(dataset(task=task), [evaluation()])
    assert [d.task for d, _ in mine.records()] == TASKS


@pytest.mark.parametrize(
    ("earlier", "later", "kept"),
    [
        (evaluation(), failure(), "earlier"),
        (failure(), evaluation(), "later"),
        (failure(fit_seconds=1.0), failure(fit_seconds=2.0), "later"),
        (evaluation(n_rows=900), evaluation(n_rows=100, fit_seconds=1.0), "earlier"),
        (evaluation(n_rows=100), evaluation(n_rows=900, fit_seconds=1.0), "later"),
        (evaluation(fit_seconds=1.0), evaluation(fit_seconds=2.0), "later"),
    ],
)
def test_the_better_founded_evaluation_is_kept(mine, earlier, later, kept):
    mine.add(dataset(), [earlier])
    mine.add(dataset(), [later])
    ((_, (stored,)),) = mine.records()
    assert stored == {"earlier": earlier, "later": later}[kept]


def test_scores_of_other_rows_are_not_mixed(mine):
    mine.add(dataset(), [evaluation(n_rows=100)])
    mine.add(dataset(), [evaluation(n_rows=200, scores={"accuracy": (0.8, 0.1)})])
    ((_, (stored,)),) = mine.records()
    assert stored.scores == {"accuracy": (0.8, 0.1)}


def test_an_error_in_the_middle_adds_nothing(filled):
    before = filled.records()
    with pytest.raises(AttributeError):
        filled.add(dataset("new"), [evaluation(), "no record"])
    assert same(filled.records(), before)


# The matrix


@pytest.mark.parametrize("metric", ["accuracy", "neg_log_loss"])
def test_matrix_agrees_with_the_records(mine, rng, metric):
    records = []
    for i in range(7):
        described = dataset(
            f"d{i}",
            n_samples=int(rng.integers(10, 99)),
            n_features=i,
            n_classes=i + 2,
            family=f"f{i // 2}",
            metafeatures={
                f"m{j}": float(rng.normal()) for j in range(5) if rng.random() < 0.7
            },
        )
        evaluations = []
        for j in rng.permutation(9):
            chance = rng.random()
            scores = {
                name: (round(rng.normal(), 4), round(rng.random(), 4))
                for name in ("accuracy", "neg_log_loss")
                if rng.random() < 0.8
            }
            if chance < 0.5:
                evaluations.append(evaluation(f"p{j}(X)", scores=scores, n_rows=i))
            elif chance < 0.7:
                evaluations.append(failure(f"p{j}(X)", predict_seconds=math.nan))
        records.append((described, evaluations))
        mine.add(described, evaluations)
    # Another task has nothing to do with it.
    mine.add(dataset(task="regression"), [evaluation("other(X)")])

    matrix = mine.matrix("classification", metric)
    assert matrix.metric == metric
    assert matrix.datasets == tuple(d.name for d, _ in records)
    assert matrix.families == tuple(d.family for d, _ in records)
    assert set(matrix.pipelines) == {e.pipeline for _, es in records for e in es}
    assert matrix.shape == (len(matrix.datasets), len(matrix.pipelines))
    expected = {
        name: np.full(matrix.shape, math.nan)
        for name in ("mean", "standard_error", "fit_seconds")
    }
    tried = np.zeros(matrix.shape, dtype=bool)
    n_rows = np.zeros(matrix.shape, dtype=int)
    for i, (described, evaluations) in enumerate(records):
        for e in evaluations:
            cell = i, matrix.pipelines.index(e.pipeline)
            tried[cell] = True
            n_rows[cell] = e.n_rows
            expected["fit_seconds"][cell] = e.fit_seconds
            mean, error = e.scores.get(metric, (math.nan, math.nan))
            expected["mean"][cell], expected["standard_error"][cell] = mean, error
        for name, size in zip(
            matrix.metafeature_names, matrix.metafeatures[i], strict=True
        ):
            assert same(described.metafeatures.get(name, math.nan), float(size))
        for count in ("n_samples", "n_features", "n_classes"):
            assert getattr(matrix, count)[i] == getattr(described, count)
    for name, values in expected.items():
        np.testing.assert_array_equal(getattr(matrix, name), values, err_msg=name)
    np.testing.assert_array_equal(matrix.tried, tried)
    np.testing.assert_array_equal(matrix.n_rows, n_rows)
    np.testing.assert_array_equal(matrix.ok, ~np.isnan(expected["mean"]))
    assert len(matrix.metafeature_names) == 5


@pytest.mark.parametrize("task", TASKS)
def test_matrix_of_nothing_is_empty(mine, path, task):
    matrix = mine.matrix(task)
    assert matrix.shape == (0, 0) and matrix.metafeatures.shape == (0, 0)
    assert matrix.metric == STORED_METRICS[task][0]
    assert not path.exists()
    assert mine.metrics(task) == () and mine.records() == []


def test_matrix_of_datasets_without_evaluations(mine):
    mine.add(dataset(), [])
    matrix = mine.matrix("classification")
    assert matrix.shape == (1, 0) and matrix.metafeatures.shape == (1, 2)


def test_matrix_without_meta_features(mine):
    mine.add(dataset(metafeatures={}), [evaluation()])
    assert mine.matrix("classification").metafeatures.shape == (1, 0)


def test_matrix_refuses_other_tasks(mine):
    with pytest.raises(ValueError, match="'task' must be one of"):
        mine.matrix("clustering")


def test_matrix_keeps_the_pipelines_that_came_nearest_to_the_best(mine):
    def scored(text, accuracy):
        return evaluation(text, scores={"accuracy": (accuracy, 0.0)})

    mine.add(dataset("a"), [scored("bad(X)", 0.1), scored("good(X)", 0.9)])
    mine.add(
        dataset("b"),
        [scored("bad(X)", 0.2), scored("good(X)", 0.5), scored("best_of_b(X)", 0.7)],
    )
    mine.add(dataset("c"), [failure("failed(X)")])
    assert len(mine.matrix("classification", "accuracy").pipelines) == 4
    matrix = mine.matrix("classification", "accuracy", max_pipelines=2)
    assert matrix.pipelines == ("good(X)", "best_of_b(X)")
    np.testing.assert_array_equal(
        matrix.mean, [[0.9, math.nan], [0.5, 0.7], [math.nan, math.nan]]
    )
    # Of equals, the one that is known on more datasets.
    (one,) = mine.matrix("classification", "accuracy", max_pipelines=1).pipelines
    assert one == "good(X)"
    # The number counts the pipelines of the view.
    view = mine.with_pipelines(["bad(X)", "failed(X)"])
    assert (
        len(view.matrix("classification", "accuracy", max_pipelines=2).pipelines) == 2
    )


def test_matrices_of_several_files_are_one(filled, tmp_path):
    other = KnowledgeBase(tmp_path / "other.sqlite")
    other.add(
        dataset("new", metafeatures={"entropy": 0.3, "skew": 0.5}),
        [evaluation("mlp(X)"), failure("lda(X)")],
    )
    one, two = (k.matrix("classification", "accuracy") for k in (filled, other))
    joined = concatenate([one, two])
    both = KnowledgeBase(tmp_path / "both.sqlite")
    both.merge(filled)
    both.merge(other)
    merged = both.matrix("classification", "accuracy")
    assert joined.datasets == merged.datasets and joined.families == merged.families
    order = [joined.pipelines.index(text) for text in merged.pipelines]
    ordered = joined.take_pipelines(order)
    assert ordered.pipelines == merged.pipelines
    for name in ("mean", "standard_error", "tried", "fit_seconds", "n_rows"):
        np.testing.assert_array_equal(getattr(ordered, name), getattr(merged, name))
    order = [joined.metafeature_names.index(n) for n in merged.metafeature_names]
    np.testing.assert_array_equal(joined.metafeatures[:, order], merged.metafeatures)


def test_of_a_dataset_in_two_matrices_the_last_one_counts(filled, tmp_path):
    other = KnowledgeBase(tmp_path / "other.sqlite")
    other.add(dataset("iris"), [evaluation(scores={"accuracy": (0.5, 0.1)})])
    joined = concatenate(
        [k.matrix("classification", "accuracy") for k in (filled, other)]
    )
    assert joined.datasets == ("wine_red", "wine_white", "iris")
    assert joined.mean[2, joined.pipelines.index("lda(X)")] == 0.5


def test_matrices_of_different_metrics_are_not_joined(filled):
    matrices = [
        filled.matrix("classification", m) for m in ("accuracy", "neg_log_loss")
    ]
    with pytest.raises(ValueError, match="one task and metric"):
        concatenate(matrices)


# Metrics


@pytest.mark.parametrize("task", TASKS)
def test_metrics_are_names_of_scorers(task):
    related = RELATED_METRICS[task]
    assert set(related) | set(STORED_METRICS[task]) <= set(get_scorer_names())
    for name, nearest in related.items():
        assert sorted(nearest) == sorted(STORED_METRICS[task])
        if name in STORED_METRICS[task]:
            assert nearest[0] == name


def test_every_scorer_for_predictions_has_a_relative():
    clusterings = {
        name
        for name in get_scorer_names()
        if name.endswith(("rand_score", "mutual_info_score", "mallows_score"))
        or name in ("completeness_score", "homogeneity_score", "v_measure_score")
    }
    known = set().union(*RELATED_METRICS.values())
    assert set(get_scorer_names()) - clusterings <= known


@pytest.mark.parametrize(
    ("name", "task", "expected"),
    [
        ("accuracy", "classification", "accuracy"),
        ("f1_macro", "classification", "balanced_accuracy"),
        ("f1_micro", "classification", "accuracy"),
        ("average_precision", "classification", "roc_auc"),
        ("roc_auc_ovr_weighted", "classification", "roc_auc"),
        ("neg_brier_score", "classification", "neg_log_loss"),
        ("neg_mean_squared_error", "regression", "neg_root_mean_squared_error"),
        ("neg_median_absolute_error", "regression", "neg_mean_absolute_error"),
        ("explained_variance", "regression", "r2"),
        ("unheard_of", "regression", "neg_root_mean_squared_error"),
        (None, "classification", "neg_log_loss"),
        (lambda estimator, X, y: 0.0, "regression", "neg_root_mean_squared_error"),
    ],
)
def test_other_metrics_fall_back_to_a_related_one(name, task, expected):
    assert related_metric(name, task, STORED_METRICS[task]) == expected
    assert related_metric(name, task, ()) == expected


def test_fallback_takes_what_there_is():
    assert related_metric("f1_macro", "classification", ["accuracy"]) == "accuracy"
    assert related_metric("f1_macro", "classification", ["own"]) == "own"
    assert related_metric("own", "classification", ["own", "accuracy"]) == "own"


def test_a_metric_of_few_datasets_falls_back(filled):
    filled.add(dataset("new"), [evaluation(scores={"f1_macro": (0.5, 0.1)})])
    assert filled.matrix("classification", "f1_macro").metric == "accuracy"
    assert filled.metrics("classification")[-1] == "f1_macro"
    for name in ("iris", "wine_red"):
        filled.add(
            dataset(name), [evaluation("mlp(X)", scores={"f1_macro": (0.5, 0.1)})]
        )
    assert filled.matrix("classification", "f1_macro").metric == "f1_macro"


# Views, tables


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


def test_a_person_with_sqlite_sees_the_scores(filled, path):
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT dataset, pipeline, mean, standard_error, fit_seconds "
            "FROM leaderboard WHERE metric = 'neg_log_loss' ORDER BY dataset, pipeline"
        ).fetchall()
    assert rows[0] == ("iris", "lda(X)", -0.2, 0.02, 0.25)
    assert len(rows) == 4


def test_provenance(mine):
    mine.set_provenance(recipe="build --folds 3", n_tables=421)
    mine.set_provenance(n_tables=422)
    provenance = mine.provenance()
    assert provenance["recipe"] == "build --folds 3" and provenance["n_tables"] == 422
    assert provenance["schema_version"] == _knowledge_file.SCHEMA_VERSION
    assert {"created", "created_by"} <= set(provenance)


# Merging and importing


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


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("evaluations.csv", ",timeout,", ",fine,", "Line 3 of .*'status'"),
        (
            "evaluations.csv",
            ",iris,",
            ",unknown,",
            "no classification dataset 'unknown'",
        ),
        ("datasets.csv", ",150,", ",many,", "Line 2 of"),
        ("datasets.csv", "family", "clan", "Line 2 of .*family"),
        ("provenance.csv", "created,", "created,{", "Line 3 of"),
    ],
)
def test_import_names_the_line_that_is_wrong(filled, tmp_path, file, old, new, message):
    filled.export_csv(tmp_path / "csv")
    text = (tmp_path / "csv" / file).read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "csv" / file).write_text(text.replace(old, new), encoding="utf-8")
    other = KnowledgeBase(tmp_path / "other.sqlite")
    with pytest.raises(KnowledgeBaseError, match=message):
        other.import_csv(tmp_path / "csv")
    assert other.records() == []


def test_import_of_a_folder_without_the_files(mine, tmp_path):
    with pytest.raises(KnowledgeBaseError, match="cannot be read.*export_csv"):
        mine.import_csv(tmp_path)


# A constructor parameter


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
    assert as_knowledge_base(filled) is filled
    assert as_knowledge_base(path) == filled == as_knowledge_base(str(path))
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
